"""A world with very many areas and incidents, made fast: shapes and their cells are worked out once, and put down everywhere."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from realtime.models import AccessToken
from tracker.frames import MAP
from tracker.geo.cells import box_of, cell_at, leaf, span
from tracker.geo.shapes import cover
from tracker.models import AreaCell, AreaOfInterest, Incident, Map, Severity
from tracker.simulation import CITIES, area_around, wrapped

INCIDENTS = 50_000  # open at the same time, at most
LEVEL = 6  # cells of 5.6 degrees: a shape within one of them looks the same in any other
TEMPLATES = 500
TOGETHER = 20_000  # rows

Template = tuple[dict[str, Any], list[tuple[int, bool]]]  # a shape, and its cells: number, and whether it is wholly inside


def make_rooms(people: Sequence[Any], number: int) -> list[str]:
    """`number` thousand areas of these people, and as many incidents. Returns the map's feed and a token for its API."""
    areas, incidents = number * 1_000, min(number * 1_000, INCIDENTS)
    templates = _templates()
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
    _pour(AreaOfInterest, AREA, _areas([person.pk for person in people], areas, templates))
    first = AreaOfInterest.objects.order_by("pk").values_list("pk", flat=True)[0]
    [index] = AreaCell._meta.indexes
    with connection.schema_editor() as editor:  # sorted once, when all is there
        editor.remove_index(AreaCell, index)
    _pour(AreaCell, CELL, _cells(first, areas, templates))
    with connection.schema_editor() as editor:
        editor.add_index(AreaCell, index)
    Incident.objects.bulk_create(_incidents(incidents, random.Random(7)), batch_size=TOGETHER)
    Map.objects.filter(pk=1).update(rev=incidents)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")  # as it does by itself after a while
    return [MAP, AccessToken.issue(people[0], "bench", "tracker:read tracker:write")[1]]


AREA = (
    "owner_id",
    "name",
    "severity",
    "geometry",
    "is_active",
    "is_shared",
    "created_at",
    "updated_at",
    "rev",
    "created_rev",
    "map_rev",
)
CELL = ("area_id", "cell", "severity", "is_inside")


def _pour(model: Any, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Millions of rows: Django's objects would take an hour."""
    table, names = model._meta.db_table, ", ".join(columns)
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.copy(f"COPY {table} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
        else:
            cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({', '.join(['%s'] * len(columns))})", rows)  # type: ignore[arg-type]


def _placed(number: int, chance: random.Random) -> Iterator[tuple[int, int, int, int]]:
    """For each area its template, severity, and the cell that it is put into."""
    for _ in range(number):
        yield chance.randrange(TEMPLATES), chance.choice(Severity.values), chance.randrange(1 << LEVEL), chance.randrange(16, 48)


def _areas(owners: Sequence[int], number: int, templates: list[Template]) -> Iterator[Sequence[Any]]:
    now = timezone.now()
    for index, (template, severity, x, y) in enumerate(_placed(number, random.Random(7))):
        west, south, _, _ = box_of(LEVEL, x, y)
        shape = json.dumps(_moved(templates[template][0], west, south))
        yield owners[index % len(owners)], f"Area {index}", severity, shape, True, False, now, now, 1, 1, 0


def _cells(first: int, number: int, templates: list[Template]) -> Iterator[Sequence[Any]]:
    for index, (template, severity, x, y) in enumerate(_placed(number, random.Random(7))):
        low = span(cell_at(LEVEL, x, y))[0]
        for offset, is_inside in templates[template][1]:
            yield first + index, low + offset, severity, is_inside


def _templates() -> list[Template]:
    """Shapes within one cell, from its corner on, with their cells from its first number on."""
    chance, home = random.Random(3), (40, 36)
    west, south, east, north = box_of(LEVEL, *home)
    low = span(cell_at(LEVEL, *home))[0]
    found: list[Template] = []
    while len(found) < TEMPLATES:
        shape = area_around(chance)
        lons, lats = zip(*shape["coordinates"][0], strict=True)
        width, height = max(lons) - min(lons), max(lats) - min(lats)
        if width > 5 or height > 5:
            continue
        at = chance.uniform(0, east - west - width) - min(lons), chance.uniform(0, north - south - height) - min(lats)
        relative = _moved(shape, *at)
        cells = [(cell.number - low, cell.is_inside) for cell in cover(_moved(relative, west, south))]
        found.append((relative, cells))
    return found


def _moved(shape: dict[str, Any], dx: float, dy: float) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[[round(x + dx, 6), round(y + dy, 6)] for x, y in shape["coordinates"][0]]]}


def _incidents(number: int, chance: random.Random) -> Iterator[Incident]:
    places = [*CITIES.values()]
    for index in range(1, number + 1):
        lon, lat = chance.choice(places)
        lon, lat = wrapped(lon + chance.gauss(0, 6)), max(-84.0, min(84.0, lat + chance.gauss(0, 4)))
        yield Incident(
            name=f"Incident {index}",
            severity=chance.choice(Severity.values),
            lon=round(lon, 5),
            lat=round(lat, 5),
            cell=leaf(lon, lat),
            rev=index,
            created_rev=index,
        )


def features(number: int, run: str) -> list[str]:
    """New incidents near cities, as GeoJSON for the API, a hundred in each body."""
    chance = random.Random(run)
    bodies = []
    for start in range(0, number, 100):
        found = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [incident.lon, incident.lat]},
                "properties": {"name": incident.name, "severity": incident.severity, "external_id": f"{run}-{start + index}"},
            }
            for index, incident in enumerate(_incidents(100, chance))
        ]
        bodies.append(json.dumps({"type": "FeatureCollection", "features": found}))
    return bodies
