"""The inbox on the socket: its feed, and what a client may ask for."""

from collections.abc import Sequence
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications import events, services
from notifications.frames import inbox_events, item_event
from notifications.models import Inbox, Notification
from realtime.feeds import FeedSource, Head, Person
from realtime.protocol import Change, Refusal
from realtime.receipts import Done
from realtime.threads import in_database


class InboxFeed(FeedSource):
    """One person's notifications: nobody else may read them."""

    model = Inbox

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return Inbox.objects.filter(user=user.pk)

    def heads(self, ids: Sequence[int], user: Person | None = None) -> dict[int, Head]:
        heads = super().heads(ids, user)
        if user is not None and user.pk in ids and user.pk not in heads:  # the first page that this person has open
            services.inbox_of(user)
            heads = super().heads(ids, user)
        return heads

    def changes(self, feed_id: int, after: int, limit: int) -> list[Change]:
        inbox = Inbox.objects.filter(pk=feed_id).first()
        if inbox is None:
            return []
        rows = list(Notification.objects.filter(inbox=inbox, rev__gt=after).select_related("actor").order_by("rev")[:limit])
        now = timezone.now()
        browser = _browser_by_kind(inbox.pk, rows)
        changes: list[Change] = [item_event(inbox, row, after, now, browser[row.kind, row.target]) for row in rows]
        return sorted([*changes, *inbox_events(inbox, after)], key=lambda change: change.rev)[:limit]


def _browser_by_kind(user_id: int, rows: Any) -> dict[tuple[str, str], bool]:
    """Whether the person wants a browser notification of each of these kinds. A reader who is catching up asks for few."""
    wanted = {}
    for pair in {(row.kind, row.target) for row in rows}:
        ways = services.ways_for([user_id], *pair).get(user_id)
        wanted[pair] = bool(ways and ways.browser)
    return wanted


async def mark_items(user: Any, command: events.MarkItems) -> Done:
    check_own(user, command.feed)
    return await in_database(services.mark, user, command.ids, command.mark, command.client_id)


async def mark_all(user: Any, command: events.MarkAll) -> Done:
    check_own(user, command.feed)
    service = services.read_all if command.mark == "read" else services.clear_all
    return await in_database(service, user, command.client_id)


async def see_inbox(user: Any, command: events.SeeInbox) -> None:
    check_own(user, command.feed)
    await in_database(services.mark_seen, user)


def check_own(user: Any, feed: str) -> None:
    """The frame names the inbox, but whose it is comes from the session."""
    if feed != f"{Inbox.feed_name}.{user.pk}":
        raise Refusal("not_found", _("There is no such inbox."), field="feed")
