"""The countries of the base map, for the server: to draw small maps, and to say where a place is."""

import json
from functools import cache
from typing import Any, NamedTuple

import shapely
from django.contrib.staticfiles import finders

from tracker.geo.shapes import shape_of

OUTLINES = "tracker/world-110m.json"


class Countries(NamedTuple):
    names: list[str]
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
    return Countries([feature["properties"]["name"] for feature in features], shapes, shapely.STRtree(shapes))


def country_at(lon: float, lat: float) -> str:
    """Its name; "" at sea. As coarse as the outlines: a town on a border may be on the wrong side."""
    found = countries().tree.query(shapely.Point(lon, lat), "intersects")
    return countries().names[found[0]] if len(found) else ""
