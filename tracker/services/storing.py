"""What every change of incidents does, whoever makes it: one person, a sensor, an import of thousands, the admin, a shell.

the_map = Map.objects.lock_it()
edits = [Edit(incident, before), ...]
prepare(the_map, edits)     # revisions and cells
...                         # the rows are written
announce(edits)             # history, alerts; sockets hear of it after the commit
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.broadcast import broadcast
from realtime.protocol import Refusal
from tracker.events import MapChanged
from tracker.frames import MAP, gone, incident_event
from tracker.geo.cells import leaf
from tracker.geo.shapes import read_point
from tracker.models import DESCRIPTION_LENGTH, NAME_LENGTH, Incident, IncidentChange, Map, Severity, Tombstone
from tracker.services import alerts

# What people may see change. The rest of a row follows from these.
TOLD = ("name", "description", "severity", "closed", "lon", "lat", "url", "reporter_id")
COLUMNS = (*TOLD, *Incident.KEPT_IN_STEP, "source_at")
LENGTHS = (
    ("name", NAME_LENGTH, _("A name may have {limit} characters.")),
    ("description", DESCRIPTION_LENGTH, _("A description may have {limit} characters.")),
)
BATCH = 500  # rows in one statement


@dataclass(slots=True)
class Edit:
    """An incident as it is to be, as it was (None: it is new), and who says so."""

    incident: Incident
    before: Incident | None = None
    actor: Any = None

    @property
    def changes(self) -> dict[str, list[Any]]:
        """`{"severity": [3, 1]}`; nothing for one that is new."""
        if self.before is None:
            return {}
        pairs = ((field, getattr(self.before, field), getattr(self.incident, field)) for field in TOLD)
        return {field: [old, new] for field, old, new in pairs if old != new}


@transaction.atomic
def store(edits: Sequence[Edit], the_map: Map | None = None) -> None:
    """Write new and changed incidents as one transaction; the map is held from here on, unless it is already."""
    if not edits:
        return
    the_map = the_map or Map.objects.lock_it()
    prepare(the_map, edits)
    Incident.objects.bulk_create([edit.incident for edit in edits if edit.before is None], batch_size=BATCH)
    Incident.objects.bulk_update([edit.incident for edit in edits if edit.before], COLUMNS, batch_size=BATCH)
    announce(edits)


def prepare(the_map: Map, edits: Sequence[Edit]) -> None:
    """Check, place in the grid, and take a revision for each. The map is held. Raises `Refusal`."""
    now = timezone.now()
    rev = the_map.advance(len(edits)) - len(edits)
    for edit in edits:
        rev += 1
        incident = edit.incident
        check(incident)
        incident.cell = leaf(incident.lon, incident.lat)
        incident.rev, incident.updated_at = rev, now
        if edit.before is None:
            incident.created_rev = rev
        was_closed = edit.before.closed if edit.before else False
        if incident.closed and not (was_closed and incident.closed_at):
            incident.closed_at = now
        elif not incident.closed:
            incident.closed_at = None


def announce(edits: Sequence[Edit]) -> None:
    """The rows are written: note what changed, tell who watches an area, and after the commit the map."""
    IncidentChange.objects.bulk_create(
        [IncidentChange(incident=it.incident, actor=it.actor, rev=it.incident.rev, changes=it.changes) for it in edits],
        batch_size=BATCH,
    )
    events = [incident_event(edit.incident) for edit in edits]
    broadcast(MAP, *events, about=[about(edit) for edit in edits])
    alerts.settle_incidents(
        {edit.incident.pk: edit.incident for edit in edits}, reasons={e.incident.pk: reason(e) for e in edits}
    )


def about(edit: Edit) -> list[Any]:
    """For the map's audience: of which incident a change is, where it is now, and where it was."""
    places = [[edit.incident.lon, edit.incident.lat]]
    if edit.before and (edit.before.lon, edit.before.lat) != (edit.incident.lon, edit.incident.lat):
        places.append([edit.before.lon, edit.before.lat])
    return [f"Incident:{edit.incident.pk}", places]


def reason(edit: Edit) -> str:
    """Why an area that did not match before does now."""
    incident, before = edit.incident, edit.before
    if before is None:
        return "reported"
    if before.closed and not incident.closed:
        return "reopened"
    return "raised" if incident.severity < before.severity else "moved"


def bury(incident: Incident, the_map: Map) -> None:
    """It is being deleted: leave a tombstone, take back the alerts, and tell the map after the commit."""
    alerts.withdraw_all(incident.pk)
    rev = the_map.advance()
    Tombstone.objects.create(feed=MAP, rev=rev, model="Incident", object_id=incident.pk, cell=incident.cell)
    event = MapChanged(feed=MAP, rev=rev, events=[gone("Incident", incident.pk)])
    broadcast(MAP, event, about=[[f"Incident:{incident.pk}", [[incident.lon, incident.lat]]]])


def check(incident: Incident) -> None:
    """Raises `Refusal` for what is not an incident; tidies what is."""
    incident.lon, incident.lat = read_point(incident.lon, incident.lat)
    incident.name = " ".join(incident.name.split())
    if not incident.name:
        raise Refusal("bad_value", _("An incident needs a name."), field="name")
    if incident.severity not in Severity.values:
        raise Refusal("bad_value", _("A severity is a number from 1 (urgent) to 5 (info)."), field="severity")
    for field, limit, too_long in LENGTHS:
        value = getattr(incident, field)
        if len(value) > limit:
            raise Refusal("too_long", format_lazy(too_long, limit=limit), field=field)
        if "\x00" in value:
            raise Refusal("bad_value", _("There is a NUL character in it."), field=field)
