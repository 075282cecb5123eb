"""The earthquake feeds of the USGS (earthquake.usgs.gov/earthquakes/feed/v1.0/geojson.php): GeoJSON with rules of its own.

Times are milliseconds; the third coordinate is the depth in km; `mag` may be null; an event may change its id, and `ids` lists
all it had. `alert` is the estimate of losses, where there is one.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal
from tracker.formats.geojson import DEPTH, deeper_than, features, place_of
from tracker.formats.reading import Row, read_moment, read_text
from tracker.geo.shapes import is_number
from tracker.models import Severity
from tracker.observations import Observation

ALERTS = {"red": Severity.URGENT, "orange": Severity.HIGH, "yellow": Severity.MEDIUM, "green": Severity.LOW}
MAGNITUDES = ((7, Severity.URGENT), (6, Severity.HIGH), (5, Severity.MEDIUM), (4, Severity.LOW))


def read(file: BinaryIO) -> Iterator[Row]:
    """Raises `Broken`."""
    for feature in features(file):
        try:
            yield observe(feature)
        except Refusal as refusal:
            yield refusal


def observe(feature: Any) -> Observation:
    """Raises `Refusal`."""
    if not isinstance(feature, dict) or not isinstance(feature.get("properties"), dict) or deeper_than(DEPTH, feature):
        raise Refusal("bad_field", _("This is not a Feature."), field="type")
    facts = feature["properties"]
    lon, lat = place_of(feature)
    magnitude = facts.get("mag")
    if magnitude is not None and not is_number(magnitude):
        raise Refusal("bad_field", _("A magnitude is a number, or null."), field="mag")
    return Observation(
        name=read_text(facts.get("title") or facts.get("place"), "title") or "Earthquake",
        description=_describe(magnitude, feature["geometry"]["coordinates"], facts),
        severity=_severity(facts.get("alert"), magnitude),
        lon=lon,
        lat=lat,
        url=read_text(facts.get("url"), "url"),
        external_id=read_text(feature.get("id"), "id"),
        aliases=tuple(name for name in read_text(facts.get("ids"), "ids").split(",") if name),
        closed=True if facts.get("status") == "deleted" else None,
        created_at=read_moment(facts.get("time"), "time"),
        at=read_moment(facts.get("updated"), "updated"),
    )


def _severity(alert: Any, magnitude: float | None) -> int:
    if alert in ALERTS:
        return ALERTS[alert]
    return next((severity for least, severity in MAGNITUDES if magnitude is not None and magnitude >= least), Severity.INFO)


def _describe(magnitude: float | None, coordinates: list[Any], facts: dict[str, Any]) -> str:
    parts = []
    if magnitude is not None:
        parts.append(f"Magnitude {magnitude:g}.")
    if len(coordinates) == 3 and is_number(coordinates[2]):
        parts.append(f"Depth {coordinates[2]:g} km.")
    if is_number(facts.get("felt")):
        parts.append(f"Felt by {facts['felt']:g}.")
    if facts.get("tsunami") == 1:
        parts.append("Look out for tsunami warnings.")
    return " ".join(parts)
