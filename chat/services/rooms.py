"""Rooms and who is in them: create, change, archive, join, leave, invite."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.frames import member_event, room_event
from chat.models import Membership, Message, ModerationAction, Room, new_invite_code
from chat.services import access, notices
from chat.services.lists import touch_lists
from chat.services.messages import Draft, post_messages
from realtime.access import access_changed
from realtime.broadcast import broadcast
from realtime.languages import in_site_language
from realtime.limits import Limit
from realtime.protocol import Refusal

rooms_per_person = Limit("chat rooms", burst=10, per_second=1 / 30)
joins_per_person = Limit("chat joins", burst=20, per_second=1 / 10)  # each is told to all who are in the room


@transaction.atomic
def create_room(user: Any, *, name: str, kind: str = Room.Kind.OPEN, topic: str = "") -> Room:
    """A new room, owned by its creator. `kind` is open or closed."""
    if kind not in {Room.Kind.OPEN, Room.Kind.CLOSED}:
        raise Refusal("bad_value", _("A room is open or closed."), field="kind")
    if not (name := name.strip()):
        raise Refusal("bad_value", _("A room needs a name."), field="name")
    rooms_per_person.spend(user.pk)
    room = Room.objects.create(name=name, kind=kind, topic=topic.strip(), created_by=user)
    _add_member(Room.objects.lock(pk=room.pk), user, Membership.Role.OWNER)
    return room


@transaction.atomic
def open_direct_room(user: Any, other: Any) -> Room:
    """The one direct room of two people, made when they first need it."""
    if user.pk == other.pk or not other.is_active:
        raise Refusal("bad_value", _("Choose somebody else to talk to."), field="user")
    key = Room.direct_key_for(user, other)
    if room := Room.objects.filter(direct_key=key).first():
        return room
    rooms_per_person.spend(user.pk)
    try:
        with transaction.atomic():
            room = Room.objects.create(kind=Room.Kind.DIRECT, direct_key=key, created_by=user, invite_code=None)
    except IntegrityError:  # the other person was quicker
        return Room.objects.get(direct_key=key)
    room = Room.objects.lock(pk=room.pk)
    for person in sorted([user, other], key=lambda person: person.pk):
        _add_member(room, person, Membership.Role.MEMBER)
    return room


@transaction.atomic
def change_room(
    user: Any, room_id: int, *, name: str | None = None, topic: str | None = None, slow_mode_seconds: int | None = None
) -> Room:
    """Rename the room, set its topic or its pace. Moderators may."""
    room = access.moderated_room(user, room_id)
    if name is not None and not (name := name.strip()):
        raise Refusal("bad_value", _("A room needs a name."), field="name")
    wanted = {"name": name, "topic": topic, "slow_mode_seconds": slow_mode_seconds}
    changes = {field: value for field, value in wanted.items() if value is not None and value != getattr(room, field)}
    if not changes:
        return room
    if "slow_mode_seconds" in changes:
        _audit(room, user, ModerationAction.Kind.SLOW_MODE, f"{slow_mode_seconds} s")
    _save_settings(room, **changes)
    if "name" in changes:
        _announce(room, user, format_lazy(_("renamed the room to “{name}”"), name=name))
        touch_lists(room.pk, _member_ids(room))
    if "topic" in changes:
        _announce(room, user, format_lazy(_("set the topic: {topic}"), topic=topic) if topic else _("cleared the topic"))
    return room


@transaction.atomic
def archive_room(user: Any, room_id: int, *, archived: bool = True) -> Room:
    """Close a room for writing, or reopen it. Its owner may. It stays readable."""
    room = access.locked_room(room_id)
    membership = access.membership_of(user, room)
    if membership.role != Membership.Role.OWNER:
        raise Refusal("not_allowed", _("Only the owner may archive the room."))
    return set_archived(user, room, archived)


def set_archived(user: Any, room: Room, archived: bool) -> Room:
    """Close or reopen a room that is held."""
    if room.is_archived == archived:
        return room
    _audit(room, user, ModerationAction.Kind.ARCHIVE if archived else ModerationAction.Kind.UNARCHIVE)
    _save_settings(room, archived_at=timezone.now() if archived else None)
    touch_lists(room.pk, _member_ids(room))
    return room


@transaction.atomic
def join_room(user: Any, room_id: int) -> Membership:
    """Enter an open room."""
    room = access.locked_room(room_id)
    if room.kind != Room.Kind.OPEN and not Room.objects.readable_by(user).filter(pk=room.pk).exists():
        raise access.no_such_room()
    joins_per_person.spend(user.pk)
    return _add_member(room, user, Membership.Role.MEMBER)


@transaction.atomic
def join_by_invite(user: Any, invite_code: str) -> Membership:
    """Enter a room with the secret of its invite link."""
    room = Room.objects.filter(invite_code=invite_code).first() if invite_code else None
    if room is None:
        raise Refusal("not_found", _("This invitation is no longer valid."))
    joins_per_person.spend(user.pk)
    return _add_member(Room.objects.lock(pk=room.pk), user, Membership.Role.MEMBER)


@transaction.atomic
def invite_member(user: Any, room_id: int, other: Any) -> Membership:
    """Bring somebody in. In an open room every member may, in a closed one the moderators."""
    room = access.locked_room(room_id)
    membership = access.membership_of(user, room)
    if room.is_direct:
        raise Refusal("not_allowed", _("A direct room is for two."))
    if room.kind == Room.Kind.CLOSED:
        access.check_may_moderate(membership)
    was_in = room.memberships.active().filter(user=other).exists()
    place = _add_member(room, other, Membership.Role.MEMBER)
    if not was_in:
        notices.tell_invited(room, user, other, place)
    return place


@transaction.atomic
def renew_invite(user: Any, room_id: int) -> Room:
    """A new invite link; the old one ends."""
    room = access.moderated_room(user, room_id)
    room.advance(0, invite_code=new_invite_code())
    return room


@transaction.atomic
def leave_room(user: Any, room_id: int) -> None:
    """Go. The last owner passes the room on to the longest-standing moderator or member."""
    room = access.locked_room(room_id)
    membership = access.membership_of(user, room)
    if room.is_direct:
        raise Refusal("not_allowed", _("A direct room cannot be left."))
    end_membership(room, membership)
    if membership.role == Membership.Role.OWNER:
        _pass_on_ownership(room)


def end_membership(room: Room, membership: Membership, *columns: str) -> None:
    """Take somebody out of a room that is held, and off their open sockets. Other changed columns may come along."""
    membership.left_at = timezone.now()
    membership.mention_count = 0
    save_membership(room, membership, "left_at", "mention_count", *columns)
    access_changed(membership.user_id)


def save_membership(room: Room, membership: Membership, *columns: str) -> None:
    """Store a change of a membership and tell the room and the person's list of it."""
    membership.rev = room.advance()
    membership.save(update_fields=["rev", *columns])
    broadcast(room.group, member_event(membership), head=room.head())
    touch_lists(room.pk, [membership.user_id])


