"""Areas of interest: draw, change, delete. Each has cells in the index, a revision in its owner's feed, and one in the map's if
it is shared."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.broadcast import broadcast
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.receipts import Done, once
from tracker.events import MapChanged, WatchChanged
from tracker.frames import MAP, area_event, gone, shared_area_event
from tracker.geo.shapes import read_geometry
from tracker.models import AreaOfInterest, Map, Severity, Tombstone, Watch
from tracker.services import alerts, matching

AREAS_PER_PERSON = 500
area_changes_per_person = Limit("area changes", burst=20, per_second=1)


@dataclass(frozen=True, slots=True)
class Plan:
    """An area as it is to be. `id` None: a new one."""

    name: str
    severity: int
    geometry: Any  # GeoJSON
    is_active: bool = True
    is_shared: bool = False
    id: int | None = None
    client_id: UUID | None = None


@transaction.atomic
def save_area(user: Any, plan: Plan) -> Done:
    """Draw an area, or change one that the person may change. Raises `Refusal`."""
    watch = watch_of(user)
    if plan.client_id and (done := once(user, plan.client_id)):
        return done
    area_changes_per_person.spend(user.pk)
    area = get_changeable_area(user, plan.id) if plan.id else _new_area(user)
    if plan.is_shared and not user.is_staff:
        raise Refusal("not_allowed", _("Only staff may share an area with everybody."), field="is_shared")
    area.name, area.severity = plan.name, plan.severity
    area.geometry, area.is_active, area.is_shared = plan.geometry, plan.is_active, plan.is_shared
    area.save()  # receivers.py does the rest, as for one that is saved in a shell
    watch.refresh_from_db()  # unless staff change somebody else's, it has come to the area's revision
    return _done(user, plan.client_id, watch, area.pk)


@transaction.atomic
def delete_area(user: Any, area_id: int, client_id: UUID | None = None) -> Done:
    watch = watch_of(user)
    if client_id and (done := once(user, client_id)):
        return done
    area = get_changeable_area(user, area_id)
    area_changes_per_person.spend(user.pk)
    area.delete()
    watch.refresh_from_db()
    return _done(user, client_id, watch, area_id)


def watch_of(user: Any) -> Watch:
    """A person's own feed, made when it is first needed."""
    return Watch.objects.get_or_create(user_id=user.pk)[0]


def get_changeable_area(user: Any, area_id: int) -> AreaOfInterest:
    """Raises `Refusal`; of somebody else's area it is not even told that it exists."""
    area = AreaOfInterest.objects.visible_to(user).filter(pk=area_id).first()
    if area is None:
        raise Refusal("not_found", _("There is no such area."), field="id")
    if not area.may_be_changed_by(user):
        raise Refusal("not_allowed", _("Only its owner and staff may change a shared area."))
    return area


def prepare_area(area: AreaOfInterest) -> AreaOfInterest | None:
    """Check it and take its revisions, before it is written. Returns it as it was. Raises `Refusal`."""
    check_area(area)
    the_map = Map.objects.lock_it()  # an incident that comes at the same time must see the area, or be seen by it
    before = AreaOfInterest.objects.filter(pk=area.pk).first() if area.pk else None
    watch_of(area.owner)
    area.rev = Watch.objects.lock(pk=area.owner_id).advance()
    if before is None or before.owner_id != area.owner_id:
        area.created_rev = area.rev
    if area.is_shared or (before and before.is_shared):
        area.map_rev = the_map.advance()
    area.updated_at = timezone.now()
    return before


def announce_area(area: AreaOfInterest, before: AreaOfInterest | None) -> None:
    """It is written: put it into the index, tell what is open in it, and after the commit who sees it."""
    matching.index([area])
    if before and before.owner_id != area.owner_id:
        _take_from(before)
    broadcast(f"{Watch.feed_name}.{area.owner_id}", area_event(area))
    if area.is_shared:
        broadcast(MAP, shared_area_event(area))
    elif before and before.is_shared:
        _bury(MAP, area.map_rev, area.pk)
        broadcast(MAP, MapChanged(feed=MAP, rev=area.map_rev, events=[gone("AreaOfInterest", area.pk)]))
    alerts.settle_area(area)


def bury_area(area: AreaOfInterest) -> None:
    """It is being deleted: leave tombstones, take back the alerts, and tell after the commit."""
    the_map = Map.objects.lock_it()
    _take_from(area)
    if area.is_shared:
        rev = the_map.advance()
        _bury(MAP, rev, area.pk)
        broadcast(MAP, MapChanged(feed=MAP, rev=rev, events=[gone("AreaOfInterest", area.pk)]))


def check_area(area: AreaOfInterest) -> None:
    area.name = " ".join(area.name.split())
    if not area.name or "\x00" in area.name:
        raise Refusal("bad_value", _("An area needs a name."), field="name")
    if area.severity not in Severity.values:
        raise Refusal("bad_value", _("A severity is a number from 1 (urgent) to 5 (info)."), field="severity")
    area.geometry = read_geometry(area.geometry)


def _new_area(user: Any) -> AreaOfInterest:
    if AreaOfInterest.objects.filter(owner=user.pk).count() >= AREAS_PER_PERSON:
        raise Refusal("conflict", format_lazy(_("A person may have {limit} areas."), limit=AREAS_PER_PERSON))
    return AreaOfInterest(owner=user)


def _take_from(area: AreaOfInterest) -> None:
    """Its owner no longer has it, nor what was told because of it."""
    alerts.withdraw_area(area)
    watch_of(area.owner)
    watch = Watch.objects.lock(pk=area.owner_id)
    rev = watch.advance()
    _bury(watch.group, rev, area.pk)
    broadcast(watch.group, WatchChanged(feed=watch.group, rev=rev, events=[gone("AreaOfInterest", area.pk)]))


def _bury(feed: str, rev: int, area_id: int) -> None:
    Tombstone.objects.create(feed=feed, rev=rev, model="AreaOfInterest", object_id=area_id)


def _done(user: Any, client_id: UUID | None, watch: Watch, area_id: int) -> Done:
    if client_id:
        return Done.record(user, client_id, watch, watch.rev, area_id)
    return Done(watch.group, watch.rev, area_id)
