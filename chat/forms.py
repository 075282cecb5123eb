"""What people type into the pages of chat. The services decide; a form only reads."""

from typing import Any
from uuid import uuid4

from django import forms
from django.contrib.auth import get_user_model
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from chat.models import BODY_LENGTH, NAME_LENGTH, TOPIC_LENGTH, Room
from realtime.protocol import Refusal

SLOW_MODES = [(0, _("Off")), (5, _("5 seconds")), (30, _("30 seconds")), (120, _("2 minutes")), (600, _("10 minutes"))]


class RoomForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    topic = forms.CharField(
        label=_("Topic"),
        max_length=TOPIC_LENGTH,
        required=False,
        help_text=_("What it is about, in a few words. Optional."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class NewRoomForm(RoomForm):
    kind = forms.ChoiceField(
        label=_("Who can come in"),
        choices=[
            (Room.Kind.OPEN, _("Everybody: the room is listed, and anyone may read and join")),
            (Room.Kind.CLOSED, _("Whom you invite: nobody else can see that it exists")),
        ],
        initial=Room.Kind.OPEN,
        widget=forms.RadioSelect,
    )


class RoomSettingsForm(RoomForm):
    slow_mode_seconds = forms.TypedChoiceField(
        label=_("Slow mode"),
        help_text=_("How long a person waits between two messages. Moderators do not wait."),
        coerce=int,
        choices=SLOW_MODES,
    )

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        seconds = self.initial.get("slow_mode_seconds", 0)
        pace = self.fields["slow_mode_seconds"]
        if seconds not in dict(SLOW_MODES) and isinstance(pace, forms.ChoiceField):  # set by a program to something between
            words = format_lazy(ngettext_lazy("{count} second", "{count} seconds", seconds), count=seconds)
            pace.choices = sorted([*SLOW_MODES, (seconds, words)])


class MessageForm(forms.Form):
    """The composer without scripts. Its client id makes a form that is sent twice one message."""

    body = forms.CharField(max_length=BODY_LENGTH, strip=False)
    reply_to = forms.IntegerField(required=False, min_value=1)
    client_id = forms.UUIDField(initial=uuid4)


class EditForm(forms.Form):
    body = forms.CharField(label=_("Message"), max_length=BODY_LENGTH, widget=forms.Textarea(attrs={"rows": 4}))


class PersonForm(forms.Form):
    """Somebody, by user name."""

    person: Any  # once the form is valid

    username = forms.CharField(
        label=_("User name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"})
    )

    def clean_username(self):
        name = self.cleaned_data["username"].strip().removeprefix("@")
        self.person = get_user_model().objects.filter(username__iexact=name, is_active=True).first()
        if self.person is None:
            raise forms.ValidationError(_("There is nobody called “%(name)s”."), params={"name": name})
        return name


def refuse(form: forms.Form, refusal: Refusal) -> int:
    """Show in the form why the service refused. Returns the status to answer with."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    return refusal.status
