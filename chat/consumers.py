"""Chat on the socket: its feeds, and what a client may ask for."""

from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from chat import events, services
from chat.frames import list_event, member_event, message_event, room_event
from chat.models import Membership, Message, Room, RoomList
from realtime.batching import Batcher
from realtime.feeds import FeedSource, Person, split_name
from realtime.protocol import Change, Refusal
from realtime.receipts import Done
from realtime.threads import in_database


class RoomFeed(FeedSource):
    """Messages, members and settings of a room."""

    model = Room
    has_presence = True

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return Room.objects.readable_by(user)

    def titles(self, user: Person) -> list[tuple[int, str]]:
        return [(place.room_id, place.room.title_for(user)) for place in Membership.objects.for_list(user)]

    def members(self, feed_id: int) -> QuerySet[Any]:
        return Membership.objects.active().filter(room=feed_id).values("user_id")

    def changes(self, feed_id: int, after: int, limit: int) -> list[Change]:
        messages = Message.objects.for_display().filter(room=feed_id, rev__gt=after).order_by("rev")[:limit]
        members = Membership.objects.select_related("user").filter(room=feed_id, rev__gt=after).order_by("rev")[:limit]
        rooms = Room.objects.filter(pk=feed_id, settings_rev__gt=after)
        changes: list[Change] = [message_event(message, after) for message in messages]
        changes += [member_event(member) for member in members]
        changes += [room_event(room) for room in rooms]
        return sorted(changes, key=lambda change: change.rev)[:limit]


class RoomListFeed(FeedSource):
    """One person's rooms: nobody else may read it."""

    model = RoomList

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return RoomList.objects.filter(user=user.pk)

    def changes(self, feed_id: int, after: int, limit: int) -> list[Change]:
        memberships = (
            Membership.objects.filter(user=feed_id, list_rev__gt=after)
            .select_related("room", "user")
            .with_people_of_direct_rooms()
            .order_by("list_rev")[:limit]
        )
        return [list_event(membership) for membership in memberships]


_posts: Batcher[services.Draft, services.Posted] = Batcher(services.post_messages)


async def post_message(user: Any, command: events.PostMessage) -> services.Posted:
    return await _posts.submit(
        services.Draft(
            room_id=room_of(command.feed),
            author=user,
            body=command.body,
            client_id=command.client_id,
            reply_to=command.reply_to,
            attachments=command.attachments,
        )
    )


async def edit_message(user: Any, command: events.EditMessage) -> Done:
    return await in_database(services.edit_message, user, room_of(command.feed), command.id, command.body, command.client_id)


async def delete_message(user: Any, command: events.DeleteMessage) -> Done:
    return await in_database(services.delete_message, user, room_of(command.feed), command.id, command.client_id)


async def set_reaction(user: Any, command: events.React) -> Done:
    return await in_database(
        services.set_reaction,
        user,
        room_of(command.feed),
        command.id,
        command.emoji,
        command.on,
        command.client_id,
    )


async def mark_read(user: Any, command: events.MarkRead) -> None:
    await in_database(services.mark_read, user, room_of(command.feed), command.seq)


async def start_typing(user: Any, command: events.StartTyping) -> None:
    await in_database(services.start_typing, user, room_of(command.feed))


def room_of(feed: str) -> int:
    """The room that a command is about. Feeds of any other kind hold no messages."""
    name, pk = split_name(feed)
    if name != Room.feed_name:
        raise Refusal("not_found", _("There is no such room."), field="feed")
    return pk
