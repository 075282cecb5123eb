"""What a page, a program or a bulk change asks for: a box, severities, an age, words. As in the query string of an address."""

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal
from tracker.geo.cells import Box
from tracker.models import Incident, IncidentQuerySet, Severity

WORDS = 100  # characters of a search


def read_box(asked: Mapping[str, str]) -> Box | None:
    """`?bbox=west,south,east,north`, in degrees; None when it is not there. Raises `Refusal("bad_field")`."""
    text = asked.get("bbox", "")
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        raise bad("bbox", _("A bbox is four numbers: west,south,east,north.")) from None
    if not all(math.isfinite(side) and abs(side) <= 900 for side in (west, south, east, north)):
        raise bad("bbox", _("A bbox has degrees."))
    if south > north or south < -90 or north > 90:
        raise bad("bbox", _("A bbox is west,south,east,north, with latitudes between -90 and 90."))
    return Box(west, south, east, north)


def filtered(asked: Mapping[str, str], incidents: IncidentQuerySet | None = None) -> IncidentQuerySet:
    """Incidents by `bbox`, `severity` (this one and worse; or several, with commas), `hours` or `since` (updated), `q`, `state`
    (open, closed, all). Raises `Refusal("bad_field")`."""
    wanted = Incident.objects.all() if incidents is None else incidents
    state = asked.get("state") or "open"
    if state not in {"open", "closed", "all"}:
        raise bad("state", _("A state is open, closed or all."))
    if state != "all":
        wanted = wanted.filter(closed=state == "closed")
    if severities := read_severities(asked.get("severity", "")):
        wanted = wanted.filter(severity__in=severities)
    wanted = _by_age(asked, wanted)
    if words := asked.get("q", "").replace("\x00", "").strip()[:WORDS]:
        wanted = wanted.containing(words)
    box = read_box(asked)
    return wanted.within(box) if box else wanted


def read_severities(text: str) -> list[int]:
    """`"2"` is high and worse; `"2,4"` is high and low."""
    if not text:
        return []
    names = {severity.name.lower(): severity.value for severity in Severity}
    try:
        numbers = [names.get(part.strip().lower()) or Severity(int(part)).value for part in text.split(",")]
    except ValueError:
        raise bad("severity", _("A severity is 1 (urgent) to 5 (info).")) from None
    return [*range(1, numbers[0] + 1)] if len(numbers) == 1 else numbers


def _by_age(asked: Mapping[str, str], wanted: QuerySet) -> Any:
    if hours := asked.get("hours", ""):
        try:
            wanted = wanted.filter(created_at__gte=timezone.now() - timedelta(hours=min(float(hours), 1e6)))
        except (ValueError, OverflowError):
            raise bad("hours", _("Hours are a number.")) from None
    if since := asked.get("since", ""):
        try:
            moment = parse_datetime(since)
        except ValueError:
            moment = None
        if moment is None:
            raise bad("since", _("A moment is ISO 8601, such as 2026-01-31T12:00:00Z."))
        wanted = wanted.filter(updated_at__gte=moment if timezone.is_aware(moment) else timezone.make_aware(moment))
    return wanted


def bad(field: str, message: Any) -> Refusal:
    return Refusal("bad_field", message, field=field)
