"""What people type about themselves."""

from django import forms
from django.contrib.auth.forms import UserCreationForm
from django.contrib.auth.models import User
from django.core.validators import RegexValidator

NAME_LENGTH = 30  # characters; a name stands beside every message

validate_name = RegexValidator(
    r"^\w[\w.-]*\Z", "Use letters, digits, dots, hyphens and underscores, and begin with a letter or digit."
)


class SignUpForm(UserCreationForm):
    """A name and a password. The name is narrower than Django's, so that an @mention of it is unmistakable."""

    class Meta(UserCreationForm.Meta):
        model = User
        fields = ["username"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        name = self.fields["username"]
        name.max_length = NAME_LENGTH
        name.validators = [*name.validators, validate_name, forms.fields.validators.MaxLengthValidator(NAME_LENGTH)]
        name.widget.attrs["maxlength"] = NAME_LENGTH
        name.help_text = "Letters, digits, dots, hyphens and underscores. Others see it and can @mention you by it."
        self.fields["password1"].help_text = "At least 8 characters, and not one of the well-known ones."
        self.fields["password2"].label = "Password again"
        self.fields["password2"].help_text = ""
