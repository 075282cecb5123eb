"""`{% inbox_of user as inbox %}`, `{{ count|at_most_99 }}`"""

from typing import Any

from django import template
from django.db import DatabaseError

from notifications.models import Inbox

register = template.Library()


@register.simple_tag
def inbox_of(user: Any) -> Inbox | None:
    """The inbox as it is, or as it will be: showing a page writes nothing. None when the database is away, because the page
    that says so has a header too."""
    try:
        return Inbox.objects.filter(user=user.pk).first() or Inbox(user=user, epoch="")
    except DatabaseError:
        return None


@register.filter
def at_most_99(count: int) -> str:
    return "99+" if count > 99 else str(count)
