"""What the demo's map shows. Data only; `seed_tracker` reports and draws it, through the services."""

from dataclasses import dataclass, field

PEOPLE = ("ann", "bob", "sam", "kim", "lee", "mia")
HOUR, DAY = 60, 24 * 60


@dataclass(frozen=True, slots=True)
class DemoIncident:
    name: str
    severity: int
    lon: float
    lat: float
    minutes_ago: int
    reporter: str = ""
    description: str = ""
    was: int = 0  # severity when it was reported, if it was changed since
    closed: bool = False
    source: str = ""


@dataclass(frozen=True, slots=True)
class DemoArea:
    name: str
    owner: str
    severity: int
    rings: list[list[list[float]]] = field(default_factory=list)
    parts: list[list[list[list[float]]]] = field(default_factory=list)  # of a MultiPolygon
    is_shared: bool = False


def box(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


INCIDENTS = (
    DemoIncident(
        "Storm surge in the harbour",
        1,
        4.14,
        51.95,
        25,
        "sam",
        "Water is over the quay at the third basin. Cranes are stopped.",
        was=2,
    ),
    DemoIncident("Container adrift in the fairway", 2, 3.95, 52.02, 55, "ann", "Blue, 40 feet, barely above the water."),
    DemoIncident("Lock out of order", 3, 4.36, 51.88, 3 * HOUR, "bob", "Barges wait two hours."),
    DemoIncident("Power cut in the old town", 2, 13.38, 52.52, 80, "kim"),
    DemoIncident("Tram line blocked", 4, 13.45, 52.5, 40, "lee"),
    DemoIncident("Demonstration, roads closed", 5, 13.37, 52.53, 5 * HOUR, "mia"),
    DemoIncident(
        "Brush fire near the ridge road", 1, 23.9, 38.12, 35, "mia", "Wind from the north. Two planes are on their way."
    ),
    DemoIncident("Smoke over the suburbs", 3, 23.75, 38.05, 30, "kim"),
    DemoIncident("Avalanche warning raised", 2, 10.3, 46.9, 6 * HOUR, "sam"),
    DemoIncident("Ferry delayed by fog", 4, -5.6, 36.05, 90, "lee"),
    DemoIncident("Oil on the beach", 3, -8.9, 43.2, 9 * HOUR, "bob", "About two kilometres of it."),
    DemoIncident("Bridge closed to lorries", 4, -3.2, 55.99, DAY, "ann"),
    DemoIncident("Data centre on emergency power", 3, -6.26, 53.35, 130, "sam"),
    DemoIncident("Flooded underpass", 3, 2.35, 48.86, 50, "mia"),
    DemoIncident("Lost dog, answers to Pixel", 5, 2.29, 48.84, 3 * HOUR, "lee", "Black, one white paw."),
    DemoIncident("Hurricane watch", 2, -79.9, 25.6, 4 * HOUR, "sam", source="weather"),
    DemoIncident("Chemical smell, cause unknown", 2, -95.2, 29.73, 70, "kim"),
    DemoIncident("Gas main broken", 1, -122.41, 37.77, 15, "ann", "The block is being cleared."),
    DemoIncident("Highway closed by a rockfall", 3, -121.3, 36.1, 20 * HOUR, "bob"),
    DemoIncident("Blizzard, airport closed", 2, -87.9, 41.98, 2 * HOUR, "lee"),
    DemoIncident("Water main repaired", 4, -74.0, 40.72, 8 * HOUR, "mia", closed=True),
    DemoIncident("Landslide after rain", 2, -43.2, -22.9, 3 * HOUR, "kim"),
    DemoIncident("River above the mark", 3, -60.0, -3.1, DAY + HOUR, "sam", source="gauge"),
    DemoIncident("Volcano: ash to 6 km", 1, -90.88, 14.47, 65, "sam", source="observatory"),
    DemoIncident("Dust storm", 3, 32.5, 15.6, 5 * HOUR, "lee"),
    DemoIncident("Locusts sighted", 3, 38.7, 9.0, DAY + 3 * HOUR, "mia"),
    DemoIncident("Cable ship at work", 5, 18.3, -34.1, 2 * DAY, "bob"),
    DemoIncident("Monsoon flooding", 2, 72.87, 19.07, 45, "kim"),
    DemoIncident("Heat above 45 degrees", 3, 77.2, 28.6, 2 * HOUR, "ann"),
    DemoIncident("Cyclone makes landfall", 1, 90.4, 22.3, 20, "sam", source="weather"),
    DemoIncident("Typhoon, ferries stopped", 2, 120.97, 14.6, 100, "lee"),
    DemoIncident("Train service suspended", 4, 139.7, 35.68, 30, "mia"),
    DemoIncident("Earthquake felt, no damage", 4, 141.3, 38.4, 95, "kim", source="sensor"),
    DemoIncident("Smog alert", 3, 116.4, 39.9, 7 * HOUR, "bob"),
    DemoIncident("Bushfire jumped the road", 1, 150.3, -33.7, 28, "ann"),
    DemoIncident("Shark sighted, beach closed", 4, 151.28, -33.89, 15, "bob"),
    DemoIncident("Reef survey", 5, 146.0, -17.0, 3 * DAY, "mia"),
    DemoIncident("Swell warning for the islands", 2, 178.4, -17.6, 75, "sam", "From both sides of the date line."),
    DemoIncident("Yacht without power", 3, -176.5, -15.2, 140, "kim"),
    DemoIncident("Iceberg on the route", 3, -48.0, 46.5, 11 * HOUR, "sam", source="patrol"),
    DemoIncident("Crevasse opens near the runway", 3, 2.5, -72.0, DAY, "lee"),
    DemoIncident("Polar low forming", 3, 20.0, 73.5, 3 * HOUR, "sam", source="weather"),
)

AREAS = (
    DemoArea("Harbour and approaches", "ann", 4, [box(3.4, 51.75, 4.6, 52.2)]),
    DemoArea("Bay, without the city", "ann", 3, [box(-123.2, 36.9, -121.2, 38.4), box(-122.52, 37.7, -122.35, 37.81)]),
    DemoArea("Both sides of the date line", "ann", 3, [box(172.0, -22.0, 190.0, -10.0)]),
    DemoArea("Capital", "bob", 4, [box(13.0, 52.3, 13.8, 52.7)]),
    DemoArea("Coast of fire", "bob", 2, [[[149.5, -35.0], [151.4, -34.6], [152.6, -32.4], [150.4, -32.2], [149.5, -35.0]]]),
    DemoArea("Two ports", "bob", 3, parts=[[box(-80.6, 25.0, -79.6, 26.4)], [box(-95.8, 29.3, -94.8, 30.0)]]),
    DemoArea("Arctic", "sam", 3, [box(-180.0, 70.0, 180.0, 90.0)], is_shared=True),
    DemoArea(
        "Storm belt",
        "sam",
        2,
        [[[84.0, 16.0], [93.0, 15.0], [96.0, 20.0], [91.5, 24.0], [86.0, 22.5], [84.0, 16.0]]],
        is_shared=True,
    ),
)
