"""`{% inbox_of user as inbox %}`, `{{ count|at_most_99 }}`"""

from contextlib import suppress
from typing import Any

from django import template
from django.db import DatabaseError

from notifications import services
from notifications.models import Inbox

register = template.Library()


@register.simple_tag
def inbox_of(user: Any) -> Inbox | None:
    """The inbox as it is, or as it will be: showing a page writes nothing, but for the language if it is a new one. None when
    the database is away, because the page that says so has a header too."""
    try:
        inbox = Inbox.objects.filter(user=user.pk).first()
    except DatabaseError:
        return None
    if inbox is None:
        return Inbox(user=user, epoch="")
    with suppress(DatabaseError):  # one that only reads for now: the next page tries again
        services.note_language(inbox)
    return inbox


@register.filter
def at_most_99(count: int) -> str:
    return "99+" if count > 99 else str(count)
