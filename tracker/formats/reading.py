"""What the readers share: what a row is, and how its parts are read without believing them."""

from datetime import UTC, datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal
from tracker.models import Severity
from tracker.observations import Observation

Row = Observation | Refusal  # of one row; a refusal says what is wrong with it, and the next one is read

# The seed had letters for them.
SEVERITIES = {severity.name: severity.value for severity in Severity} | {
    severity.name[:2]: severity.value for severity in Severity
}


class Broken(Exception):
    """The file itself cannot be read further: a sentence for people, which names the place."""


def read_severity(value: Any) -> int:
    """A number from 1 (urgent) to 5 (info), or its name; medium when there is none. Raises `Refusal`."""
    if value in (None, ""):
        return Severity.MEDIUM
    text = str(value).strip().upper()
    if text in SEVERITIES:
        return SEVERITIES[text]
    if not isinstance(value, bool) and text in {"1", "2", "3", "4", "5"}:
        return int(text)
    raise Refusal("bad_field", _("A severity is 1 (urgent) to 5 (info), or its name."), field="severity")


def read_text(value: Any, field: str) -> str:
    """Text, or a number as text; "" for nothing. Raises `Refusal`."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Refusal("bad_field", format_lazy(_("The {field} is text."), field=field), field=field)
    return str(value).strip()


def read_bool(value: Any, field: str) -> bool | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in {"true", "yes", "1", "closed"}:
        return True
    if text in {"false", "no", "0", "open"}:
        return False
    raise Refusal("bad_field", format_lazy(_("The {field} is true or false."), field=field), field=field)


def read_moment(value: Any, field: str) -> datetime | None:
    """ISO 8601, or seconds or milliseconds since 1970. Raises `Refusal`."""
    if value in (None, ""):
        return None
    try:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) > 1e11 else value, UTC)
        moment = parse_datetime(str(value).strip())
    except (ValueError, OverflowError, OSError):
        moment = None
    if moment is None:
        message = format_lazy(_("The {field} is a moment, such as 2026-01-31T12:00:00Z."), field=field)
        raise Refusal("bad_field", message, field=field)
    return moment if timezone.is_aware(moment) else moment.replace(tzinfo=UTC)
