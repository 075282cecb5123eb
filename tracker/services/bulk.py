"""One change of many incidents: those that a list shows. Done by a job, so many in one transaction."""

import time
from collections.abc import Mapping
from copy import copy
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from realtime.protocol import Refusal
from tracker.asking import filtered
from tracker.models import NAME_LENGTH, Map, Run, Severity
from tracker.services import runs
from tracker.services.storing import Edit, store
from tracker.words import grouped

TOGETHER = 200  # incidents in one transaction
ASKED = ("q", "severity", "hours", "bbox", "state")  # of a list's address


@transaction.atomic
def change_many(user: Any, kind: str, asked: Mapping[str, str], value: int | None = None) -> Run:
    """Close the incidents that are asked for, or set their severity: those that the person may change. Raises `Refusal`."""
    if kind not in {Run.Kind.CLOSE, Run.Kind.SEVERITY}:
        raise Refusal("bad_value", _("Incidents can be closed, or given a severity."), field="kind")
    if kind == Run.Kind.SEVERITY and value not in Severity.values:
        raise Refusal("bad_value", _("Choose a severity."), field="value")
    query = {name: asked[name] for name in ASKED if asked.get(name)}
    total = _wanted(user, query).count()
    if not total:
        raise Refusal("bad_value", _("There is nothing among these that you may change."))
    run = Run(owner=user, kind=kind, name=_name_of(kind, value, total)[:NAME_LENGTH], query=query, value=value, total=total)
    runs.begin(run)
    return run


def _name_of(kind: str, value: int | None, total: int) -> str:
    """For its owner, in the language of the moment."""
    if kind == Run.Kind.CLOSE:
        return ngettext("Close: {count} incident", "Close: {count} incidents", total).format(count=grouped(total))
    words = ngettext("Set to {severity}: {count} incident", "Set to {severity}: {count} incidents", total)
    return words.format(severity=Severity(value or 0).label.lower(), count=grouped(total))


def change_on(run: Run, deadline: float) -> None:
    """What there is time for."""
    while _change_some(run):
        if time.monotonic() > deadline:
            return


@transaction.atomic
def _change_some(run: Run) -> bool:
    """These incidents and how far that is, or neither. False when nothing is left, or somebody else has done these."""
    the_map = Map.objects.lock_it()
    now = Run.objects.select_for_update().get(pk=run.pk)
    if now.is_over or now.last_id != run.last_id:
        return False
    incidents = list(_wanted(run.owner, run.query).filter(pk__gt=run.last_id).order_by("pk")[:TOGETHER])
    if not incidents:
        runs.end(run, Run.Status.DONE)
        return False
    edits = []
    for incident in incidents:
        before = copy(incident)
        if run.kind == Run.Kind.CLOSE:
            incident.closed = True
        else:
            incident.severity = run.value
        edits.append(Edit(incident, before, run.owner))
    changed = [edit for edit in edits if edit.changes]
    store(changed, the_map)
    run.last_id, run.position = incidents[-1].pk, run.position + len(incidents)
    run.changed_count += len(changed)
    run.same_count += len(incidents) - len(changed)
    run.status, run.percent = Run.Status.RUNNING, min(99, 100 * run.position // max(run.total or 1, 1))
    runs.save(run)
    return True


def _wanted(user: Any, query: Mapping[str, str]) -> QuerySet:
    """Asked at the time of the action: staff change all, others what they reported."""
    incidents = filtered(query)
    return incidents if user.is_staff else incidents.filter(reporter=user.pk)
