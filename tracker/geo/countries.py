"""The countries of the base map, for the server: to draw small maps, and to say where a place is."""

import json
from functools import cache
from typing import Any, NamedTuple

import shapely
from django.contrib.staticfiles import finders
from django.utils.translation import get_language

from tracker.geo.shapes import shape_of

OUTLINES = "tracker/world-110m.json"


class Countries(NamedTuple):
    names: list[dict[str, str]]  # the English one as "name", others by the code of their language
    shapes: list[Any]
    tree: shapely.STRtree


@cache
def countries() -> Countries:
    """Read when they are first needed. Where the file is missing there is only sea."""
    path = finders.find(OUTLINES)
    features = []
    if path:
        with open(path) as file:
            features = json.load(file)["features"]
    shapes = [shapely.make_valid(shape_of(feature["geometry"])) for feature in features]
    return Countries([feature["properties"] for feature in features], shapes, shapely.STRtree(shapes))


def country_at(lon: float, lat: float) -> str:
    """Its name in the reader's language; "" at sea. As coarse as the outlines: a town on a border may be on the wrong side."""
    found = countries().tree.query(shapely.Point(lon, lat), "intersects")
    if not len(found):
        return ""
    names = countries().names[found[0]]
    return names.get(get_language() or "", names["name"])
