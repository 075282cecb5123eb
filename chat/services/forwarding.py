"""What is said in a room goes out to its outgoing webhooks.

A webhook reads the feed of its room as a browser does. It has a cursor, and is called for each thing that was said after it,
in order, one call at a time; the cursor moves on when a call has worked. So whoever dies, nothing is lost: at worst the call
that was on its way is made again. The job says only that there may be something; it is written with the message, and of
those that wait there is one for each webhook, whatever is said meanwhile.

The room is held whenever a webhook's state is looked at. Who posts holds it until the commit: so what is being said is
either seen by whoever runs now, or finds no job that waits and writes another.
"""

import http.client
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat.export import attachment_facts
from chat.models import Membership, Message, OutgoingHook, Room
from realtime import jobs
from realtime.languages import in_site_language
from realtime.signals import user_notified
from realtime.webhooks import FAILING, FAILURES, call

TURN = timedelta(seconds=30)  # how long one webhook is served before others that wait have their turn
LEASE = jobs.LEASE  # longer than a turn and the last call in it: whoever has not come back by then is dead

Event = OutgoingHook.Event


def wake(rooms: Iterable[Room]) -> None:
    """Something was said in these rooms, which are held. On the path of each message, so without a webhook it is free."""
    spoken_in = [room.pk for room in rooms if room.has_outgoing_hooks]
    if spoken_in:
        hooks = OutgoingHook.objects.working().filter(room__in=spoken_in).order_by("pk")
        now = timezone.now()
        jobs.enqueue_all([_job(*facts, now) for facts in hooks.values_list("pk", "created_by_id")])


def forward(hook_id: int) -> None:
    """Call a webhook for everything that it has not heard of. What fails is tried again later, from the same place on."""
    now = timezone.now()
    turn = _Turn(hook_id, began_at=now, held_until=now + LEASE)
    if not turn.begin():
        return
    while said := turn.next():
        try:
            status = call(said.url, said.secret, said.event)
        except FAILURES as error:
            turn.has_failed(error)
            return
        if status == http.client.GONE:
            turn.is_gone()
            return
        turn.has_worked(said.rev)


@dataclass(frozen=True, slots=True)
class _Said:
    """One call: with it the webhook has heard of everything up to `rev`."""

    url: str
    secret: str
    rev: int
    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Turn:
    """One worker calls a webhook, and no other does meanwhile: `held_until` in the row says whose turn it is."""

    hook_id: int
    began_at: datetime
    held_until: datetime

    @transaction.atomic
    def begin(self) -> bool:
        hook = _locked(self.hook_id)
        if hook is None:
            return False
        if hook.held_until and hook.held_until > self.began_at:
            come_back(hook, hook.held_until)
            return False
        hook.held_until = self.held_until
        hook.save(update_fields=["held_until"])
        return True

    @transaction.atomic
    def next(self) -> _Said | None:
        """What to call it for now. None: nothing any more, or not by us."""
        hook = self._mine()
        if hook is None:
            return None
        now = timezone.now()
        if now - self.began_at >= TURN:
            come_back(hook, now)
        elif said := _after_cursor(hook):
            return said
        else:
            hook.sent_rev = hook.room.rev  # of what came after the last call, it wanted nothing
            if job := jobs.waiting(_key(hook.pk)):  # for us to be done, and would keep others from being written
                jobs.move(job, now)
        hook.held_until = None
        hook.save(update_fields=["sent_rev", "held_until"])
        return None

    def has_worked(self, rev: int) -> None:
        OutgoingHook.objects.filter(pk=self.hook_id, held_until=self.held_until).update(
            sent_rev=rev, sent_at=timezone.now(), failures=0, failing_since=None, last_error=""
        )

    @transaction.atomic
    def has_failed(self, error: Exception) -> None:
        if hook := self._mine():
            now = timezone.now()
            hook.failures += 1
            hook.failing_since = hook.failing_since or now
            hook.last_error = str(error)[:250]
            hook.held_until = now + jobs.backoff(hook.failures)
            hook.off_at = now if now - hook.failing_since > FAILING else None
            hook.save(update_fields=["failures", "failing_since", "last_error", "held_until", "off_at"])
            if hook.off_at:
                count_hooks(hook.room)
                _tell_that_it_is_off(hook)
            else:
                come_back(hook, hook.held_until)

    @transaction.atomic
    def is_gone(self) -> None:
        """The receiver has said that it wants no more (410), and is asked no more."""
        if hook := self._mine():
            with in_site_language():
                hook.last_error = gettext("410: it wants to hear no more")
            hook.revoked_at = timezone.now()
            hook.save(update_fields=["last_error", "revoked_at"])
            count_hooks(hook.room)

    def _mine(self) -> OutgoingHook | None:
        hook = _locked(self.hook_id)
        return hook if hook and hook.held_until == self.held_until else None


