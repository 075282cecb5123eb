"""From rows to events. The HTML of a notification is rendered here, with the partial that the pages include."""

from datetime import datetime, timedelta
from typing import Any

from notifications import events
from notifications.models import Inbox, Notification
from realtime.languages import personal_fragment

FRESH = timedelta(minutes=1)  # what is older when it reaches a page makes no toast: it is history, not news


def raised_event(inbox: Inbox, notification: Notification, *, now: datetime, browser: bool) -> events.ItemRaised:
    is_news = notification.is_unread and now - notification.raised_at < FRESH and inbox.quiet_end(now) is None
    return events.ItemRaised(
        **_facts(inbox, notification),
        text=notification.text,
        detail=notification.detail,
        url=notification.url,
        target=notification.target,
        toast=is_news,
        browser=is_news and browser,
    )


def changed_event(inbox: Inbox, notification: Notification) -> events.ItemChanged:
    return events.ItemChanged(**_facts(inbox, notification))


def withdrawn_event(inbox: Inbox, notification: Notification) -> events.ItemWithdrawn:
    return events.ItemWithdrawn(feed=inbox.group, rev=notification.rev, unread=inbox.unread_count, id=notification.pk)


def inbox_events(inbox: Inbox, after: int) -> list[events.InboxChange]:
    """What was done to the whole inbox since revision `after`."""
    marks = [
        (events.InboxRead, inbox.read_rev),
        (events.InboxCleared, inbox.cleared_rev),
        (events.InboxSeen, inbox.seen_rev),
    ]
    return [kind(feed=inbox.group, rev=rev, unread=inbox.unread_count) for kind, rev in marks if rev > after]


def item_event(inbox: Inbox, notification: Notification, after: int, now: datetime, browser: bool) -> events.InboxChange:
    """What somebody who is at revision `after` must hear of a notification."""
    if notification.withdrawn_at:
        return withdrawn_event(inbox, notification)
    if notification.raised_rev > after:
        return raised_event(inbox, notification, now=now, browser=browser)
    return changed_event(inbox, notification)


def _facts(inbox: Inbox, notification: Notification) -> dict[str, Any]:
    return {
        "feed": inbox.group,
        "rev": notification.rev,
        "unread": inbox.unread_count,
        "id": notification.pk,
        "kind": notification.kind,
        "is_unread": notification.is_unread,
        "is_done": notification.done_at is not None,
        "is_saved": notification.saved_at is not None,
        "html": render(inbox, notification),
    }


def render(inbox: Inbox, notification: Notification) -> str:
    """Nobody but the owner of the inbox sees it."""
    return personal_fragment("notifications/_notification.html", {"notification": notification}, inbox.reader_language)
