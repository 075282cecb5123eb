"""Keeping order in a room: mute, ban, remove, roles. Each is told to the room, effective at once, and audited.

Owner > moderator > member, and nobody acts on somebody of their own rank or above.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.models import Membership, Message, ModerationAction, Room
from chat.services import access, messages, rooms
from realtime.access import access_changed
from realtime.languages import in_site_language
from realtime.protocol import Refusal

Kind = ModerationAction.Kind
Role = Membership.Role

RANK = {Role.MEMBER: 0, Role.MODERATOR: 1, Role.OWNER: 2}
MAX_MINUTES = 366 * 24 * 60
REASON_LENGTH = 250  # characters
TOO_HIGH = {
    Role.MEMBER: _("Only somebody above a room's member may do this."),
    Role.MODERATOR: _("Only somebody above a room's moderator may do this."),
    Role.OWNER: _("Only somebody above a room's owner may do this."),
}
FOR_GOOD = datetime(9999, 1, 1, tzinfo=UTC)  # a year before the last, so that no time zone overflows


@transaction.atomic
def mute_member(user: Any, room_id: int, target_id: int, minutes: int, reason: str = "") -> Membership:
    """Let somebody read but not write, edit or react, for so many minutes from now."""
    room, target = _target_of(user, room_id, target_id)
    _check_is_here(target)
    target.muted_until = _end_after(minutes)
    rooms.save_membership(room, target, "muted_until")
    _audit(user, target, Kind.MUTE, reason, target.muted_until)
    return target


@transaction.atomic
def unmute_member(user: Any, room_id: int, target_id: int, reason: str = "") -> Membership:
    """Let somebody write again."""
    room, target = _target_of(user, room_id, target_id)
    if target.is_muted:
        target.muted_until = None
        rooms.save_membership(room, target, "muted_until")
        _audit(user, target, Kind.UNMUTE, reason)
    return target


@transaction.atomic
def ban_member(user: Any, room_id: int, target_id: int, minutes: int | None = None, reason: str = "") -> Membership:
    """Take somebody out and keep them out, for so many minutes or (None) for good. They cannot read an open room either.

    Who has left already can be banned too, so that leaving is no way around it.
    """
    room, target = _target_of(user, room_id, target_id)
    target.banned_until = FOR_GOOD if minutes is None else _end_after(minutes)
    if target.is_active:
        rooms.end_membership(room, target, "banned_until")
    else:
        rooms.save_membership(room, target, "banned_until")
        access_changed(target.user_id)  # they may be reading an open room
    _audit(user, target, Kind.BAN, reason, None if minutes is None else target.banned_until)
    return target


@transaction.atomic
def unban_member(user: Any, room_id: int, target_id: int, reason: str = "") -> Membership:
    """Lift a ban. It does not bring the person back: they join again, or are invited."""
    room, target = _target_of(user, room_id, target_id)
    if target.is_banned:
        target.banned_until = None
        rooms.save_membership(room, target, "banned_until")
        access_changed(target.user_id)
        _audit(user, target, Kind.UNBAN, reason)
    return target


@transaction.atomic
def remove_member(user: Any, room_id: int, target_id: int, reason: str = "") -> Membership:
    """Take somebody out. They may come back if the room is open or they are invited again."""
    room, target = _target_of(user, room_id, target_id)
    _check_is_here(target)
    rooms.end_membership(room, target)
    _audit(user, target, Kind.REMOVE, reason)
    return target


@transaction.atomic
def change_role(user: Any, room_id: int, target_id: int, role: str, reason: str = "") -> Membership:
    """Make somebody owner, moderator or member. Owners may, and may step down themselves while another one remains."""
    if role not in RANK:
        raise Refusal("bad_value", _("A role is owner, moderator or member."), field="role")
    room, actor = _moderator_of(user, room_id)
    if actor.role != Role.OWNER:
        raise Refusal("not_allowed", _("Only the owner may change roles."))
    target = _membership(room, target_id)
    _check_is_here(target)
    if target.role == role:
        return target
    if target.pk == actor.pk:
        _check_is_not_last_owner(room, target)
    else:
        _check_rank(actor, target)
    was, target.role = target.role_name, role
    rooms.save_membership(room, target, "role")
    with in_site_language():
        change = f"{was} → {target.role_name}"
    _audit(user, target, Kind.CHANGE_ROLE, change + (f": {_reason(reason)}" if reason.strip() else ""))
    return target


@transaction.atomic
def archive_by_staff(user: Any, room_id: int, *, archived: bool = True) -> Room:
    """What the owner of a room may, for the staff of the site. Needs the permission `chat.change_room`."""
    access.check_is_staff(user, "chat.change_room")
    return rooms.set_archived(user, access.locked_room(room_id), archived)


@transaction.atomic
def delete_message_by_staff(user: Any, room_id: int, message_id: int) -> Message:
    """What a moderator of a room may, for the staff of the site. Needs the permission `chat.delete_message`."""
    access.check_is_staff(user, "chat.delete_message")
    room = access.locked_room(room_id)
    message = access.locked_message(room, message_id)
    messages.audit_deletion(room, message, user)
    messages.erase(room, message, user)
    return message


def _moderator_of(user: Any, room_id: int) -> tuple[Room, Membership]:
    room = access.locked_room(room_id)
    actor = access.membership_of(user, room)
    access.check_may_moderate(actor)
    return room, actor


def _target_of(user: Any, room_id: int, target_id: int) -> tuple[Room, Membership]:
    """The room, held, and somebody in it whom this person may act on."""
    room, actor = _moderator_of(user, room_id)
    target = _membership(room, target_id)
    _check_rank(actor, target)
    return room, target


def _membership(room: Room, user_id: int) -> Membership:
    target = Membership.objects.select_related("user").filter(room=room, user=user_id).first()
    if target is None:
        raise Refusal("not_found", _("There is no such member."))
    return target


def _check_is_here(target: Membership) -> None:
    if not target.is_active:
        raise Refusal("not_found", _("There is no such member."))


def _check_rank(actor: Membership, target: Membership) -> None:
    rank = RANK[Role(target.role)] if target.is_active else RANK[Role.MEMBER]  # who leaves, leaves their rank behind
    if target.pk == actor.pk:
        raise Refusal("not_allowed", _("You cannot do this to yourself."))
    if rank >= RANK[Role(actor.role)]:
        raise Refusal("not_allowed", TOO_HIGH[Role(target.role)])


def _check_is_not_last_owner(room: Room, owner: Membership) -> None:
    if not Membership.objects.active().filter(room=room, role=Role.OWNER).exclude(pk=owner.pk).exists():
        raise Refusal("not_allowed", _("A room needs an owner. Make somebody else owner first."))


def _end_after(minutes: int) -> datetime:
    if not 1 <= minutes <= MAX_MINUTES:
        message = format_lazy(_("Give a time between 1 and {count} minutes."), count=MAX_MINUTES)
        raise Refusal("bad_value", message, field="minutes")
    return timezone.now() + timedelta(minutes=minutes)


def _audit(actor: Any, target: Membership, kind: str, detail: str, until: datetime | None = None) -> None:
    ModerationAction.objects.create(
        room_id=target.room_id, kind=kind, actor=actor, target_id=target.user_id, detail=_reason(detail), until=until
    )


def _reason(text: str) -> str:
    """What people write into the log: one line, cut to fit."""
    return " ".join(text.split())[:REASON_LENGTH]
