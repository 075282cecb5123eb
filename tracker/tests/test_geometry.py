"""The grid against Shapely: over random and special shapes, the index finds what the exact test finds, and nothing else."""

import json
import math
import random
from pathlib import Path

import numpy
import pytest
import shapely
import shapely.geometry
from django.contrib.staticfiles import finders
from django.test import SimpleTestCase, TestCase
from hypothesis import given
from hypothesis import strategies as st

from realtime.protocol import Refusal
from tracker.geo.cells import Box, ancestors, box_of, cell_at, contains, covering, leaf, span, unwrapped, wrap
from tracker.geo.shapes import CELLS, RINGS, TURNS, VERTICES, cover, covers, read_geometry, read_point, shape_of
from tracker.models import AreaOfInterest, Incident, Severity
from tracker.services import matching
from tracker.tests.people import person, square

POLYGONS = 1_000
POINTS = 110  # for each
lons, lats = st.floats(-180, 180), st.floats(-90, 90)


def polygon(*rings):
    return {"type": "Polygon", "coordinates": [[list(point) for point in ring] for ring in rings]}


def rectangle(west, south, east, north):
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def random_polygon(chance):
    """Around a point anywhere, also across the antimeridian, in any size; some with a hole."""
    lon, lat, radius = chance.uniform(-200, 200), chance.uniform(-80, 80), 10 ** chance.uniform(-2, 1.3)
    corners = sorted(chance.uniform(0, 2 * math.pi) for _ in range(chance.randint(3, 24)))

    def ring(share):
        points = []
        for angle in corners:
            far = radius * share * chance.uniform(0.6, 1)
            at = max(-90, min(90, lat + far * math.sin(angle)))
            points.append([round(lon + far * math.cos(angle), 6), round(at, 6)])
        return [*points, points[0]]

    rings = [ring(1)] if chance.random() < 0.6 else [ring(1), ring(0.4)]
    try:
        return read_geometry(polygon(*rings))
    except Refusal:  # its corners lie so that it is no polygon
        return random_polygon(chance)


SPECIAL = {
    "east of 180": polygon(rectangle(170, -20, 200, 10)),
    "west of -180": polygon(rectangle(-200, -20, -170, 10)),
    "over the pole, with a hole": polygon(rectangle(-180, 60, 180, 90), rectangle(-30, 70, 30, 80)),
    "split at the antimeridian": {
        "type": "MultiPolygon",
        "coordinates": [[rectangle(170, -10, 180, 10)], [rectangle(-180, -10, -170, 10)]],
    },
    "everything": polygon(rectangle(-180, -90, 180, 90)),
    "nearly everything": polygon(rectangle(-179.9, -89.9, 179.9, 89.9)),
    "eleven metres": polygon(rectangle(4.1, 51.9, 4.1001, 51.9001)),
    "on the borders of cells": polygon(rectangle(-45, -22.5, 45, 22.5)),
    "a band around the world": polygon(rectangle(-180, -5, 180, 5)),
    "twice across": polygon(rectangle(-250, 20, 250, 30)),
}