def come_back(hook: OutgoingHook, at: datetime) -> None:
    """Have the webhook looked after at this time, whether or not something is said before. Its room is held."""
    if job := jobs.waiting(_key(hook.pk)):
        jobs.move(job, at)
    else:
        jobs.enqueue_all([_job(hook.pk, hook.created_by_id, at)])


def count_hooks(room: Room) -> None:
    """Keep what posting asks for in step. The room is held."""
    if (has_any := room.outgoing_hooks.working().exists()) != room.has_outgoing_hooks:
        room.advance(0, has_outgoing_hooks=has_any)


def _locked(hook_id: int) -> OutgoingHook | None:
    """A webhook that works, with its room held."""
    room_id = OutgoingHook.objects.filter(pk=hook_id).values_list("room_id", flat=True).first()
    if room_id is None:
        return None
    room = Room.objects.lock(pk=room_id)
    hook = OutgoingHook.objects.working().filter(pk=hook_id).first()
    if hook:
        hook.room = room
    return hook


def _after_cursor(hook: OutgoingHook) -> _Said | None:
    """The first thing after the cursor that the webhook wants to hear of.

    A message was posted once, and has changed since or not. Who has heard of neither hears of both, with the words as they
    are now: so what was posted in order is told in order, also after an edit.
    """
    # `rev` is never before the two others, and is what there is an index for.
    later = Message.objects.filter(room=hook.room_id, rev__gt=hook.sent_rev)
    posted = later.filter(posted_rev__gt=hook.sent_rev, deleted_at=None).annotate(told_rev=F("posted_rev"))
    changed = later.filter(said_rev__gt=hook.sent_rev).exclude(said_rev=F("posted_rev")).annotate(told_rev=F("said_rev"))
    kinds = {
        Event.POSTED: posted,
        Event.EDITED: changed.filter(deleted_at=None),
        Event.DELETED: changed.exclude(deleted_at=None),
    }
    found: list[tuple[int, Event, Message]] = []
    for event in map(Event, hook.events.split()):
        first = kinds[event].select_related("author__bot").prefetch_related("attachments").order_by("told_rev").first()
        if first:
            found.append((first.told_rev, event, first))
    if not found:
        return None
    rev, event, message = min(found, key=lambda each: each[0])
    return _Said(hook.url, hook.secret, rev, describe(event, hook.room, message))


def describe(event: Event, room: Room, message: Message) -> dict[str, Any]:
    """What the receiver is told. The same `id` and `rev` are the same words."""
    return {
        "type": f"chat.message.{event}",
        "room": {"id": room.pk, "name": room.name},
        "id": message.pk,
        "seq": message.seq,
        "rev": message.said_rev or message.posted_rev,
        "kind": message.kind,
        "via": _via(message),
        "author": message.author_id,
        "author_name": message.author_name,
        "body": message.body,
        "reply_to": message.reply_to_id,
        "attachments": [attachment_facts(attachment) for attachment in message.attachments.all()],
        "at": message.created_at.isoformat(timespec="seconds"),
        "edited_at": message.edited_at and message.edited_at.isoformat(timespec="seconds"),
        "deleted_at": message.deleted_at and message.deleted_at.isoformat(timespec="seconds"),
        "url": f"{settings.SITE_URL}{message.get_absolute_url()}",
    }


def _via(message: Message) -> str:
    """Who wrote it, to a program that may want to answer people only."""
    if message.author is None:
        return "hook"
    return "bot" if hasattr(message.author, "bot") else "person"


def _tell_that_it_is_off(hook: OutgoingHook) -> None:
    """Its maker hears of it or, when they no longer look after the room, its owners."""
    told = _("The webhook {hook} of {room} is switched off: it has failed for a day")
    members = Membership.objects.active().filter(room=hook.room_id).select_related("user")
    makers = [member for member in members.filter(user=hook.created_by_id) if member.can_moderate]
    for member in makers or members.filter(role=Membership.Role.OWNER):
        user_notified.send(
            sender=OutgoingHook,
            user=member.user,
            kind="chat.hook",
            text=format_lazy(told, hook=hook.name, room=hook.room.name),
            detail=hook.last_error,
            url=reverse("chat:outgoing_list", args=[hook.room_id]),
            actor=None,
            dedupe_key=f"chat.hook.{hook.pk}.{hook.off_at:%Y%m%d%H%M%S}",
            group_key="",
        )


def _job(hook_id: int, maker_id: int | None, run_after: datetime) -> Any:
    return jobs.new_job("chat.hook", {"hook": hook_id, "user": maker_id}, run_after=run_after, key=_key(hook_id))


def _key(hook_id: int) -> str:
    return f"chat.hook.{hook_id}"
