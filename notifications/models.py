"""Inboxes, what lies in them and why, and how each person wants to be told. Every write is in `services/`."""

import secrets
from datetime import datetime, time, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.kinds import Kind, kind_of
from realtime import addresses
from realtime.feeds import Feed

TEXT_LENGTH = 250
DETAIL_LENGTH = 500
URL_LENGTH = 500
KEY_LENGTH = 120


class Inbox(Feed):
    """One person's notifications, and the feed of everything that changes among them.

    What is done to all of them at once takes one revision, which is kept here: whatever changed before it is read, or done.
    """

    feed_name: ClassVar[str] = "notifications.inbox"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="inbox")
    unread_count = models.PositiveIntegerField(default=0, editable=False)
    raised_rev = models.BigIntegerField(default=0, editable=False)  # when something last came
    seen_rev = models.BigIntegerField(default=0, editable=False)  # when the person last looked
    read_rev = models.BigIntegerField(default=0, editable=False)  # when all was last marked read
    cleared_rev = models.BigIntegerField(default=0, editable=False)  # when all was last marked done
    language = models.CharField(max_length=20, blank=True, editable=False)  # of the last page they opened; empty: the site's
    time_zone = models.CharField(max_length=60, blank=True)  # empty: the site's
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_until = models.TimeField(null=True, blank=True)
    email_after_minutes = models.PositiveSmallIntegerField(default=15)

    class Meta:
        verbose_name_plural = "inboxes"

    def __str__(self) -> str:
        return f"Inbox of {self.user}"

    @property
    def has_unseen(self) -> bool:
        return self.unread_count > 0 and self.raised_rev > self.seen_rev

    @property
    def reader_language(self) -> str:
        """What its owner reads."""
        return self.language or settings.LANGUAGE_CODE

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or settings.TIME_ZONE)

    def quiet_end(self, now: datetime) -> datetime | None:
        """When the quiet hours that hold at this moment are over; None outside of them. They may span midnight."""
        if self.quiet_from is None or self.quiet_until is None or self.quiet_from == self.quiet_until:
            return None
        local = now.astimezone(self.zone)
        clock = local.time().replace(tzinfo=None)
        if not _is_between(clock, self.quiet_from, self.quiet_until):
            return None
        days = 1 if self.quiet_until <= clock else 0
        end = datetime.combine(local.date(), self.quiet_until, self.zone)
        return end + timedelta(days=days)


def _is_between(clock: time, start: time, end: time) -> bool:
    return start <= clock < end if start < end else clock >= start or clock < end


class NotificationQuerySet(models.QuerySet):
    def of(self, user: Any) -> "NotificationQuerySet":
        """What lies in a person's inbox: nobody else's, and nothing that was withdrawn."""
        return self.filter(inbox=user.pk, withdrawn_at=None)

    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at=None)

    def shown_in(self, folder: str) -> "NotificationQuerySet":
        match folder:
            case "unread":
                return self.filter(read_at=None, done_at=None)
            case "saved":
                return self.exclude(saved_at=None)
            case "done":
                return self.exclude(done_at=None)
            case _:
                return self.filter(done_at=None)

    def for_display(self) -> "NotificationQuerySet":
        return self.select_related("actor").order_by("-raised_rev")


