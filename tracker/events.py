"""Everything the tracker says on the wire.

What happened is told as in abarto/tracker_project, which this app continues: `post_save`, `post_delete` and `alert`, with GeoJSON
features. They travel in envelopes that bear the revision of their feed, so that nothing is lost: one event in an envelope for who
follows the whole map, as many as there were in a quarter of a second for who has told what their window shows.
"""

from typing import Annotated, Any, ClassVar

import msgspec

from realtime.protocol import Change, DurableCommand, Event, FeedName, RowId, SocketCommand, Text
from tracker.models import DESCRIPTION_LENGTH, NAME_LENGTH

Name = Annotated[Text, msgspec.Meta(min_length=1, max_length=NAME_LENGTH)]
Description = Annotated[Text, msgspec.Meta(max_length=DESCRIPTION_LENGTH)]
SeverityNumber = Annotated[int, msgspec.Meta(ge=1, le=5)]
Longitude = Annotated[float, msgspec.Meta(ge=-180, le=180)]
Latitude = Annotated[float, msgspec.Meta(ge=-90, le=90)]
Degrees = Annotated[float, msgspec.Meta(ge=-900, le=900)]  # a map may have been turned more than once
Feature = dict[str, Any]


class Happening(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """What is in an envelope."""


class PostSave(Happening, frozen=True, kw_only=True, tag="post_save"):
    """An incident or an area is new, or has changed: `feature` is what it is now."""

    created: bool
    feature: Feature


class PostDelete(Happening, frozen=True, kw_only=True, tag="post_delete"):
    """An incident or an area is gone. `feature` has its id, its model and its pk."""

    feature: Feature


class Alert(Happening, frozen=True, kw_only=True, tag="alert"):
    """An open incident is in areas of this person: `reason` is reported, raised, moved, reopened or drawn."""

    feature: Feature
    areas_of_interest: list[dict[str, Any]]
    reason: str


class RunMoved(Happening, frozen=True, kw_only=True, tag="run"):
    """How far an import, or a change of many, of this person has come: in `percent`, and in rows (`position`)."""

    id: int
    kind: str
    name: str
    status: str
    percent: int
    position: int
    created: int
    changed: int
    same: int
    failed: int
    message: str


class MapChanged(Change, frozen=True, kw_only=True, tag="tracker.map.changed"):
    """Incidents or shared areas have changed: `events` are `post_save` and `post_delete`, oldest first. Everything that concerns
    this socket up to `rev` has been told with it; without events it says no more than that."""

    events: list[Happening]


class WatchChanged(Change, frozen=True, kw_only=True, tag="tracker.watch.changed"):
    """Something of one person's own: `post_save` and `post_delete` of their areas, `alert`, and `run`."""

    events: list[Happening]


class ViewportChanged(Event, frozen=True, kw_only=True, tag="tracker.viewport.changed"):
    """From revision `since` on this socket is told of what is in `bbox`. What is read from now on fits to that."""

    feed: str
    bbox: list[float]
    since: int


class SetViewport(SocketCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tracker.viewport.set"):
    """Of the map, tell this socket only what is in `bbox`: west, south, east, north. Until then it is told everything."""

    feed: FeedName
    bbox: tuple[Degrees, Latitude, Degrees, Latitude]


class ReportIncident(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tracker.incident.report"):
    """Something has happened at a place, in degrees."""

    is_batched: ClassVar[bool] = True

    name: Name
    description: Description = ""
    severity: SeverityNumber
    lon: Longitude
    lat: Latitude


class ChangeIncident(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tracker.incident.change"):
    """Correct, move, raise, close or reopen it: what is not named stays."""

    id: RowId
    name: Name | None = None
    description: Description | None = None
    severity: SeverityNumber | None = None
    closed: bool | None = None
    lon: Longitude | None = None
    lat: Latitude | None = None


class DeleteIncident(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tracker.incident.delete"):
    """It was a mistake. What is over is closed instead."""

    id: RowId


class SaveArea(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tracker.area.save"):
    """A new area of interest, or with `id` an existing one, as it is to be: a GeoJSON Polygon or MultiPolygon."""

    id: RowId | None = None
    name: Name
    severity: SeverityNumber
    geometry: dict[str, Any]
    is_active: bool = True
    is_shared: bool = False


class DeleteArea(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="tracker.area.delete"):
    """Watch this area no longer."""

    id: RowId
