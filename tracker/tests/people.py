"""People, places and shapes for the tests of this app."""

from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User

from realtime.limits import unlimited
from tracker import services
from tracker.models import AreaOfInterest, Incident, Severity


def person(name: str, **fields: Any) -> User:
    return User.objects.get_or_create(username=name, defaults=fields)[0]


def square(west: float, south: float, side: float = 10) -> dict[str, Any]:
    east, north = west + side, south + side
    return {
        "type": "Polygon",
        "coordinates": [[[west, south], [east, south], [east, north], [west, north], [west, south]]],
    }


def report(
    user: User | None, lon: float = 5, lat: float = 5, severity: int = Severity.MEDIUM, name: str = "Flood", **facts: Any
) -> Incident:
    with unlimited():
        done = services.report_incident(services.Report(user, name, lon, lat, severity, **facts))
    return Incident.objects.get(pk=done.id)


def change(user: User, incident: Incident, **wanted: Any) -> Incident:
    with unlimited():
        services.change_incident(user, incident.pk, uuid4(), **wanted)
    incident.refresh_from_db()
    return incident


def draw(user: User, geometry: dict[str, Any] | None = None, severity: int = Severity.INFO, **facts: Any) -> AreaOfInterest:
    facts = {"name": "Harbour", "geometry": geometry or square(0, 0), "severity": severity} | facts
    with unlimited():
        done = services.save_area(user, services.Plan(**facts))
    return AreaOfInterest.objects.get(pk=done.id)
