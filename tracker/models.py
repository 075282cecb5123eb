"""Incidents, areas of interest, and who was alerted. Reads are QuerySet methods; every write is in `services/`.

The map is one feed, of all incidents and of the areas that staff share. What concerns one person (their areas, their alerts,
their imports) is in a feed of their own.
"""

import secrets
from collections.abc import Iterable
from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import URLValidator
from django.db import models, transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.feeds import Feed, FeedQuerySet, Person
from tracker.geo.cells import Box, covering, span, unwrapped

NAME_LENGTH = 150
DESCRIPTION_LENGTH = 1_000
SOURCE_LENGTH = 40
EXTERNAL_ID_LENGTH = 200
URL_LENGTH = 500
THE_MAP = 1  # its id


class Severity(models.IntegerChoices):
    """Ordered, so that "at least as severe as" is `<=`."""

    URGENT = 1, _("Urgent")
    HIGH = 2, _("High")
    MEDIUM = 3, _("Medium")
    LOW = 4, _("Low")
    INFO = 5, _("Info")

    @property
    def and_worse(self) -> Any:
        """ "High and worse", in words."""
        return self.label if self == Severity.URGENT else format_lazy(_("{severity} and worse"), severity=self.label)


class MapQuerySet(FeedQuerySet):
    def the(self) -> "Map":
        """The one map. Made by a migration, and again should somebody have emptied the tables."""
        return self.get_or_create(pk=THE_MAP)[0]

    def lock_it(self) -> "Map":
        """Hold the one map until the transaction ends: whatever is shown on it is written one after the other."""
        try:
            return self.lock(pk=THE_MAP)
        except Map.DoesNotExist:
            return self.lock(pk=self.the().pk)

    def readable_by(self, user: Person) -> "MapQuerySet":
        return self.all() if user.is_authenticated else self.none()


class Map(Feed):
    """The feed of all incidents and shared areas. There is one, made by a migration."""

    feed_name: ClassVar[str] = "tracker.map"

    objects: ClassVar[Any] = MapQuerySet.as_manager()


class Watch(Feed):
    """What one person watches: the feed of their areas, their alerts and their imports."""

    feed_name: ClassVar[str] = "tracker.watch"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="watch")

    def __str__(self) -> str:
        return f"Areas of {self.user}"


class IncidentQuerySet(models.QuerySet):
    def open(self) -> "IncidentQuerySet":
        return self.filter(closed=False)

    def at_least(self, severity: int) -> "IncidentQuerySet":
        """Those of this severity, and worse."""
        return self.filter(severity__lte=severity)

    def within(self, box: Box) -> "IncidentQuerySet":
        """By cells, so that a small window of a full map is a small query."""
        parts = unwrapped(box)
        exact = Q()
        for part in parts:
            exact |= Q(lon__gte=part.west, lon__lte=part.east, lat__gte=part.south, lat__lte=part.north)
        return self.in_cells(covering(box)).filter(exact)

    def in_cells(self, cells: Iterable[int]) -> "IncidentQuerySet":
        ranges = Q()
        for cell in cells:
            ranges |= Q(cell__range=span(cell))
        return self.filter(ranges)

    def containing(self, text: str) -> "IncidentQuerySet":
        """Every word somewhere in the name or the description."""
        wanted = self
        for word in text.split():
            wanted = wanted.filter(Q(name__icontains=word) | Q(description__icontains=word))
        return wanted

    def for_display(self) -> "IncidentQuerySet":
        return self.select_related("reporter")


