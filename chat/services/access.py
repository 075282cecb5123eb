"""Who may do what in a room, asked inside the transaction that does it."""

from typing import Any

from django.utils.formats import date_format
from django.utils.functional import lazy
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.models import Membership, Message, Room
from realtime.protocol import Refusal


def locked_room(room_id: int) -> Room:
    """The room, held until the transaction ends."""
    try:
        return Room.objects.lock(pk=room_id)
    except Room.DoesNotExist:
        raise no_such_room() from None


def moderated_room(user: Any, room_id: int) -> Room:
    """The room, held, if the person may moderate it. Raises `not_found`, `not_allowed` or `banned`."""
    room = locked_room(room_id)
    check_may_moderate(membership_of(user, room))
    return room


def no_such_room() -> Refusal:
    """The same answer for a room that is not there and one that is nobody's business: ids tell nothing."""
    return Refusal("not_found", _("There is no such room."))


def membership_of(user: Any, room: Room) -> Membership:
    """The person's place in the room. Raises `not_found`, `not_allowed` (not joined) or `banned`."""
    return checked_membership(room, Membership.objects.filter(room=room, user=user).first())


def checked_membership(room: Room, membership: Membership | None) -> Membership:
    if membership is not None and membership.is_banned:
        raise Refusal("banned", _("You are banned from this room."))
    if membership is None or not membership.is_active:
        raise no_such_room() if room.kind != Room.Kind.OPEN else Refusal("not_allowed", _("Join the room first."))
    return membership


def check_is_open_for_writing(room: Room) -> None:
    if room.is_archived:
        raise Refusal("archived", _("This room is archived."))


def check_may_speak(room: Room, membership: Membership) -> None:
    check_is_open_for_writing(room)
    if membership.is_muted and (end := membership.muted_until):
        until = lazy(date_format, str)(end, "d F, H:i")
        raise Refusal("muted", format_lazy(_("You are muted until {moment} UTC."), moment=until))


def check_may_moderate(membership: Membership) -> None:
    if not membership.can_moderate:
        raise Refusal("not_allowed", _("Only moderators of the room may do this."))


def check_is_staff(user: Any, permission: str) -> None:
    """For what the staff of the site do from outside a room, such as in the admin."""
    if not (user.is_staff and user.has_perm(permission)):
        raise Refusal("not_allowed", _("Only staff may do this."))


def locked_message(room: Room, message_id: int) -> Message:
    """A message of a room that is held. Raises `not_found`, also for messages of other rooms."""
    message = Message.objects.for_display().filter(room=room, pk=message_id).first()
    if message is None:
        raise Refusal("not_found", _("There is no such message."))
    if message.is_deleted:
        raise Refusal("not_found", _("This message was deleted."))
    return message
