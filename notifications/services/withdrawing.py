"""Taking back what was told, when the reason is gone: whatever the number of people, the same few statements."""

from collections import defaultdict
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from notifications.frames import changed_event, withdrawn_event
from notifications.kinds import render_text
from notifications.models import TEXT_LENGTH, Cause, Inbox, Notification
from notifications.services.inboxes import locked_inboxes
from notifications.services.raising import RECIPIENTS, names_of
from realtime import jobs
from realtime.broadcast import broadcast_each
from realtime.protocol import Event


@transaction.atomic
def withdraw(user: Any, dedupe_key: str, up_to: int | None = None) -> None:
    """The reason is gone: the notification goes too, live, unless it has other causes. `user` None: whoever was told.

    Beyond `RECIPIENTS` by jobs: whoever takes a reason back may hold locks of its own meanwhile. They leave alone what was
    told anew in between, whose causes are later than `up_to`.
    """
    causes = Cause.objects.filter(dedupe_key=dedupe_key)
    if user is not None:
        causes = causes.filter(inbox=user.pk)
    if up_to is not None:
        causes = causes.filter(pk__lte=up_to)
    told = list(causes.order_by("inbox").values_list("inbox_id", flat=True)[: RECIPIENTS + 1])
    if not told:  # mostly nobody was; then no lock is taken
        return
    inboxes = locked_inboxes(told[:RECIPIENTS])
    _take_back(inboxes, list(causes.filter(inbox__in=inboxes).select_related("notification")))
    if len(told) > RECIPIENTS:
        last = causes.aggregate(last=Max("pk"))["last"]
        jobs.enqueue("notifications.withdraw", {"key": dedupe_key, "up_to": last})


def _take_back(inboxes: dict[int, Inbox], causes: list[Cause]) -> None:
    """One cause of each of these inboxes, which are held, is gone."""
    Cause.objects.filter(pk__in=[cause.pk for cause in causes]).delete()
    notifications = [cause.notification for cause in causes]
    left = defaultdict(list)
    for cause in Cause.objects.filter(notification__in=notifications).select_related("actor").order_by("-pk"):
        left[cause.notification_id].append(cause)
    events: list[tuple[str, Event]] = []
    for cause in causes:
        inbox, notification = inboxes[cause.inbox_id], cause.notification
        inbox.rev += 1
        notification.rev = inbox.rev
        if others := left[notification.pk]:
            _retell(inbox, notification, others)
            events.append((inbox.group, changed_event(inbox, notification)))
        else:
            inbox.unread_count -= notification.is_unread
            _empty(notification)
            events.append((inbox.group, withdrawn_event(inbox, notification)))
    Notification.objects.bulk_update(notifications, _COLUMNS)
    Inbox.objects.store_all(inboxes.values(), "unread_count")
    broadcast_each(events)


_COLUMNS = ["rev", "count", "actor", "text", "detail", "url", "place", "saved_at", "withdrawn_at"]


def _retell(inbox: Inbox, notification: Notification, causes: list[Cause]) -> None:
    """One cause fewer: say what is left, the latest first."""
    last = causes[0]
    actors = list(dict.fromkeys(names_of(cause.actor for cause in causes)))
    notification.count, notification.actor = len(causes), last.actor
    text = render_text(notification.kind, last.text, actors, notification.count, last.data, inbox.reader_language)
    notification.text = text[:TEXT_LENGTH]
    notification.detail, notification.url = last.detail, last.url
    notification.place = max((cause.place for cause in causes if cause.place is not None), default=None)


def _empty(notification: Notification) -> None:
    """Leave a tombstone, without the words: what was deleted must not live on here."""
    notification.withdrawn_at = timezone.now()
    notification.text, notification.detail, notification.url, notification.saved_at = "", "", "", None
