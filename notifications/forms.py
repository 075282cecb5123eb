"""What people type into the pages of notifications. The services decide; a form only reads."""

from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from notifications.models import TEXT_LENGTH, URL_LENGTH
from notifications.services.preferences import EMAIL_MINUTES
from notifications.services.tokens import tokens
from realtime.protocol import Refusal

MINUTES = {5: _("5 minutes"), 15: _("15 minutes"), 60: _("an hour"), 240: _("4 hours"), 1440: _("a day")}


def time_zones() -> list[tuple[str, Any]]:
    zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith(("Etc/", "SystemV/")))
    return [("", _("As the site (UTC)")), *[(zone, zone.replace("_", " ")) for zone in zones]]


class InboxForm(forms.Form):
    """Quiet hours and patience."""

    time_zone = forms.ChoiceField(label=_("Your time zone"), required=False, choices=time_zones)
    quiet_from = forms.TimeField(label=_("Quiet from"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M"))
    quiet_until = forms.TimeField(label=_("until"), required=False, widget=forms.TimeInput({"type": "time"}, format="%H:%M"))
    email_after_minutes = forms.TypedChoiceField(
        label=_("E-mail what is still unread after"), coerce=int, choices=[(number, MINUTES[number]) for number in EMAIL_MINUTES]
    )


class WebhookForm(forms.Form):
    url = forms.CharField(
        label=_("Address"),
        max_length=URL_LENGTH,
        widget=forms.URLInput(attrs={"placeholder": "https://example.org/hook", "autocomplete": "off"}),
    )


class TokenForm(forms.Form):
    name = forms.CharField(label=_("What it is for"), max_length=80, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=list(tokens.scopes.items()), initial=list(tokens.scopes), widget=forms.CheckboxSelectMultiple
    )


class AnnouncementForm(forms.Form):
    text = forms.CharField(label=_("Text"), max_length=TEXT_LENGTH, widget=forms.Textarea(attrs={"rows": 3}))
    audience = forms.CharField(
        label=pgettext_lazy("audience", "To"), initial="everyone", help_text=_("everyone, staff, or room:ID"), max_length=40
    )
    url = forms.CharField(
        label=_("Link"), required=False, max_length=URL_LENGTH, help_text=_("A page of this site, or https://…")
    )


def refuse(form: forms.Form, refusal: Refusal) -> int:
    """Show in the form why the service refused. Returns the status to answer with."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    return refusal.status
