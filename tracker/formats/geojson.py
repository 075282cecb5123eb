"""GeoJSON (RFC 7946): a FeatureCollection, or one Feature, of points. What this app's own API gives out can be read back in.

Properties: `name` (or `title`), `description`, `severity`, `closed`, `url`, `external_id` (or the feature's `id`), `created`,
`updated`. Anything else is left alone.
"""

from collections.abc import Iterator
from typing import Any, BinaryIO

import ijson
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal
from tracker.formats.reading import Broken, Row, read_bool, read_moment, read_severity, read_text
from tracker.geo.shapes import read_point
from tracker.observations import Observation

DEPTH = 8  # of arrays and objects in a feature
FILE_DEPTH = 40  # in a file: one feature that is too deep is refused alone, beyond that there is no use


def read(file: BinaryIO) -> Iterator[Row]:
    """One feature after the other, whatever the size of the file. Raises `Broken`."""
    for feature in features(file):
        try:
            yield observe(feature)
        except Refusal as refusal:
            yield refusal


def features(file: BinaryIO) -> Iterator[Any]:
    beginning = file.tell()
    is_collection = False
    try:
        for feature in ijson.items(_events(file), "features.item"):
            is_collection = True
            yield feature
        if not is_collection:
            file.seek(beginning)
            yield from _single(file)
    except (ijson.JSONError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise Broken(format_lazy(_("This is not JSON: {error}"), error=" ".join(str(error).split())[:120])) from None


def _single(file: BinaryIO) -> Iterator[Any]:
    for value in ijson.items(_events(file), ""):
        if not isinstance(value, dict) or value.get("type") not in {"Feature", "FeatureCollection"}:
            raise Broken(_("This is neither a FeatureCollection nor a Feature."))
        if value["type"] == "Feature":
            yield value


def _events(file: BinaryIO) -> Iterator[Any]:
    """What the parser sees, as long as it is not nested absurdly: it keeps the path, and would run out of memory."""
    return ijson.parse(_shallow(ijson.basic_parse(file, use_float=True)))


def _shallow(events: Iterator[Any]) -> Iterator[Any]:
    depth = 0
    for event, value in events:
        depth += (event in {"start_map", "start_array"}) - (event in {"end_map", "end_array"})
        if depth > FILE_DEPTH:
            raise Broken(format_lazy(_("Nested deeper than {limit} levels."), limit=FILE_DEPTH))
        yield event, value


def observe(feature: Any) -> Observation:
    """Raises `Refusal`."""
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise Refusal("bad_field", _("This is not a Feature."), field="type")
    if deeper_than(DEPTH, feature):
        raise Refusal("bad_field", format_lazy(_("Nested deeper than {limit} levels."), limit=DEPTH))
    properties = feature.get("properties") or {}
    if not isinstance(properties, dict):
        raise Refusal("bad_field", _("Properties are an object."), field="properties")
    lon, lat = place_of(feature)
    return Observation(
        name=read_text(properties.get("name") or properties.get("title"), "name"),
        description=read_text(properties.get("description"), "description"),
        severity=read_severity(properties.get("severity")),
        lon=lon,
        lat=lat,
        url=_link(read_text(properties.get("url"), "url")),
        external_id=read_text(properties.get("external_id") or feature.get("id"), "external_id"),
        closed=read_bool(properties.get("closed"), "closed"),
        created_at=read_moment(properties.get("created"), "created"),
        at=read_moment(properties.get("updated"), "updated"),
    )


def place_of(feature: dict[str, Any]) -> tuple[float, float]:
    """Of a Point; its height is left out. Raises `Refusal`."""
    geometry = feature.get("geometry")
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        raise Refusal("bad_field", _("An incident is a Point."), field="geometry")
    coordinates = geometry.get("coordinates")
    if not isinstance(coordinates, list) or not 2 <= len(coordinates) <= 3:
        raise Refusal("bad_field", _("A Point has a longitude and a latitude."), field="geometry")
    return read_point(coordinates[0], coordinates[1])


def _link(url: str) -> str:
    """Our own API gives paths of this site, which mean nothing elsewhere."""
    return "" if url.startswith("/") else url


def deeper_than(levels: int, value: Any) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(deeper_than(levels - 1, item) for item in (value.values() if isinstance(value, dict) else value))
