"""A world in which things happen, for the demo. All of it is reported and drawn through the services; only the clock is turned
back afterwards."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone

from realtime.limits import unlimited
from realtime.people import get_person
from tracker import services
from tracker.demo import AREAS, INCIDENTS, PEOPLE, DemoArea, DemoIncident
from tracker.models import AreaOfInterest, Incident, IncidentChange

NAMESPACE = UUID("5f6b2a9c-9d0c-4b57-8a44-6f5b61a7c2d3")  # makes the same client ids each time, so nothing is reported twice


class Command(BaseCommand):
    help = "Fill the map with incidents and areas to look at. Run it as often as you like."

    def handle(self, **_: Any) -> None:
        now = timezone.now()
        people = {name: get_person(name) for name in PEOPLE}
        if not AreaOfInterest.objects.exists() and not Incident.objects.exists():
            with unlimited(), transaction.atomic():
                for incident in sorted(INCIDENTS, key=lambda it: -it.minutes_ago):
                    report(incident, people[incident.reporter], now)
                for area in AREAS:
                    draw(area, people[area.owner])
        self.stdout.write(f"{Incident.objects.count()} incidents, {AreaOfInterest.objects.count()} areas.")


def report(plan: DemoIncident, reporter: User, now: datetime) -> None:
    severity, key = plan.was or plan.severity, uuid5(NAMESPACE, plan.name)
    done = services.report_incident(
        services.Report(reporter, plan.name, plan.lon, plan.lat, severity, plan.description, client_id=key)
    )
    if plan.was:
        services.change_incident(reporter, done.id, severity=plan.severity)
    if plan.closed:
        services.change_incident(reporter, done.id, closed=True)
    turn_back(done.id, plan, now - timedelta(minutes=plan.minutes_ago))


def turn_back(pk: int, plan: DemoIncident, at: datetime) -> None:
    """The services know only the present. Nobody has seen these rows yet, so their times may still be set."""
    changed = at + timedelta(minutes=plan.minutes_ago / 3)
    facts = {"created_at": at, "updated_at": changed, "source": plan.source}
    Incident.objects.filter(pk=pk).update(**facts)
    for number, change in enumerate(IncidentChange.objects.filter(incident=pk)):
        IncidentChange.objects.filter(pk=change.pk).update(at=changed if number else at)


def draw(plan: DemoArea, owner: User) -> None:
    geometry = {"type": "Polygon", "coordinates": plan.rings}
    if plan.parts:
        geometry = {"type": "MultiPolygon", "coordinates": plan.parts}
    services.save_area(
        owner,
        services.Plan(
            plan.name,
            plan.severity,
            geometry,
            is_shared=plan.is_shared and owner.is_staff,
            client_id=uuid5(NAMESPACE, plan.name),
        ),
    )
