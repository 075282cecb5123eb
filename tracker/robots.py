"""The users in whose name the app's own programs speak.

Nobody else can be one, or they would own what it reports: a robot has no password, and no name with an @ can be signed up for.
"""

from django.contrib.auth.models import User

from realtime.people import get_person

SUFFIX = "@tracker"


def robot(name: str) -> User:
    """Made when it is first needed."""
    return get_person(f"{name}{SUFFIX}")