def _add_member(room: Room, user: Any, role: str) -> Membership:
    membership, is_new = Membership.objects.select_related("user").get_or_create(
        room=room, user=user, defaults={"role": role, "last_read_seq": room.last_seq}
    )
    if membership.is_banned:
        raise Refusal("banned", _("You are banned from this room."))
    if room.is_archived:
        raise Refusal("archived", _("This room is archived."))
    if is_new or not membership.is_active:
        if not is_new:
            membership.left_at, membership.role, membership.last_read_seq = None, role, room.last_seq
        save_membership(room, membership, "left_at", "role", "last_read_seq")
    return membership


def _pass_on_ownership(room: Room) -> None:
    rest = Membership.objects.active().filter(room=room).select_related("user").order_by("joined_at")
    if rest.filter(role=Membership.Role.OWNER).exists():
        return
    heir = rest.filter(role=Membership.Role.MODERATOR).first() or rest.first()
    if heir:
        heir.role = Membership.Role.OWNER
        save_membership(room, heir, "role")


def _save_settings(room: Room, **changes: Any) -> None:
    room.advance(1, settings_rev=room.rev + 1, **changes)
    broadcast(room.group, room_event(room), head=room.head())


def _announce(room: Room, user: Any, text: Promise) -> None:
    """A line in the conversation itself, so that readers of the history know."""
    with in_site_language():
        body = str(text)
    post_messages([Draft(room.pk, user, body, kind=Message.Kind.SYSTEM)])
    room.refresh_from_db(fields=["rev", "last_seq", "last_message_at"])


def _audit(room: Room, actor: Any, kind: str, detail: str = "") -> None:
    ModerationAction.objects.create(room=room, actor=actor, kind=kind, detail=detail)


def _member_ids(room: Room) -> list[int]:
    return list(Membership.objects.active().filter(room=room).values_list("user_id", flat=True))