class Incident(models.Model):
    """Something that happened somewhere. `cell` is its place in the grid of geo/cells.py, `rev` its last change on the map."""

    name = models.CharField(max_length=NAME_LENGTH)
    description = models.CharField(max_length=DESCRIPTION_LENGTH, blank=True)
    severity = models.PositiveSmallIntegerField(choices=Severity, default=Severity.MEDIUM)
    closed = models.BooleanField(default=False)
    lon = models.FloatField("longitude")  # degrees, -180 to 180
    lat = models.FloatField("latitude")  # degrees, -90 to 90
    cell = models.BigIntegerField(editable=False)
    reporter = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="incidents")
    source = models.CharField(max_length=SOURCE_LENGTH, blank=True)  # "usgs", "sensor"; "" for people
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH, null=True, blank=True)  # what the source calls it
    url = models.CharField(max_length=URL_LENGTH, blank=True, validators=[URLValidator(["http", "https"])])  # more, at the source
    source_at = models.DateTimeField(null=True, blank=True)  # when the source last spoke of it: what is older is old news
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    rev = models.BigIntegerField(default=0, editable=False)
    created_rev = models.BigIntegerField(default=0, editable=False)

    KEPT_IN_STEP: ClassVar[tuple[str, ...]] = ("cell", "rev", "created_rev", "updated_at", "closed_at")

    objects: ClassVar[Any] = IncidentQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_incident_per_external_id")]
        indexes = [
            models.Index(fields=["cell"], condition=Q(closed=False), name="open_incidents_by_cell"),
            models.Index(fields=["rev"], name="incidents_by_rev"),
            models.Index(fields=["closed", "severity", "-created_at"], name="incidents_by_severity"),
            models.Index(fields=["closed", "updated_at"], name="incidents_by_age"),
        ]

    def __str__(self) -> str:
        return self.name

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """The row and what receivers.py does about it are one: its revision, its history, its alerts."""
        if update_fields is not None:
            update_fields = {*update_fields, *self.KEPT_IN_STEP}
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            return super().delete(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("tracker:incident_detail", args=[self.pk])

    @property
    def geojson_feature(self) -> dict[str, Any]:
        """What the forerunner's had, and more; the same on sockets and in the API."""
        return {
            "type": "Feature",
            "id": f"Incident:{self.pk}",
            "geometry": {"type": "Point", "coordinates": [self.lon, self.lat]},
            "properties": {
                "model": "Incident",
                "pk": self.pk,
                "name": self.name,
                "description": self.description,
                "severity": self.severity,
                "closed": self.closed,
                "created": self.created_at,
                "updated": self.updated_at,
                "url": self.get_absolute_url(),
                "source": self.source,
                "reporter": self.reporter_id,
                "rev": self.rev,
            },
        }

    @property
    def alert_severities(self) -> list[Severity]:
        """The severities of areas that this incident alerts: an urgent one alerts all, an informative one only those."""
        return [severity for severity in Severity if severity >= self.severity]

    def may_be_changed_by(self, user: Person) -> bool:
        return user.is_authenticated and (user.is_staff or user.pk == self.reporter_id)


class Alias(models.Model):
    """Another name that a source has for an incident: feeds renumber their events, and updates have numbers of their own."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="aliases")
    source = models.CharField(max_length=SOURCE_LENGTH)
    external_id = models.CharField(max_length=EXTERNAL_ID_LENGTH)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["source", "external_id"], name="one_alias_per_external_id")]
        verbose_name_plural = "aliases"


class IncidentChange(models.Model):
    """One line of an incident's history: what was changed, from what, to what."""

    incident = models.ForeignKey(Incident, models.CASCADE, related_name="history")
    at = models.DateTimeField(default=timezone.now)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    rev = models.BigIntegerField()
    changes = models.JSONField(default=dict)  # {"severity": [3, 1]}; empty for the report itself

    class Meta:
        ordering = ["pk"]


class AreaQuerySet(models.QuerySet):
    def visible_to(self, user: Person) -> "AreaQuerySet":
        """One's own, and those that staff share with everybody."""
        if not user.is_authenticated:
            return self.none()
        return self.filter(Q(owner=user.pk) | Q(is_shared=True))


class AreaOfInterest(models.Model):
    """Its owner hears of incidents in it that are at least as severe as `severity`."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="areas_of_interest")
    name = models.CharField(max_length=NAME_LENGTH)
    severity = models.PositiveSmallIntegerField(choices=Severity, default=Severity.MEDIUM)
    geometry = models.JSONField()  # GeoJSON Polygon or MultiPolygon, checked by geo/shapes.py
    is_active = models.BooleanField("alerts", default=True)
    is_shared = models.BooleanField("on everybody's map", default=False)  # staff only
    created_at = models.DateTimeField(default=timezone.now)
    updated_at = models.DateTimeField(default=timezone.now)
    rev = models.BigIntegerField(default=0, editable=False)  # in the owner's feed
    created_rev = models.BigIntegerField(default=0, editable=False)
    map_rev = models.BigIntegerField(default=0, editable=False)  # in the map's, if it is shared

    objects: ClassVar[Any] = AreaQuerySet.as_manager()

    class Meta:
        verbose_name = "area of interest"
        verbose_name_plural = "areas of interest"
        indexes = [
            models.Index(fields=["owner", "rev"], name="areas_by_rev"),
            models.Index(fields=["map_rev"], condition=Q(is_shared=True), name="shared_areas_by_rev"),
        ]

    def __str__(self) -> str:
        return self.name

    KEPT_IN_STEP: ClassVar[tuple[str, ...]] = ("rev", "created_rev", "map_rev", "updated_at")

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """See `Incident.save`."""
        if update_fields is not None:
            update_fields = {*update_fields, *self.KEPT_IN_STEP}
        with transaction.atomic():
            super().save(*args, update_fields=update_fields, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        with transaction.atomic():
            return super().delete(*args, **kwargs)

    def get_absolute_url(self) -> str:
        return reverse("tracker:area_detail", args=[self.pk])

    @property
    def geojson_feature(self) -> dict[str, Any]:
        return {
            "type": "Feature",
            "id": f"AreaOfInterest:{self.pk}",
            "geometry": self.geometry,
            "properties": {
                "model": "AreaOfInterest",
                "pk": self.pk,
                "name": self.name,
                "severity": self.severity,
                "created": self.created_at,
                "updated": self.updated_at,
                "url": self.get_absolute_url(),
                "owner": self.owner_id,
                "is_active": self.is_active,
                "is_shared": self.is_shared,
            },
        }

    def may_be_changed_by(self, user: Person) -> bool:
        return user.is_authenticated and (user.pk == self.owner_id or (self.is_shared and user.is_staff))


class AreaCell(models.Model):
    """One of the cells that cover an active area. This is the index that incidents are matched by."""

    area = models.ForeignKey(AreaOfInterest, models.CASCADE, related_name="cells")
    cell = models.BigIntegerField()
    severity = models.PositiveSmallIntegerField()  # the area's
    is_inside = models.BooleanField()  # the cell lies wholly in the area: no point needs to be tested

    class Meta:
        # All that a match reads is in the index.
        indexes = [models.Index(fields=["cell", "severity", "is_inside", "area"], name="areas_by_cell")]


class Alert(models.Model):
    """An area's owner was told of an incident. One row for both, kept in step with whether it still holds."""

    class Reason(models.TextChoices):
        REPORTED = "reported", _("Reported")
        RAISED = "raised", _("Raised")
        MOVED = "moved", _("Moved in")
        REOPENED = "reopened", _("Reopened")
        DRAWN = "drawn", _("The area was drawn")

    area = models.ForeignKey(AreaOfInterest, models.CASCADE, related_name="alerts")
    incident = models.ForeignKey(Incident, models.CASCADE, related_name="alerts")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    severity = models.PositiveSmallIntegerField()  # of the incident, when last seen
    reason = models.CharField(max_length=8, choices=Reason)
    notice = models.CharField(max_length=60, db_index=True)  # the key of the notification
    rev = models.BigIntegerField()  # in the owner's feed
    told_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)  # closed, moved out, or no longer severe enough

    class Meta:
        constraints = [models.UniqueConstraint(fields=["area", "incident"], name="one_alert_per_area_and_incident")]
        indexes = [models.Index(fields=["owner", "rev"], name="alerts_by_rev")]


