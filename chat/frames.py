"""From rows to events. HTML is rendered here, once, for everybody who will see it."""

from chat import events
from chat.models import Membership, Message, Room
from realtime.languages import shared_fragment


def message_event(message: Message, after: int | None = None) -> events.MessageChange:
    """The event that tells of a message's last change; to somebody who is at revision `after`, when catching up."""
    return _kind_of(message, after)(
        feed=f"{Room.feed_name}.{message.room_id}",
        rev=message.rev,
        id=message.pk,
        seq=message.seq,
        author=message.author_id,
        author_name=message.author_name,
        kind=message.kind,
        at=message.created_at.isoformat(timespec="seconds"),
        body=message.body,
        html=shared_fragment("chat/_message.html", {"message": message}),
        client_id=message.client_id,
        reply_to=message.reply_to_id,
    )


def _kind_of(message: Message, after: int | None) -> type[events.MessageChange]:
    if message.is_deleted:
        return events.MessageDeleted
    is_new = message.rev == message.posted_rev or (after is not None and message.posted_rev > after)
    return events.MessagePosted if is_new else events.MessageEdited


def room_event(room: Room) -> events.RoomChanged:
    return events.RoomChanged(
        feed=room.group,
        rev=room.settings_rev,
        name=room.name,
        topic=room.topic,
        slow_mode_seconds=room.slow_mode_seconds,
        is_archived=room.is_archived,
    )


def member_event(membership: Membership) -> events.MemberChanged:
    return events.MemberChanged(
        feed=f"{Room.feed_name}.{membership.room_id}",
        rev=membership.rev,
        user=membership.user_id,
        name=membership.user.get_username(),
        role=membership.role if membership.is_active else "",
        muted_until=membership.muted_until.isoformat() if membership.muted_until and membership.is_muted else "",
    )


def list_event(membership: Membership) -> events.ListChanged:
    is_member = membership.is_active and not membership.room.is_archived
    context = {"membership": membership, "title": membership.room.title_for(membership.user)}
    return events.ListChanged(
        feed=f"chat.list.{membership.user_id}",
        rev=membership.list_rev,
        room=membership.room_id,
        is_member=is_member,
        last_read_seq=membership.last_read_seq,
        last_seq=membership.room.last_seq,
        mention_count=membership.mention_count,
        html=shared_fragment("chat/_room_link.html", context) if is_member else "",
    )
