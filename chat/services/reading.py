"""What a reader tells: how far they have read, and that they are about to answer."""

from typing import Any

from django.db import transaction

from chat.events import TypingStarted
from chat.models import Membership, Mention, Room
from chat.services import access
from chat.services.lists import touch_lists
from realtime.broadcast import broadcast
from realtime.limits import Limit
from realtime.signals import target_read

TYPING_SECONDS = 6  # how long browsers show it
typing_per_person = Limit("chat typing", burst=2, per_second=0.5)


@transaction.atomic
def mark_read(user: Any, room_id: int, seq: int) -> None:
    """Everything up to place `seq` was seen. Never moves back, so tabs may say it in any order."""
    membership = Membership.objects.select_for_update(of=("self",)).filter(room=room_id, user=user).first()
    room = Room.objects.filter(pk=room_id).first()
    if room is None:
        raise access.no_such_room()
    membership = access.checked_membership(room, membership)
    seq = min(seq, room.last_seq)
    if membership.last_read_seq < seq:
        # Counted while the row is held: a mention that is being written waits, and adds itself afterwards.
        mentions = Mention.objects.filter(user=user, message__room=room, message__seq__gt=seq).count()
        Membership.objects.filter(pk=membership.pk).update(last_read_seq=seq, mention_count=mentions)
        touch_lists(room.pk, [user.pk])
        target_read.send(sender=Room, user=user, target=room.group, place=seq)


def read_own(user: Any, room_id: int, seq: int) -> None:
    """What one said oneself, at place `seq`, is not unread. Who had not read everything before stays where they are.

    For pages without scripts. The others tell what they have seen, so that posting, which is done often, need not ask.
    """
    if Membership.objects.filter(room=room_id, user=user, last_read_seq=seq - 1).exists():
        mark_read(user, room_id, seq)


def start_typing(user: Any, room_id: int) -> None:
    """Tell the room that the person is typing. Not stored; more often than every 2 s it is not told again."""
    room = Room.objects.filter(pk=room_id).first()
    if room is None:
        raise access.no_such_room()
    access.check_may_speak(room, access.membership_of(user, room))
    if not typing_per_person.wait((user.pk, room.pk)):
        broadcast(
            room.group,
            TypingStarted(feed=room.group, user=user.pk, name=user.get_username(), seconds=TYPING_SECONDS),
        )
