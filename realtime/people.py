"""Users that the program itself makes."""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User


def get_person(name: str) -> User:
    """The user of this name, made when first needed. A new one has no password: nobody can log in until somebody sets one."""
    return User.objects.get_or_create(username=name, defaults={"password": make_password(None)})[0]
