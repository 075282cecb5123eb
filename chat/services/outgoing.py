"""Outgoing webhooks as the moderators of a room see them: make one, try it, revoke it. `forwarding` calls them."""

import http.client
import secrets
from collections.abc import Collection
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.models import ModerationAction, OutgoingHook, Room
from chat.services import access, forwarding
from chat.services.hooks import audit, checked_label
from realtime.addresses import check_url
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.webhooks import FAILURES, call

OUTGOING_PER_ROOM = 5  # that are not revoked: each message is as many calls
tests_per_person = Limit("chat webhook tests", burst=3, per_second=1 / 20)


@transaction.atomic
def create_outgoing_hook(user: Any, room_id: int, name: str, url: str, events: Collection[str]) -> OutgoingHook:
    """Have what is said in the room from now on POSTed to `url`. Moderators may."""
    room = access.moderated_room(user, room_id)
    access.check_is_open_for_writing(room)
    name = checked_label(name.strip())
    check_url(url)
    if not events or not set(events) <= set(OutgoingHook.Event.values):
        raise Refusal("bad_value", _("Choose what is sent."), field="events")
    if room.outgoing_hooks.filter(revoked_at=None).count() >= OUTGOING_PER_ROOM:
        message = _("A room may have {count} outgoing webhooks. Revoke one first.")
        raise Refusal("not_allowed", format_lazy(message, count=OUTGOING_PER_ROOM))
    hook = room.outgoing_hooks.create(
        name=name,
        url=url,
        secret=secrets.token_urlsafe(32),
        events=" ".join(event for event in OutgoingHook.Event.values if event in events),
        created_by=user,
        sent_rev=room.rev,
    )
    forwarding.count_hooks(room)
    audit(room, user, ModerationAction.Kind.ADD_OUTGOING, f"{name}: {hook.where}")
    return hook


@transaction.atomic
def revoke_outgoing_hook(user: Any, room_id: int, hook_id: int) -> OutgoingHook:
    """End a webhook: it is called no more, also for what was said before. Moderators may."""
    room = access.moderated_room(user, room_id)
    return _revoke(room, _hook_of(room, hook_id), user)


@transaction.atomic
def revoke_outgoing_hook_by_staff(user: Any, hook_id: int) -> OutgoingHook:
    """What a moderator of the room may, for the staff of the site."""
    access.check_is_staff(user, "chat.change_outgoinghook")
    room = access.locked_room(OutgoingHook.objects.get(pk=hook_id).room_id)
    return _revoke(room, _hook_of(room, hook_id), user)


def try_outgoing_hook(user: Any, room_id: int, hook_id: int) -> int:
    """Call it now, so that a moderator sees what it answers. Success switches on again what had failed for too long.

    Returns the status. Nothing is held while the receiver takes its time.
    """
    hook = _hook_to_try(user, room_id, hook_id)
    tests_per_person.spend(user.pk)
    said = {"type": "chat.test", "room": {"id": hook.room_id, "name": hook.room.name}, "body": "It works."}
    try:
        status = call(hook.url, hook.secret, said)
    except FAILURES as error:
        raise Refusal("bad_value", format_lazy(_("It did not work: {error}"), error=error), field="url") from None
    if status == http.client.GONE:
        raise Refusal("bad_value", _("It answered that it wants to hear no more (410)."), field="url")
    _switch_on(room_id, hook_id)
    return status


@transaction.atomic
def _hook_to_try(user: Any, room_id: int, hook_id: int) -> OutgoingHook:
    room = access.moderated_room(user, room_id)
    access.check_is_open_for_writing(room)
    hook = _hook_of(room, hook_id)
    if hook.revoked_at:
        raise _no_such_hook()
    return hook


@transaction.atomic
def _switch_on(room_id: int, hook_id: int) -> None:
    """Go on where it stopped, now: it has just been seen to work."""
    room = access.locked_room(room_id)
    hook = _hook_of(room, hook_id)
    if hook.revoked_at or not hook.failing_since:
        return
    hook.off_at = hook.held_until = hook.failing_since = None
    hook.failures, hook.last_error = 0, ""
    hook.save(update_fields=["off_at", "held_until", "failing_since", "failures", "last_error"])
    forwarding.count_hooks(room)
    forwarding.come_back(hook, timezone.now())


def _hook_of(room: Room, hook_id: int) -> OutgoingHook:
    """A webhook of a room that is held."""
    hook = room.outgoing_hooks.filter(pk=hook_id).first()
    if hook is None:
        raise _no_such_hook()
    hook.room = room
    return hook


def _no_such_hook() -> Refusal:
    return Refusal("not_found", _("There is no such webhook."))


def _revoke(room: Room, hook: OutgoingHook, user: Any) -> OutgoingHook:
    if hook.revoked_at is None:
        hook.revoked_at = timezone.now()
        hook.save(update_fields=["revoked_at"])
        forwarding.count_hooks(room)
        audit(room, user, ModerationAction.Kind.END_OUTGOING, f"{hook.name}: {hook.where}")
    return hook
