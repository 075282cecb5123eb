"""What people do with their notifications: see, read, save, be done. Saying the same twice changes nothing."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from notifications.events import InboxCleared, InboxRead, InboxSeen
from notifications.frames import changed_event
from notifications.models import Inbox, Notification
from notifications.services.inboxes import locked_inbox
from realtime.broadcast import broadcast
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.receipts import WHOLE, Done, once

marks_per_person = Limit("notification marks", burst=60, per_second=5)

# Done is read; what is taken up again is not done. An unread one is never done.
CHANGES: dict[str, dict[str, bool]] = {
    "read": {"read_at": True},
    "unread": {"read_at": False, "done_at": False},
    "done": {"read_at": True, "done_at": True},
    "undone": {"done_at": False},
    "saved": {"saved_at": True},
    "unsaved": {"saved_at": False},
}


@transaction.atomic
def mark(user: Any, ids: Collection[int], what: str, client_id: UUID | None = None) -> Done:
    """Mark some of one's own. Ids of others are passed over in silence: they tell nothing, not even that they exist."""
    if what not in CHANGES:
        raise Refusal("bad_value", _("There is no such mark."), field="mark")
    inbox = locked_inbox(user)
    if client_id and (done := once(user, client_id)):
        return done
    marks_per_person.spend(user.pk)
    chosen = Notification.objects.of(user).filter(pk__in=list(ids)).select_related("actor").order_by("raised_rev")
    changed = _mark_all_of(inbox, list(chosen), what)
    return _done(user, inbox, client_id, changed[-1].pk if changed else WHOLE)


@transaction.atomic
def read_all(user: Any, client_id: UUID | None = None) -> Done:
    """Everything is read: one statement and one revision, however much it is."""
    inbox = locked_inbox(user)
    if client_id and (done := once(user, client_id)):
        return done
    marks_per_person.spend(user.pk)
    if inbox.unread_count:
        Notification.objects.of(user).unread().update(read_at=timezone.now())
        rev = inbox.advance(1, unread_count=0, read_rev=inbox.rev + 1)
        broadcast(inbox.group, InboxRead(feed=inbox.group, rev=rev, unread=0), head=inbox.head())
    return _done(user, inbox, client_id)


@transaction.atomic
def clear_all(user: Any, client_id: UUID | None = None) -> Done:
    """Everything but what is saved is done."""
    inbox = locked_inbox(user)
    if client_id and (done := once(user, client_id)):
        return done
    marks_per_person.spend(user.pk)
    here = Notification.objects.of(user).filter(done_at=None, saved_at=None)
    if here.exists():
        now = timezone.now()
        here.unread().update(read_at=now)
        here.update(done_at=now)
        unread = Notification.objects.of(user).unread().count()
        rev = inbox.advance(1, unread_count=unread, cleared_rev=inbox.rev + 1)
        broadcast(inbox.group, InboxCleared(feed=inbox.group, rev=rev, unread=unread), head=inbox.head())
    return _done(user, inbox, client_id)


@transaction.atomic
def mark_seen(user: Any) -> None:
    """The person has looked at the list. The bell is calm again, on all their devices."""
    if not Inbox.objects.filter(user=user).exists():
        return
    inbox = locked_inbox(user)
    if inbox.raised_rev > inbox.seen_rev:
        rev = inbox.advance(1, seen_rev=inbox.rev + 1)
        broadcast(inbox.group, InboxSeen(feed=inbox.group, rev=rev, unread=inbox.unread_count), head=inbox.head())


@transaction.atomic
def mark_read_at(user: Any, target: str, place: int) -> None:
    """The person has read `target` up to `place`: what told of it has been read there."""
    there = Notification.objects.of(user).unread().filter(target=target, place__lte=place)
    if not there.exists():  # asked each time somebody reads a message; mostly there is nothing
        return
    inbox = locked_inbox(user)
    _mark_all_of(inbox, list(there.select_related("actor").order_by("raised_rev")), "read")


def _mark_all_of(inbox: Inbox, notifications: list[Notification], what: str) -> list[Notification]:
    """Those that changed, a revision each; the last has the inbox's."""
    now = timezone.now()
    changed = [notification for notification in notifications if _change(notification, what, now)]
    if what == "unread":
        changed = _one_of_each_group(inbox, changed)
    if not changed:
        return []
    for notification in changed:
        inbox.rev += 1
        notification.rev = inbox.rev
    Notification.objects.bulk_update(changed, ["rev", "read_at", "done_at", "saved_at"])
    unread = Notification.objects.of(inbox).unread().count()
    inbox.advance(0, unread_count=unread)
    broadcast(inbox.group, *[changed_event(inbox, notification) for notification in changed], head=inbox.head())
    return changed


def _change(notification: Notification, what: str, now: datetime) -> bool:
    """Set or clear its times. False if it was so already."""
    changes = CHANGES[what]
    if all((getattr(notification, column) is not None) == is_set for column, is_set in changes.items()):
        return False
    for column, is_set in changes.items():
        if not is_set:
            setattr(notification, column, None)
        elif getattr(notification, column) is None:
            setattr(notification, column, now)
    return True


def _one_of_each_group(inbox: Inbox, notifications: list[Notification]) -> list[Notification]:
    """What becomes unread again beside a newer unread one of its group leaves the group: two cannot be folded into."""
    groups = [notification.group_key for notification in notifications if notification.group_key]
    taken = set(Notification.objects.of(inbox).unread().filter(group_key__in=groups).values_list("group_key", flat=True))
    for notification in notifications:
        if notification.group_key in taken:
            notification.group_key = ""
            notification.save(update_fields=["group_key"])
        elif notification.group_key:
            taken.add(notification.group_key)
    return notifications


def _done(user: Any, inbox: Inbox, client_id: UUID | None, row_id: int = WHOLE) -> Done:
    if client_id is None:
        return Done(inbox.group, inbox.rev, row_id)
    return Done.record(user, client_id, inbox, inbox.rev, row_id)
