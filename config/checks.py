"""What a deployer would rather hear before the site starts than read about afterwards. `manage.py serve`, `release` and
`runworker` run these; an Error keeps them from starting."""

import os
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections

from config.demo_people import DEMO_PEOPLE, is_demo

# Set by platforms whose disks are emptied at each deploy, and are not shared between processes.
PLATFORMS = {"DYNO": "Heroku", "RENDER": "Render", "KUBERNETES_SERVICE_HOST": "Kubernetes"}


def public_hosts() -> list[str]:
    """The names in ALLOWED_HOSTS that strangers can reach us by: not this machine's, nor those of a home or office."""
    return [host for host in settings.ALLOWED_HOSTS if not _is_local(host)]


def _is_local(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_private
    except ValueError:
        is_a_name_of_compose = "." not in host and host != "*"
        return is_a_name_of_compose or host.endswith((".localhost", ".local", ".test"))


def platform() -> str:
    return next((name for variable, name in PLATFORMS.items() if os.environ.get(variable)), "")


@register(Tags.security)
def check_debug(**_: Any) -> list[CheckMessage]:
    where = platform() or ", ".join(public_hosts())
    if not settings.DEBUG or not where:
        return []
    hint = "Unset DEBUG: a traceback shows settings and source to anybody, and anybody may log in as the demo's staff."
    return [Error(f"DEBUG is on at {where}.", hint=hint, id="config.E001")]


@register(Tags.security)
def check_secret_key(**_: Any) -> list[CheckMessage]:
    if not settings.SECRET_KEY.startswith("insecure") or not public_hosts():
        return []
    hint = "Set SECRET_KEY to a long random string: who knows it can log in as anybody."
    return [Error(f"The secret key of a laptop is in use at {', '.join(public_hosts())}.", hint=hint, id="config.E002")]


@register(Tags.security)
def check_demo(**_: Any) -> list[CheckMessage]:
    if not is_demo() or settings.DEMO_PASSWORD or not public_hosts():
        return []
    hint = "Unset DEMO, or set DEMO_PASSWORD: without it their passwords are their names, and one of them is staff."
    return [Error(f"The demo's people could log in at {', '.join(public_hosts())}.", hint=hint, id="config.E003")]


@register(Tags.database)
def check_left_over_people(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """A database that was once a demo's has them still, when DEMO is long off."""
    if not public_hosts() or "default" not in (databases or ()) or not _has_users():
        return []
    people = User.objects.filter(username__in=DEMO_PEOPLE, is_active=True)
    open_to_all = [person.username for person in people if person.check_password(person.username)]
    if not open_to_all:
        return []
    hint = "Delete them, deactivate them or change their passwords (manage.py changepassword NAME)."
    return [Error(f"Anybody can log in as {', '.join(open_to_all)}, of the demo.", hint=hint, id="config.E004")]


def _has_users() -> bool:
    return User._meta.db_table in connections["default"].introspection.table_names()


@register(Tags.database)
def check_lasting(**_: Any) -> list[CheckMessage]:
    """What a platform throws away with the process must be kept elsewhere."""
    if not platform():
        return []
    found: list[CheckMessage] = []
    if settings.DATABASE["ENGINE"].endswith("sqlite3"):
        hint = "Attach a PostgreSQL and set DATABASE_URL."
        found.append(Error(f"The database is a file, which {platform()} deletes at each deploy.", hint=hint, id="config.E005"))
    if settings.STORAGES["default"]["BACKEND"].endswith(".FileSystemStorage") and not os.environ.get("MEDIA_ROOT"):
        hint = "Set MEDIA_ROOT to a disk that all processes share, or MEDIA_STORAGE to an object storage (deploy/README.md)."
        found.append(Warning(f"Uploads are on a disk that {platform()} empties and does not share.", hint=hint, id="config.W001"))
    return found
