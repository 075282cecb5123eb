"""Areas as GeoJSON: what is accepted, which cells of the grid cover it, and whether a point is inside."""

import heapq
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy
import shapely
import shapely.geometry
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from shapely.affinity import translate
from shapely.geometry.base import BaseGeometry
from shapely.validation import explain_validity

from realtime.protocol import Refusal
from tracker.geo.cells import LEVELS, box_of, cell_at

VERTICES = 2_000  # in one area
RINGS = 100
DECIMALS = 6  # of a degree: 11 cm
CELLS = 16  # that cover an area: fewer means more points tested for nothing, more means more rows
FARTHEST = 540  # degrees of longitude: an area may reach once around from any copy of the map
TURNS = (-360, 0, 360)
FAULTS = {  # as GEOS has them
    "Self-intersection": _("Self-intersection"),
    "Ring Self-intersection": _("Ring Self-intersection"),
    "Hole lies outside shell": _("Hole lies outside shell"),
    "Holes are nested": _("Holes are nested"),
    "Nested shells": _("Nested shells"),
    "Interior is disconnected": _("Interior is disconnected"),
    "Too few points in geometry component": _("Too few points in geometry component"),
}


class Cell(NamedTuple):
    number: int
    is_inside: bool  # wholly: whatever is in the cell is in the area


def read_geometry(geometry: Any) -> dict[str, Any]:
    """A Polygon or MultiPolygon, checked, rounded, and wound as RFC 7946 asks.

    Nothing else is guessed or repaired. Raises `Refusal` with `too_long` or `invalid_geometry` that says what is wrong.
    """
    if not isinstance(geometry, dict) or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        raise _invalid(_("An area is a GeoJSON Polygon or MultiPolygon."))
    polygons = geometry.get("coordinates")
    polygons = [polygons] if geometry["type"] == "Polygon" else polygons
    if not isinstance(polygons, list) or not polygons:
        raise _invalid(_("It has no coordinates."))
    _check_size(polygons)
    shape = shapely.MultiPolygon([_polygon(rings) for rings in polygons])
    if not shape.is_valid:
        raise _invalid(_explained(explain_validity(shape)))
    if shape.area == 0:
        raise _invalid(_("It has no surface."))
    oriented = shapely.orient_polygons(shape)
    coordinates = [_rings(polygon) for polygon in oriented.geoms]
    if geometry["type"] == "Polygon":
        return {"type": "Polygon", "coordinates": coordinates[0]}
    return {"type": "MultiPolygon", "coordinates": coordinates}


def read_point(lon: Any, lat: Any) -> tuple[float, float]:
    """A place on the map, rounded. Raises `Refusal("bad_field")`."""
    if not (is_number(lon) and is_number(lat)):
        raise Refusal("bad_field", _("Coordinates are two finite numbers: longitude, then latitude."), field="geometry")
    if abs(lat) > 90:
        message = _("A latitude lies between -90 and 90; this is {lat}.")
        if abs(lat) <= 180 and abs(lon) <= 90:
            message = _("A latitude lies between -90 and 90; this is {lat}. Are latitude and longitude swapped?")
        raise Refusal("bad_field", format_lazy(message, lat=f"{lat:g}"), field="geometry")
    if abs(lon) > 180:
        message = _("A longitude lies between -180 and 180; this is {lon}.")
        raise Refusal("bad_field", format_lazy(message, lon=f"{lon:g}"), field="geometry")
    return round(float(lon), DECIMALS) + 0.0, round(float(lat), DECIMALS) + 0.0


