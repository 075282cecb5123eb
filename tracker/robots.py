"""The users in whose name the app's own programs speak.

Nobody else can be one, or they would own what it reports: a robot has no password, and no name with an @ can be signed up for.
"""

from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import User

SUFFIX = "@tracker"


def robot(name: str) -> User:
    """Made when it is first needed."""
    return User.objects.get_or_create(username=f"{name}{SUFFIX}", defaults={"password": make_password(None)})[0]
