"""What people type into the pages of boards. The services decide; a form only reads."""

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from drawing.models import GUEST_NAME_LENGTH, TITLE_LENGTH, Board, Participant
from realtime.protocol import Refusal


class BoardForm(forms.Form):
    title = forms.CharField(label=_("Name"), max_length=TITLE_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))


class AccessForm(forms.Form):
    access = forms.ChoiceField(label=_("Who can come in"), choices=Board.Access.choices, widget=forms.RadioSelect)


class ShareForm(forms.Form):
    """Somebody, by user name, and what they may do."""

    person: Any  # once the form is valid

    username = forms.CharField(
        label=_("Add somebody"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "placeholder": _("User name")}),
    )
    role = forms.ChoiceField(
        label=_("Role"),
        choices=[choice for choice in Participant.Role.choices if choice[0] != Participant.Role.LINK],
        initial=Participant.Role.EDITOR,
    )

    def clean_username(self) -> str:
        name = self.cleaned_data["username"].strip().removeprefix("@")
        self.person = get_user_model().objects.filter(username__iexact=name, is_active=True).first()
        if self.person is None:
            raise forms.ValidationError(gettext("There is nobody called “%(name)s”.") % {"name": name})
        return name


class GuestForm(forms.Form):
    name = forms.CharField(
        label=_("Your name"), max_length=GUEST_NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "nickname"})
    )


def refuse(form: forms.Form, refusal: Refusal) -> int:
    """Show in the form why the service refused. Returns the status to answer with."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    return refusal.status
