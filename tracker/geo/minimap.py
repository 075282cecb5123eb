"""A small picture of a place, drawn by the server: works without scripts, and in lists."""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import shapely
import shapely.affinity

from tracker.geo.countries import countries
from tracker.geo.shapes import TURNS, shape_of

WIDTH, HEIGHT = 320, 180
LIMIT = 85.05  # degrees: where Web Mercator's square ends
AROUND_POINT = 12.0  # degrees that are shown around a place
SMALLEST = 4.0  # degrees that are shown at least around an area


class Picture(NamedTuple):
    """SVG paths, and where a mark stands, in a box of `WIDTH` by `HEIGHT`."""

    land: str
    area: str = ""
    mark: tuple[float, float] | None = None


def picture_of_point(lon: float, lat: float) -> Picture:
    view = _view(lon - AROUND_POINT, lon + AROUND_POINT, _mercator(lat))
    return Picture(_land(view), mark=view.place(lon, lat))


def picture_of_area(geometry: dict[str, Any]) -> Picture:
    shape = shape_of(geometry)
    west, south, east, north = shape.bounds
    low, high = _mercator(south), _mercator(north)
    width = max((east - west) * 1.4, (high - low) * 1.4 * WIDTH / HEIGHT, SMALLEST)
    middle = (west + east) / 2
    view = _view(middle - width / 2, middle + width / 2, (low + high) / 2)
    return Picture(_land(view), area=_path(_rings(shape), view))


class _View(NamedTuple):
    west: float
    top: float
    scale: float  # pixels to a degree

    def place(self, lon: float, lat: float) -> tuple[float, float]:
        return round((lon - self.west) * self.scale, 1), round((self.top - _mercator(lat)) * self.scale, 1)


def _view(west: float, east: float, middle: float) -> _View:
    scale = WIDTH / (east - west)
    return _View(west, middle + HEIGHT / 2 / scale, scale)


def _mercator(lat: float) -> float:
    """Degrees, as far from the equator as Web Mercator puts them."""
    lat = max(-LIMIT, min(LIMIT, lat))
    return math.degrees(math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)))


def _unmercator(y: float) -> float:
    return math.degrees(2 * math.atan(math.exp(math.radians(y))) - math.pi / 2)


def _land(view: _View) -> str:
    box = shapely.box(
        view.west, _unmercator(view.top - HEIGHT / view.scale), view.west + WIDTH / view.scale, _unmercator(view.top)
    )
    return "".join(
        _path(_rings(shapely.intersection(part, box)), view)
        for turn in TURNS
        for part in (shapely.affinity.translate(country, turn) for country in countries().shapes)
        if part.intersects(box)
    )


def _rings(shape: Any) -> Iterable[Any]:
    for part in shapely.get_parts(shape):
        if part.geom_type == "Polygon":
            yield part.exterior
            yield from part.interiors
        elif part.geom_type in {"MultiPolygon", "GeometryCollection"}:
            yield from _rings(part)


def _path(rings: Iterable[Any], view: _View) -> str:
    return "".join(
        "M" + "L".join(f"{x:g},{y:g}" for x, y in (view.place(*point[:2]) for point in ring.coords)) + "Z" for ring in rings
    )