class Tombstone(models.Model):
    """Something that is gone from a feed, so that catching up tells of it."""

    feed = models.CharField(max_length=80)
    rev = models.BigIntegerField()
    model = models.CharField(max_length=20)
    object_id = models.BigIntegerField()
    cell = models.BigIntegerField(null=True)  # where it was

    class Meta:
        constraints = [models.UniqueConstraint(fields=["feed", "rev"], name="one_tombstone_per_rev")]


def import_path(run: "Run", name: str) -> str:
    """Not the name that somebody's computer gave it."""
    return f"tracker/imports/{secrets.token_hex(16)}"


class Run(models.Model):
    """Something long that a job does for one person, as far as it has come: reading a file, changing many incidents."""

    class Kind(models.TextChoices):
        IMPORT = "import", _("Import")
        CLOSE = "close", _("Close incidents")
        SEVERITY = "severity", _("Set the severity")

    class Status(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")
        CANCELLED = "cancelled", _("Cancelled")

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.IMPORT)
    name = models.CharField(max_length=NAME_LENGTH)  # of the file, or what is done
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    message = models.CharField(max_length=300, blank=True)  # why it failed
    percent = models.PositiveSmallIntegerField(default=0)
    position = models.PositiveIntegerField(default=0)  # rows that are dealt with
    created_count = models.PositiveIntegerField(default=0)
    changed_count = models.PositiveIntegerField(default=0)
    same_count = models.PositiveIntegerField(default=0)
    failed_count = models.PositiveIntegerField(default=0)
    failures = models.JSONField(default=list)  # the first of them: [{"row": 7, "message": "..."}]
    # Of an import
    format = models.CharField(max_length=8, blank=True)
    source = models.CharField(max_length=SOURCE_LENGTH, blank=True)
    file = models.FileField(upload_to=import_path, blank=True)  # until it is done
    digest = models.CharField(max_length=64, blank=True)  # SHA-256 of the file
    is_dry_run = models.BooleanField("try only", default=False)
    # Of a change of many
    query = models.JSONField(default=dict)  # which ones, as in the address of their list
    value = models.PositiveSmallIntegerField(null=True)
    total = models.PositiveIntegerField(null=True)  # when it was asked for
    last_id = models.BigIntegerField(default=0)  # they are gone through by their ids
    created_at = models.DateTimeField(default=timezone.now)
    finished_at = models.DateTimeField(null=True, blank=True)
    rev = models.BigIntegerField(default=0, editable=False)  # in the owner's feed

    class Meta:
        indexes = [models.Index(fields=["owner", "rev"], name="runs_by_rev")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("tracker:run_detail", args=[self.pk])

    @property
    def is_over(self) -> bool:
        return self.status in {self.Status.DONE, self.Status.FAILED, self.Status.CANCELLED}