def is_number(value: Any) -> bool:
    """A finite one, and no larger than a float; JSON knows others."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300


def shape_of(geometry: dict[str, Any]) -> BaseGeometry:
    return shapely.geometry.shape(geometry)


def covers(shape: BaseGeometry, lon: float, lat: float) -> bool:
    """Whether the point is inside, or on the edge, on whichever copy of the map the area was drawn."""
    return any(shapely.intersects_xy(shape, lon + turn, lat) for turn in TURNS)


def read_shapes(texts: Sequence[str]) -> Sequence[BaseGeometry]:
    """Of GeoJSON that was checked when it was stored."""
    return shapely.from_geojson(texts)


def covered(shapes: Sequence[BaseGeometry], points: Sequence[tuple[float, float]]) -> Sequence[bool]:
    """`covers` for many pairs at once."""
    if not shapes:
        return []
    lons, lats = numpy.array(points).T
    return numpy.any([shapely.intersects_xy(shapes, lons + turn, lats) for turn in TURNS], axis=0)


def cover(geometry: dict[str, Any], most: int = CELLS) -> list[Cell]:
    """At most about `most` cells that together contain the area; largest first, split as long as there is room."""
    copies = [copy for turn in TURNS if (copy := _on_the_map(shape_of(geometry), turn)) is not None]
    for copy in copies:
        shapely.prepare(copy)
    waiting = [(0, 0, 0)]  # (level, x, y)
    done: list[Cell] = []
    while waiting and len(waiting) + len(done) < most:
        level, x, y = heapq.heappop(waiting)
        children = [(level + 1, 2 * x + dx, 2 * y + dy) for dx in (0, 1) for dy in (0, 1)]
        for child in children:
            state = _state(copies, *child)
            if state == "inside" or (state == "edge" and child[0] == LEVELS):
                done.append(Cell(cell_at(*child), state == "inside"))
            elif state == "edge":
                heapq.heappush(waiting, child)
    return done + [Cell(cell_at(*cell), False) for cell in waiting]


def _state(copies: list[BaseGeometry], level: int, x: int, y: int) -> str:
    box = shapely.box(*box_of(level, x, y))
    if any(copy.covers(box) for copy in copies):
        return "inside"
    return "edge" if any(copy.intersects(box) for copy in copies) else "outside"


def _on_the_map(shape: BaseGeometry, turn: int) -> BaseGeometry | None:
    copy = translate(shape, turn) if turn else shape
    return copy if copy.bounds[0] <= 180 and copy.bounds[2] >= -180 else None


def _check_size(polygons: list[Any]) -> None:
    """Counted before anything is built of it."""
    rings = [ring for polygon in polygons if isinstance(polygon, list) for ring in polygon]
    if len(rings) > RINGS:
        message = _("An area may have {limit} rings; this has {count}.")
        raise Refusal("too_long", format_lazy(message, limit=RINGS, count=len(rings)), field="geometry")
    vertices = sum(len(ring) for ring in rings if isinstance(ring, list))
    if vertices > VERTICES:
        message = _("An area may have {limit} vertices; this has {count}.")
        raise Refusal("too_long", format_lazy(message, limit=VERTICES, count=vertices), field="geometry")


def _polygon(rings: Any) -> shapely.Polygon:
    if not isinstance(rings, list) or not rings:
        raise _invalid(_("A polygon is a list of rings."))
    outer, *holes = [_ring(ring) for ring in rings]
    return shapely.Polygon(outer, holes)


def _ring(ring: Any) -> list[tuple[float, float]]:
    if not isinstance(ring, list) or len(ring) < 4:
        raise _invalid(_("A ring has at least four positions, the last one equal to the first."))
    points = [_position(position) for position in ring]
    if points[0] != points[-1]:
        raise _invalid(_("A ring is closed: its last position equals its first."))
    _check_jump(points)
    return points


def _position(position: Any) -> tuple[float, float]:
    if not isinstance(position, list) or not 2 <= len(position) <= 3:
        raise _invalid(_("A position is [longitude, latitude]."))
    if not (is_number(position[0]) and is_number(position[1])):
        raise _invalid(_("Coordinates are finite numbers."))
    lon, lat = (round(float(value), DECIMALS) + 0.0 for value in position[:2])
    if abs(lat) > 90:
        message = _("A latitude lies between -90 and 90; this is {lat}. GeoJSON has the longitude first.")
        raise _invalid(format_lazy(message, lat=f"{lat:g}"))
    if abs(lon) > FARTHEST:
        message = _("A longitude lies between -{limit} and {limit}; this is {lon}.")
        raise _invalid(format_lazy(message, limit=FARTHEST, lon=f"{lon:g}"))
    return lon, lat


def _check_jump(points: list[tuple[float, float]]) -> None:
    """A small area across the antimeridian that was written with a jump from 179 to -179 reads as a band around the world.
    Nobody draws one of more than 350 degrees that stops short of the edge of the map, so that this is refused."""
    lons = [lon for lon, _ in points]
    if max(lons) - min(lons) > 350 and max(lons) < 180 and min(lons) > -180:
        unwrapped = [lon % 360 for lon in lons]
        if max(unwrapped) - min(unwrapped) < 10:
            raise _invalid(_("It jumps across the antimeridian. Write longitudes beyond 180 there, or split the area."))


def _rings(polygon: shapely.Polygon) -> list[list[list[float]]]:
    return [[[x, y] for x, y in ring.coords] for ring in [polygon.exterior, *polygon.interiors]]


def _explained(reason: str) -> Any:
    """What GEOS finds wrong with a shape, and where: "Self-intersection[5 5]"."""
    fault, _bracket, place = reason.partition("[")
    said = FAULTS.get(fault, fault)
    if not place:
        return format_lazy("{fault}.", fault=said)
    return format_lazy(_("{fault} at {place}."), fault=said, place=place.rstrip("]"))


def _invalid(reason: Any) -> Refusal:
    return Refusal("invalid_geometry", reason, field="geometry")
