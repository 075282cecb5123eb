"""What people type about themselves."""

import math
from typing import Any

from django.contrib.auth.forms import AuthenticationForm, UserCreationForm
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator, RegexValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from realtime.limits import Limit

NAME_LENGTH = 30  # characters; a name stands beside every message

validate_name = RegexValidator(
    r"^\w[\w.-]*\Z", _("Use letters, digits, dots, hyphens and underscores, and begin with a letter or digit.")
)

log_ins_per_name = Limit("log-ins", burst=5, per_second=5 / 300)
sign_ups_per_address = Limit("sign-ups", burst=10, per_second=1 / 60)


def check_pace(limit: Limit, key: str) -> None:
    """Raises `ValidationError`, which says how long to wait."""
    if wait := limit.wait(key):
        seconds = math.ceil(wait)
        message = ngettext(
            "Too many attempts. Try again in %(seconds)s second.", "Too many attempts. Try again in %(seconds)s seconds.", seconds
        )
        raise ValidationError(message, params={"seconds": seconds})


class LogInForm(AuthenticationForm):
    """Guessing passwords is slow, for each name from each address; other people are not held up by it."""

    def clean(self) -> dict[str, Any]:
        name = str(self.cleaned_data.get("username", "")).lower()
        address = self.request.META.get("REMOTE_ADDR") if self.request else None
        check_pace(log_ins_per_name, f"{address} {name}")
        cleaned = super().clean()
        log_ins_per_name.give_back(f"{address} {name}")
        return cleaned


class SignUpForm(UserCreationForm):
    """A name and a password. The name is narrower than Django's, so that an @mention of it is unmistakable."""

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ("username",)

    def __init__(self, *args: Any, address: str = "", **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.address = address
        name = self.fields["username"]
        name.validators = [*name.validators, validate_name, MaxLengthValidator(NAME_LENGTH)]
        name.widget.attrs["maxlength"] = NAME_LENGTH
        name.help_text = _("Letters, digits, dots, hyphens and underscores. Others see it and can @mention you by it.")
        self.fields["password1"].help_text = _("At least 8 characters, and not one of the well-known ones.")
        self.fields["password2"].label = _("Password again")
        self.fields["password2"].help_text = ""

    def clean(self) -> dict[str, Any] | None:
        check_pace(sign_ups_per_address, self.address)
        return super().clean()
