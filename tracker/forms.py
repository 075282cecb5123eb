"""What people type into the pages of the tracker. The services decide; a form only reads."""

import json
from typing import Any
from uuid import uuid4

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal
from tracker.formats import NAMES
from tracker.models import DESCRIPTION_LENGTH, NAME_LENGTH, SOURCE_LENGTH, Severity
from tracker.services.tokens import tokens


class IncidentForm(forms.Form):
    name = forms.CharField(
        label=_("What has happened?"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    description = forms.CharField(
        label=_("Details"),
        required=False,
        max_length=DESCRIPTION_LENGTH,
        widget=forms.Textarea(attrs={"rows": 3}),
    )
    severity = forms.TypedChoiceField(label=_("Severity"), coerce=int, choices=Severity.choices, initial=Severity.MEDIUM)
    lat = forms.FloatField(
        label=_("Latitude"), min_value=-90, max_value=90, widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"})
    )
    lon = forms.FloatField(
        label=_("Longitude"),
        min_value=-180,
        max_value=180,
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )


class ReportForm(IncidentForm):
    """A form that is sent twice is one report."""

    client_id = forms.UUIDField(initial=uuid4, widget=forms.HiddenInput)


class AreaForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    severity = forms.TypedChoiceField(
        label=_("Tell me of"), coerce=int, choices=[(severity.value, severity.and_worse) for severity in Severity]
    )
    is_active = forms.BooleanField(label=_("Alert me"), required=False, initial=True)
    is_shared = forms.BooleanField(
        label=_("Show on everybody's map"), required=False, help_text=_("The alerts stay with its owner.")
    )
    geometry = forms.CharField(
        label=_("Shape"),
        help_text=_("A GeoJSON Polygon or MultiPolygon: longitude first, rings closed."),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["severity"].initial = Severity.MEDIUM
        if not user.is_staff:
            del self.fields["is_shared"]

    def clean_geometry(self) -> Any:
        try:
            geometry = json.loads(self.cleaned_data["geometry"])
        except (ValueError, RecursionError):
            raise forms.ValidationError(_("This is not JSON.")) from None
        if isinstance(geometry, dict) and geometry.get("type") == "Feature":  # what most editors copy
            geometry = geometry.get("geometry")
        return geometry


class ImportForm(forms.Form):
    file = forms.FileField(
        label=_("File"), help_text=_("GeoJSON, USGS earthquakes, CAP 1.2 alerts or CSV; up to 5 MB and 10,000 rows.")
    )
    format = forms.ChoiceField(label=_("Format"), required=False, choices=[("", _("Find out")), *NAMES.items()])
    source = forms.CharField(
        label=_("Source"),
        required=False,
        max_length=SOURCE_LENGTH,
        help_text=_("Who says so: with the ids in the file it makes sure that nothing is there twice. Empty: the format's name."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    is_dry_run = forms.BooleanField(label=_("Only try: store nothing"), required=False)


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=80,
        help_text=_("Which program it is for."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scopes = forms.MultipleChoiceField(
        label=_("What it may do"),
        choices=[(scope, capfirst(label)) for scope, label in tokens.scopes.items()],
        widget=forms.CheckboxSelectMultiple,
    )


def refuse(form: forms.Form, refusal: Refusal) -> int:
    """Show in the form why the service refused. Returns the status to answer with."""
    form.add_error(refusal.field if refusal.field in form.fields else None, refusal.message)
    return refusal.status