class Notification(models.Model):
    """One line of an inbox. Several causes of the same group are one line: "3 people reacted to your message".

    `rev` is the inbox's revision of its last change, `raised_rev` that at which it last called for attention. A withdrawn
    one stays as a tombstone, so that catching up tells of it.
    """

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="notifications")
    rev = models.BigIntegerField()
    raised_rev = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    group_key = models.CharField(max_length=KEY_LENGTH, blank=True)
    target = models.CharField(max_length=80, blank=True)  # the feed that it is about, "chat.room.3"
    place = models.BigIntegerField(null=True, blank=True)  # the furthest place of its causes in that feed
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    count = models.PositiveIntegerField(default=1)  # of causes
    text = models.CharField(max_length=TEXT_LENGTH)
    detail = models.CharField(max_length=DETAIL_LENGTH, blank=True)
    url = models.CharField(max_length=URL_LENGTH, blank=True)
    raised_at = models.DateTimeField(default=timezone.now)
    read_at = models.DateTimeField(null=True, blank=True)
    done_at = models.DateTimeField(null=True, blank=True)
    saved_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    emailed_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            # The last line behind the lock of the inbox: what can be folded together never lies there twice.
            models.UniqueConstraint(
                fields=["inbox", "group_key"],
                condition=Q(read_at=None, withdrawn_at=None) & ~Q(group_key=""),
                name="one_unread_notification_per_group",
            ),
        ]
        indexes = [
            models.Index(fields=["inbox", "rev"]),
            models.Index(fields=["inbox", "-raised_rev"]),
            models.Index(fields=["inbox"], condition=Q(read_at=None, withdrawn_at=None), name="unread_notifications"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"  # without its words: the admin shows this to staff

    def get_absolute_url(self) -> str:
        return f"{reverse('notifications:inbox')}?at={self.pk}#notification-{self.pk}"

    @property
    def about(self) -> Kind:
        return kind_of(self.kind)

    @property
    def is_unread(self) -> bool:
        return self.read_at is None


class Cause(models.Model):
    """Why there is a notification. The same key notifies a person once, however often it is said."""

    inbox = models.ForeignKey(Inbox, models.CASCADE, related_name="+")
    notification = models.ForeignKey(Notification, models.CASCADE, related_name="causes")
    dedupe_key = models.CharField(max_length=KEY_LENGTH)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    text = models.CharField(max_length=TEXT_LENGTH)
    detail = models.CharField(max_length=DETAIL_LENGTH, blank=True)
    url = models.CharField(max_length=URL_LENGTH, blank=True)
    place = models.BigIntegerField(null=True, blank=True)
    data = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["inbox", "dedupe_key"], name="one_cause_per_key")]
        indexes = [models.Index(fields=["dedupe_key"])]

    def __str__(self) -> str:
        return self.dedupe_key


class Channel(models.TextChoices):
    """A way to tell somebody."""

    IN_APP = "in_app", _("Bell")
    BROWSER = "browser", _("Browser notification")
    EMAIL = "email", _("E-mail")
    WEBHOOK = "webhook", _("Webhook")


class Preference(models.Model):
    """A person's choice for one kind and channel, where it is not what the kind brings along."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    kind = models.CharField(max_length=40)
    channel = models.CharField(max_length=7, choices=Channel.choices)
    is_on = models.BooleanField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "kind", "channel"], name="one_preference_per_channel")]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind} by {self.channel} {'on' if self.is_on else 'off'}"


class TargetLevel(models.Model):
    """How much a person wants to hear of one feed, such as a room. Without a row it is MENTIONS."""

    class Level(models.TextChoices):
        ALL = "all", _("Everything")
        MENTIONS = "mentions", _("What concerns me")
        NONE = "none", _("Nothing")

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    target = models.CharField(max_length=80)
    level = models.CharField(max_length=8, choices=Level.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "target"], name="one_level_per_target")]
        indexes = [models.Index(fields=["target", "level"])]

    def __str__(self) -> str:
        return f"{self.user}: {self.level} of {self.target}"


def new_secret() -> str:
    return secrets.token_urlsafe(32)


class Webhook(models.Model):
    """Where a person's notifications are POSTed to. The secret signs them, so it is stored as it is."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="+")
    url = models.CharField(max_length=addresses.URL_LENGTH)
    secret = models.CharField(max_length=60, default=new_secret, editable=False)
    created_at = models.DateTimeField(default=timezone.now)
    failing_since = models.DateTimeField(null=True, blank=True)  # no call has worked from then on
    off_at = models.DateTimeField(null=True, blank=True)  # it failed for too long, and is called no more

    def __str__(self) -> str:
        return f"Webhook of {self.user}"
