"""The tracker on the socket: its feeds, and what a client may ask for."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from django.db.models import QuerySet, Window
from django.db.models.functions import RowNumber

from realtime.batching import Batcher
from realtime.feeds import FeedSource, Person
from realtime.hub import Hub
from realtime.protocol import Change, Refusal
from realtime.receipts import Done
from realtime.sockets import Socket
from realtime.threads import in_database
from tracker import events, services
from tracker.frames import MAP, alert_event, area_event, incident_event, run_event, shared_area_event, tombstone_event
from tracker.geo.cells import Box
from tracker.models import Alert, AreaOfInterest, Incident, Map, Run, Tombstone, Watch
from tracker.services.alerts import ALERTS_SHOWN
from tracker.viewports import Viewports


class MapFeed(FeedSource):
    """All incidents, and the areas that staff share. Each socket may say which part of it to tell."""

    model = Map

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return Map.objects.readable_by(user)

    def audience(self) -> Viewports:
        return Viewports()

    def changes(self, feed_id: int, after: int, limit: int) -> list[Change]:
        incidents = Incident.objects.filter(rev__gt=after).order_by("rev")[:limit]
        areas = AreaOfInterest.objects.filter(is_shared=True, map_rev__gt=after).order_by("map_rev")[:limit]
        changes: list[Change] = [incident_event(incident, after) for incident in incidents]
        changes += [shared_area_event(area) for area in areas]
        return first([*changes, *_gone(MAP, after, limit)], limit)


class WatchFeed(FeedSource):
    """One person's areas, alerts and imports: nobody else may read it."""

    model = Watch

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return Watch.objects.filter(user=user.pk)

    def changes(self, feed_id: int, after: int, limit: int) -> list[Change]:
        areas = AreaOfInterest.objects.filter(owner=feed_id, rev__gt=after).order_by("rev")[:limit]
        imports = Run.objects.filter(owner=feed_id, rev__gt=after).order_by("rev")[:limit]
        changes: list[Change] = [area_event(area, after) for area in areas]
        changes += [run_event(run) for run in imports]
        changes += _alerts(feed_id, after, limit)
        return first([*changes, *_gone(f"{Watch.feed_name}.{feed_id}", after, limit)], limit)


def first(changes: Iterable[Change], limit: int) -> list[Change]:
    return sorted(changes, key=lambda change: change.rev)[:limit]


def _gone(feed: str, after: int, limit: int) -> list[Change]:
    return [tombstone_event(row) for row in Tombstone.objects.filter(feed=feed, rev__gt=after).order_by("rev")[:limit]]


def _alerts(owner_id: int, after: int, limit: int) -> list[Change]:
    """Those that still hold, as many of one revision as were told at the time."""
    alerts = Alert.objects.filter(owner=owner_id, rev__gt=after, withdrawn_at=None)
    place = Window(RowNumber(), partition_by="rev", order_by=["severity", "-incident_id", "area_id"])
    shown = alerts.annotate(place=place).filter(place__lte=ALERTS_SHOWN).order_by("rev", "place")
    # As many rows as `limit` revisions may have: the last of these may be cut, and is then one more than is asked for.
    rows = shown.select_related("area", "incident").defer("area__geometry")[: limit * ALERTS_SHOWN]
    return [alert_event(list(group)) for _, group in groupby(rows, lambda alert: alert.rev)]


async def set_viewport(socket: Socket, command: events.SetViewport) -> None:
    topic = Hub.here().topics.get(command.feed) if command.feed in socket.feeds else None
    if topic is None or not isinstance(topic.audience, Viewports):
        raise Refusal("not_found", "Join the map first.", field="feed")
    box = Box(*command.bbox)
    if box.south > box.north:
        raise Refusal("bad_field", "A box is west, south, east, north.", field="bbox")
    since = topic.audience.look(topic, socket, box)
    socket.send(events.ViewportChanged(feed=command.feed, bbox=list(box), since=since))


_reports: Batcher[services.Report, Done] = Batcher(services.report_incidents)


async def report_incident(user: Any, command: events.ReportIncident) -> Done:
    _check(command.feed, MAP)
    return await _reports.submit(
        services.Report(
            reporter=user,
            name=command.name,
            description=command.description,
            severity=command.severity,
            lon=command.lon,
            lat=command.lat,
            client_id=command.client_id,
        )
    )


async def change_incident(user: Any, command: events.ChangeIncident) -> Done:
    _check(command.feed, MAP)
    wanted = {field: getattr(command, field) for field in ("name", "description", "severity", "closed", "lon", "lat")}
    return await in_database(services.change_incident, user, command.id, command.client_id, **wanted)


async def delete_incident(user: Any, command: events.DeleteIncident) -> Done:
    _check(command.feed, MAP)
    return await in_database(services.delete_incident, user, command.id, command.client_id)


async def save_area(user: Any, command: events.SaveArea) -> Done:
    _check(command.feed, f"{Watch.feed_name}.{user.pk}")
    plan = services.Plan(
        id=command.id,
        name=command.name,
        severity=command.severity,
        geometry=command.geometry,
        is_active=command.is_active,
        is_shared=command.is_shared,
        client_id=command.client_id,
    )
    return await in_database(services.save_area, user, plan)


async def delete_area(user: Any, command: events.DeleteArea) -> Done:
    _check(command.feed, f"{Watch.feed_name}.{user.pk}")
    return await in_database(services.delete_area, user, command.id, command.client_id)


def _check(feed: str, expected: str) -> None:
    if feed != expected:
        raise Refusal("not_found", f"That belongs to {expected}.", field="feed")
