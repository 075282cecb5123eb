"""A world in which things happen: what `tracker_simulate` and the demo's visitors report. Made up, but with the habits of real
incidents: most are small, they gather around cities, storms wander, fires get worse before they are out, and all of it ends."""

import math
import random
from dataclasses import dataclass
from itertools import count
from typing import Any

CITIES = {
    "Rotterdam": (4.48, 51.92),
    "Berlin": (13.40, 52.52),
    "Paris": (2.35, 48.86),
    "Madrid": (-3.70, 40.42),
    "Athens": (23.73, 37.98),
    "Glasgow": (-4.25, 55.86),
    "Stockholm": (18.07, 59.33),
    "Istanbul": (28.98, 41.01),
    "Cairo": (31.24, 30.04),
    "Lagos": (3.38, 6.52),
    "Nairobi": (36.82, -1.29),
    "Cape Town": (18.42, -33.92),
    "Dubai": (55.27, 25.20),
    "Mumbai": (72.88, 19.08),
    "Dhaka": (90.41, 23.81),
    "Bangkok": (100.50, 13.76),
    "Manila": (120.98, 14.60),
    "Shanghai": (121.47, 31.23),
    "Tokyo": (139.69, 35.69),
    "Sydney": (151.21, -33.87),
    "Suva": (178.44, -18.14),
    "Auckland": (174.76, -36.85),
    "Honolulu": (-157.86, 21.31),
    "Anchorage": (-149.90, 61.22),
    "San Francisco": (-122.42, 37.77),
    "Houston": (-95.37, 29.76),
    "Miami": (-80.19, 25.76),
    "Chicago": (-87.63, 41.88),
    "New York": (-74.01, 40.71),
    "Mexico City": (-99.13, 19.43),
    "Lima": (-77.04, -12.05),
    "Santiago": (-70.65, -33.45),
    "São Paulo": (-46.63, -23.55),
    "Reykjavík": (-21.94, 64.15),
}
OPEN = 400  # incidents that go on at the same time, in the long run


@dataclass(frozen=True, slots=True)
class Kind:
    """`severities` weigh urgent to info; `speed` is in degrees from one word of it to the next."""

    name: str
    severities: tuple[int, int, int, int, int]
    speed: float = 0


KINDS = (
    Kind("Road closed", (0, 1, 5, 8, 3)),
    Kind("Collision", (1, 3, 6, 3, 0)),
    Kind("Power cut", (1, 4, 6, 3, 0)),
    Kind("Fire", (3, 5, 4, 1, 0), 0.02),
    Kind("Flooding", (2, 5, 5, 2, 0)),
    Kind("Storm cell", (1, 4, 6, 3, 1), 0.35),
    Kind("Gas leak", (3, 5, 3, 0, 0)),
    Kind("Train disruption", (0, 1, 5, 7, 2)),
    Kind("Smoke reported", (0, 2, 5, 5, 1), 0.05),
    Kind("Vessel adrift", (1, 3, 5, 3, 0), 0.12),
    Kind("Water main burst", (0, 2, 6, 4, 0)),
    Kind("Public event", (0, 0, 1, 4, 8)),
    Kind("Air quality warning", (0, 2, 6, 4, 2)),
    Kind("Landslide", (2, 5, 4, 1, 0)),
)


@dataclass(slots=True)
class Going:
    """An incident that goes on."""

    number: int
    kind: Kind
    city: str
    lon: float
    lat: float
    severity: int
    heading: float  # radians

    def feature(self, run: str, *, closed: bool = False) -> dict[str, Any]:
        return {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(self.lon, 5), round(self.lat, 5)]},
            "properties": {
                "name": f"{self.kind.name} near {self.city}",
                "severity": self.severity,
                "closed": closed,
                "external_id": f"{run}-{self.number}",
            },
        }


class World:
    """Each `step` is one thing that somebody reports, as a GeoJSON feature for the API. The same seed is the same story."""

    def __init__(self, chance: random.Random, *, run: str, at_once: int = OPEN, cities: dict[str, tuple[float, float]] = CITIES):
        self._chance, self._run, self._at_once, self._cities = chance, run, at_once, cities
        self._numbers = count(1)
        self._going: list[Going] = []

    def step(self) -> dict[str, Any]:
        if not self._going or self._chance.random() < max(0.08, 0.5 * (1 - len(self._going) / self._at_once)):
            return self._begin()
        if self._chance.random() < 0.3 * len(self._going) / self._at_once:
            return self._going.pop(self._chance.randrange(len(self._going))).feature(self._run, closed=True)
        return self._go_on(self._chance.choice(self._going))

    def _begin(self) -> dict[str, Any]:
        kind, city = self._chance.choice(KINDS), self._chance.choice([*self._cities])
        lon, lat = self._cities[city]
        severity = self._chance.choices(range(1, 6), kind.severities)[0]
        going = Going(
            next(self._numbers),
            kind,
            city,
            wrapped(lon + self._chance.gauss(0, 0.9)),
            max(-85.0, min(85.0, lat + self._chance.gauss(0, 0.6))),
            severity,
            self._chance.uniform(0, 2 * math.pi),
        )
        self._going.append(going)
        return going.feature(self._run)

    def _go_on(self, going: Going) -> dict[str, Any]:
        """It wanders, if its kind does; sometimes it gets worse, more often better."""
        going.heading += self._chance.gauss(0, 0.3)
        going.lon = wrapped(going.lon + going.kind.speed * math.cos(going.heading))
        going.lat = max(-85.0, min(85.0, going.lat + going.kind.speed * math.sin(going.heading)))
        if not going.kind.speed or self._chance.random() < 0.3:
            going.severity = max(1, min(5, going.severity + self._chance.choice((-1, 1, 1))))
        return going.feature(self._run)


def wrapped(lon: float) -> float:
    return (lon + 180) % 360 - 180


def area_around(chance: random.Random) -> dict[str, Any]:
    """Somebody's neighbourhood, region or route near a city."""
    lon, lat = chance.choice([*CITIES.values()])
    lon, lat = lon + chance.gauss(0, 0.6), lat + chance.gauss(0, 0.4)
    radius, corners = 10 ** chance.uniform(-1.2, 0.4), chance.randint(4, 12)
    ring = [
        [
            round(lon + radius * chance.uniform(0.7, 1.2) * math.cos(2 * math.pi * corner / corners), 4),
            round(lat + radius * chance.uniform(0.5, 0.8) * math.sin(2 * math.pi * corner / corners), 4),
        ]
        for corner in range(corners)
    ]
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
