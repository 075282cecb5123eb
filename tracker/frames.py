"""Rows as events: the same whether they are told live, after a gap, or by the API."""

from collections.abc import Sequence
from typing import Any

from tracker.events import Alert as AlertEvent
from tracker.events import MapChanged, PostDelete, PostSave, RunMoved, WatchChanged
from tracker.models import Alert, AreaOfInterest, Incident, Map, Run, Tombstone, Watch

MAP = f"{Map.feed_name}.1"


def incident_event(incident: Incident, after: int | None = None) -> MapChanged:
    """Told as created to who was at a revision before that (None: at the one before this)."""
    after = incident.rev - 1 if after is None else after
    saved = PostSave(created=incident.created_rev > after, feature=incident.geojson_feature)
    return MapChanged(feed=MAP, rev=incident.rev, events=[saved])


def shared_area_event(area: AreaOfInterest) -> MapChanged:
    return MapChanged(feed=MAP, rev=area.map_rev, events=[PostSave(created=False, feature=area.geojson_feature)])


def area_event(area: AreaOfInterest, after: int | None = None) -> WatchChanged:
    after = area.rev - 1 if after is None else after
    saved = PostSave(created=area.created_rev > after, feature=area.geojson_feature)
    return WatchChanged(feed=watch_of(area.owner_id), rev=area.rev, events=[saved])


def gone(model: str, pk: int) -> PostDelete:
    return PostDelete(feature={"type": "Feature", "id": f"{model}:{pk}", "properties": {"model": model, "pk": pk}})


def tombstone_event(tombstone: Tombstone) -> MapChanged | WatchChanged:
    kind = MapChanged if tombstone.feed == MAP else WatchChanged
    return kind(feed=tombstone.feed, rev=tombstone.rev, events=[gone(tombstone.model, tombstone.object_id)])


def alert_event(alerts: Sequence[Alert]) -> WatchChanged:
    """Alerts of one revision: an incident and the areas it is in, or an area and what was in it when it was drawn."""
    by_incident: dict[int, list[Alert]] = {}
    for alert in alerts:
        by_incident.setdefault(alert.incident_id, []).append(alert)
    events = [
        AlertEvent(
            feature=group[0].incident.geojson_feature,
            areas_of_interest=[area_summary(alert.area) for alert in group],
            reason=group[0].reason,
        )
        for group in by_incident.values()
    ]
    return WatchChanged(feed=watch_of(alerts[0].owner_id), rev=alerts[0].rev, events=list(events))


def area_summary(area: AreaOfInterest) -> dict[str, Any]:
    return {"id": area.pk, "name": area.name, "severity": area.severity, "url": area.get_absolute_url()}


def run_event(run: Run) -> WatchChanged:
    moved = RunMoved(
        id=run.pk,
        kind=run.kind,
        name=run.name,
        status=run.status,
        percent=run.percent,
        position=run.position,
        created=run.created_count,
        changed=run.changed_count,
        same=run.same_count,
        failed=run.failed_count,
        message=run.message,
    )
    return WatchChanged(feed=watch_of(run.owner_id), rev=run.rev, events=[moved])


def watch_of(user_id: int) -> str:
    return f"{Watch.feed_name}.{user_id}"
