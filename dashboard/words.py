"""Codes and numbers in the reader's language. In reports, rows and metrics a code stays what it is."""

from typing import Any

from django.utils.formats import get_format
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

SAID: dict[str, Any] = {
    # of a process
    "live": pgettext_lazy("process", "live"),
    "stalled": pgettext_lazy("process", "stalled"),
    "lost": pgettext_lazy("process", "lost"),
    # of a finding
    "critical": pgettext_lazy("finding", "critical"),
    "warning": pgettext_lazy("finding", "warning"),
    "hint": pgettext_lazy("finding", "hint"),
    # of a channel layer
    "in memory": _("in memory"),
    "Redis, one inbox per process": _("Redis, one inbox per process"),
    "Redis pub/sub": _("Redis pub/sub"),
    "unknown": pgettext_lazy("channel layer", "unknown"),
    # what staff did
    "broadcast": pgettext_lazy("action", "broadcast"),
    "disconnect": pgettext_lazy("action", "disconnect"),
    "drain": pgettext_lazy("action", "drain"),
    "peek": pgettext_lazy("action", "peek"),
    "tap": pgettext_lazy("action", "tap"),
    "reap": pgettext_lazy("action", "reap"),
}


def said(code: str) -> str:
    """A code in words; one that a newer process knows, as it is."""
    return str(SAID.get(code, code))


def pointed(digits: str) -> str:
    """The digits of a number, as `f"{number:.1f}"` has them, with the reader's decimal sign. For eyes, not for scripts."""
    return digits.replace(".", str(get_format("DECIMAL_SEPARATOR")))
