"""Incidents, one at a time: report, change, delete."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.receipts import Done, once
from tracker.frames import MAP
from tracker.models import Incident, Map
from tracker.services.storing import Edit, check, store

reports_per_person = Limit("incident reports", burst=6, per_second=6 / 60)
changes_per_person = Limit("incident changes", burst=20, per_second=1)


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody says has happened. `reporter` None: a visitor, whose `address` is what limits them."""

    reporter: Any
    name: str
    lon: float
    lat: float
    severity: int
    description: str = ""
    client_id: UUID | None = None
    address: str = ""


def report_incident(report: Report) -> Done:
    """Put a new incident on the map. Raises `Refusal`."""
    result = report_incidents([report])[0]
    if isinstance(result, Exception):
        raise result
    return result


@transaction.atomic
def report_incidents(reports: Sequence[Report]) -> list[Done | Exception]:
    """Several at once, of many people: one transaction, one lock. Each is answered, also one that is refused."""
    the_map = Map.objects.lock_it()
    results: list[Done | Exception | None] = []
    edits: dict[int, Edit] = {}
    for number, report in enumerate(reports):
        try:
            done = _done_before(report)
            if done is None:
                edits[number] = Edit(_new_incident(report), actor=report.reporter)
            results.append(done)
        except Refusal as refusal:
            results.append(refusal)
    store(list(edits.values()), the_map)
    for number, edit in edits.items():
        report = reports[number]
        results[number] = _done(report.reporter, report.client_id, the_map, edit.incident)
    return [result for result in results if result is not None]


@transaction.atomic
def change_incident(user: Any, incident_id: int, client_id: UUID | None = None, **wanted: Any) -> Done:
    """Set some of name, description, severity, closed, lon, lat, url. Its reporter may, and staff."""
    the_map = Map.objects.lock_it()
    if client_id and (done := once(user, client_id)):
        return done
    incident = get_changeable(user, incident_id)
    changes_per_person.spend(user.pk)
    before = copy(incident)
    for field, value in wanted.items():
        if value is not None:
            setattr(incident, field, value)
    edit = Edit(incident, before, user)
    if edit.changes:
        store([edit], the_map)
    return _done(user, client_id, the_map, incident)


@transaction.atomic
def delete_incident(user: Any, incident_id: int, client_id: UUID | None = None) -> Done:
    """Take a mistake off the map, history and all. Its reporter may, and staff."""
    the_map = Map.objects.lock_it()
    if client_id and (done := once(user, client_id)):
        return done
    incident = get_changeable(user, incident_id)
    changes_per_person.spend(user.pk)
    incident.delete()  # receivers.py does the rest, as for one that is deleted in a shell
    the_map.refresh_from_db()
    incident.pk, incident.rev = incident_id, the_map.rev
    return _done(user, client_id, the_map, incident)


@transaction.atomic
def close_by_staff(user: Any, incidents: Any) -> int:
    """Close all of these that are open. Returns how many were."""
    the_map = Map.objects.lock_it()
    edits = []
    for incident in incidents.filter(closed=False):
        before = copy(incident)
        incident.closed = True
        edits.append(Edit(incident, before, user))
    store(edits, the_map)
    return len(edits)


def get_changeable(user: Any, incident_id: int) -> Incident:
    """Raises `Refusal` with `not_found` or `not_allowed`."""
    incident = Incident.objects.filter(pk=incident_id).first()
    if incident is None:
        raise Refusal("not_found", _("There is no such incident."), field="id")
    if not incident.may_be_changed_by(user):
        raise Refusal("not_allowed", _("Only its reporter and staff may change an incident."))
    return incident


def _done_before(report: Report) -> Done | None:
    if report.client_id is None:
        return None
    if report.reporter:
        return once(report.reporter, report.client_id)
    earlier = Incident.objects.filter(source="", external_id=str(report.client_id)).first()
    return Done(MAP, earlier.rev, earlier.pk) if earlier else None


def _new_incident(report: Report) -> Incident:
    reports_per_person.spend(report.reporter.pk if report.reporter else report.address)
    incident = Incident(
        name=report.name,
        description=report.description.strip(),
        severity=report.severity,
        lon=report.lon,
        lat=report.lat,
        reporter=report.reporter,
    )
    if report.client_id and not report.reporter:  # a visitor has no receipts
        incident.external_id = str(report.client_id)
    check(incident)
    return incident


def _done(user: Any, client_id: UUID | None, the_map: Map, incident: Incident) -> Done:
    if user and client_id:
        return Done.record(user, client_id, the_map, incident.rev, incident.pk)
    return Done(the_map.group, incident.rev, incident.pk)