def points_for(geometry, chance):
    """Anywhere, near by, on corners, on the edges of the map."""
    west, south, east, north = shape_of(geometry).bounds
    rings = geometry["coordinates"] if geometry["type"] == "Polygon" else geometry["coordinates"][0]
    points = [(lon, lat) for lon, lat in rings[0]]
    points += [(chance.uniform(west, east), chance.uniform(south, north)) for _ in range(POINTS // 2)]
    points += [(chance.uniform(-180, 180), chance.uniform(-90, 90)) for _ in range(POINTS // 4)]
    points += [(chance.choice([-180.0, 180.0]), chance.uniform(-90, 90)) for _ in range(POINTS // 8)]
    points += [(chance.uniform(-180, 180), chance.choice([-90.0, 90.0])) for _ in range(POINTS // 8)]
    return [(wrap(lon), lat) for lon, lat in points]


def expected(geometry, points):
    """Shapely alone, on all three copies of the map."""
    shape = shape_of(geometry)
    places = numpy.array(points)
    return numpy.any([shapely.intersects_xy(shape, places[:, 0] + turn, places[:, 1]) for turn in TURNS], axis=0)


def found(geometry, points):
    """As the database does it: by the cells around a point, and exactly only where a cell is cut."""
    cells, shape = dict(cover(geometry)), shape_of(geometry)
    for lon, lat in points:
        states = [cells[cell] for cell in ancestors(leaf(lon, lat)) if cell in cells]
        yield any(states) or (bool(states) and covers(shape, lon, lat))


class AgainstShapelyTests(TestCase):
    def test_the_index_finds_exactly_what_is_inside(self):
        chance, checked, inside = random.Random(7), 0, 0
        shapes = [*SPECIAL.values(), *(random_polygon(chance) for _ in range(POLYGONS))]
        for geometry in shapes:
            points = points_for(geometry, chance)
            wanted, got = expected(geometry, points), list(found(geometry, points))
            unlike = [point for point, one, other in zip(points, wanted, got, strict=True) if bool(one) != other]
            self.assertEqual(unlike, [], geometry)
            checked, inside = checked + len(points), inside + sum(got)
        self.assertGreater(checked, 100_000)
        self.assertGreater(inside, 30_000)

    def test_the_database_finds_exactly_what_is_inside(self):
        chance = random.Random(11)
        shapes = [*SPECIAL.values(), *(random_polygon(chance) for _ in range(30))]
        points = [point for shape in shapes for point in points_for(shape, chance)]
        owner, facts = person("ann"), {"severity": Severity.MEDIUM}
        areas = AreaOfInterest.objects.bulk_create([AreaOfInterest(owner=owner, geometry=shape, **facts) for shape in shapes])
        matching.index(areas)
        incidents = Incident.objects.bulk_create(
            [Incident(lon=lon, lat=lat, cell=leaf(lon, lat), **facts) for lon, lat in points], batch_size=500
        )
        around = matching.areas_around(incidents)
        for area in areas:
            wanted = {incident.pk for incident, is_in in zip(incidents, expected(area.geometry, points), strict=True) if is_in}
            self.assertEqual({pk for pk, found in around.items() if area.pk in found}, wanted, area.geometry)
            self.assertEqual(set(matching.incidents_in(area)), wanted, area.geometry)
        self.assertGreater(len(points), 3_000)

    def test_a_large_area_has_no_more_cells_than_a_small_one(self):
        for name, geometry in SPECIAL.items():
            self.assertLessEqual(len(cover(geometry)), CELLS + 3, name)


@pytest.mark.once
class CellTests(SimpleTestCase):
    @given(lons, lats)
    def test_a_point_lies_in_each_of_its_cells(self, lon, lat):
        chain = ancestors(leaf(lon, lat))
        self.assertEqual(len(set(chain)), 19)
        for cell in chain:
            low, high = span(cell)
            self.assertTrue(low <= chain[0] <= high)

    @given(st.integers(0, 18), st.data())
    def test_the_box_of_a_cell_has_the_leaves_of_its_span(self, level, data):
        x, y = (data.draw(st.integers(0, (1 << level) - 1)) for _ in "xy")
        west, south, east, north = box_of(level, x, y)
        low, high = span(cell_at(level, x, y))
        middle = leaf((west + east) / 2, (south + north) / 2)
        self.assertTrue(low <= middle <= high)
        self.assertFalse(low <= leaf(west - 1e-6, south) <= high and west > -180)

    @given(st.floats(-540, 540), lats, st.floats(0, 400), st.floats(0, 90), lons, lats)
    def test_the_covering_of_a_box_has_every_point_of_it(self, west, south, width, height, lon, lat):
        box = Box(west, south, west + width, min(90, south + height))
        if contains(unwrapped(box), lon, lat):
            self.assertTrue(set(covering(box)) & set(ancestors(leaf(lon, lat))))


@pytest.mark.once
class ReadingTests(SimpleTestCase):
    def refused(self, geometry, code="invalid_geometry", saying=""):
        with pytest.raises(Refusal) as refusal:
            read_geometry(geometry)
        self.assertEqual(refusal.value.code, code)
        self.assertIn(saying, refusal.value.message)

    def test_winding_is_repaired_and_nothing_else(self):
        clockwise = polygon(list(reversed(rectangle(0, 0, 10, 10))))
        ring = read_geometry(clockwise)["coordinates"][0]
        self.assertTrue(shapely.LinearRing(ring).is_ccw)

    def test_coordinates_are_rounded_and_lose_their_height(self):
        ring = [[0.12345678, 0, 7], [1, 0, 7], [1, 1, 7], [0.12345678, 0, 7]]
        self.assertIn([0.123457, 0.0], read_geometry(polygon(ring))["coordinates"][0])

    def test_what_is_no_area_is_refused_with_the_reason(self):
        bow_tie = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]
        self.refused(polygon(bow_tie), saying="Self-intersection")
        self.refused(polygon(rectangle(0, 0, 1, 1)[:-1]), saying="closed")
        self.refused(polygon([[0, 0], [1, 1], [0, 0]]), saying="four positions")
        self.refused(polygon([[0, 0], [1, 0], [2, 0], [0, 0]]))
        self.refused(polygon(rectangle(0, 0, 10, 10), rectangle(20, 20, 30, 30)), saying="ole")
        self.refused(polygon(rectangle(0, 91, 10, 95)), saying="latitude")
        self.refused(polygon(rectangle(600, 0, 610, 10)), saying="longitude")
        self.refused(polygon(rectangle(179, 0, -179, 1)), saying="antimeridian")

    def test_what_is_not_even_geometry_is_refused(self):
        for geometry in [
            None,
            7,
            [],
            {},
            {"type": "Point", "coordinates": [0, 0]},
            {"type": "Polygon"},
            {"type": "Polygon", "coordinates": []},
            {"type": "Polygon", "coordinates": [[]]},
            {"type": "Polygon", "coordinates": "POLYGON"},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], ["x", 1], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [True, 1], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [None, 1], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [float("nan"), 1], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [float("inf"), 1], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [10**400, 1], [0, 0]]]},
            {"type": "Polygon", "coordinates": [[[0, 0], [1], [1, 1], [0, 0]]]},
            {"type": "MultiPolygon", "coordinates": [[]]},
            {"type": "MultiPolygon", "coordinates": [7]},
        ]:
            with self.subTest(geometry):
                self.refused(geometry)

    def test_too_many_corners_are_counted_before_anything_is_built(self):
        self.refused(polygon([[0, 0]] * (VERTICES + 1)), code="too_long", saying=str(VERTICES))
        self.refused(polygon([[0, 0]] * 1_000_000), code="too_long")
        self.refused(polygon(*[rectangle(0, 0, 1, 1)] * (RINGS + 1)), code="too_long", saying=str(RINGS))

    def test_a_polygon_of_the_seed_is_accepted_as_it_is(self):
        self.assertEqual(read_geometry(square(0, 0)), square(0.0, 0.0))

    def test_a_place_is_two_finite_numbers_in_their_order(self):
        self.assertEqual(read_point(4.12345678, -0.0), (4.123457, 0.0))
        for lon, lat, saying in [
            (0, 91, "latitude"),
            (52, 139, "swapped"),
            (181, 0, "longitude"),
            (float("nan"), 0, "finite"),
            (float("inf"), 0, "finite"),
            ("5", 5, "finite"),
            (True, 5, "finite"),
            (None, 5, "finite"),
        ]:
            with self.subTest((lon, lat)), pytest.raises(Refusal) as refusal:
                read_point(lon, lat)
            self.assertIn(saying, refusal.value.message)


@pytest.mark.once
class BaseMapTests(SimpleTestCase):
    def test_no_two_countries_have_one_name_in_any_language(self):
        for name in ("world-110m.json", "world-50m.json"):
            countries = json.loads(Path(finders.find(f"tracker/{name}")).read_text())["features"]
            for language in ("name", "de"):
                said = [country["properties"].get(language, country["properties"]["name"]) for country in countries]
                self.assertEqual(len(set(said)), len(said), (name, language))

    def test_no_edge_of_a_country_runs_around_the_world(self):
        for name in ("world-110m.json", "world-50m.json"):
            countries = json.loads(Path(finders.find(f"tracker/{name}")).read_text())["features"]
            shapes = [shapely.geometry.shape(country["geometry"]) for country in countries]
            self.assertGreater(len(shapes), 100, name)
            for country, shape in zip(countries, shapes, strict=True):
                for part in getattr(shape, "geoms", [shape]):
                    for ring in (part.exterior, *part.interiors):
                        steps = numpy.abs(numpy.diff(numpy.array(ring.coords)[:, 0]))
                        self.assertLessEqual(steps.max(), 180, (name, country["properties"]["name"]))
