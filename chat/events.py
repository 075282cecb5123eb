"""Everything chat says on the wire. Read this first; the docstrings are the entries of docs/protocol.md."""

from typing import Annotated, ClassVar
from uuid import UUID

import msgspec

from chat.models import BODY_LENGTH
from realtime.protocol import Change, Command, DurableCommand, Event, FeedName, RowId, Text

Body = Annotated[Text, msgspec.Meta(max_length=BODY_LENGTH)]


class MessageChange(Change, frozen=True, kw_only=True, omit_defaults=True):
    """A message as it is now. `html` is the partial `chat/_message.html`, the same for every reader."""

    id: int
    seq: int
    author: int | None
    author_name: str
    kind: str
    at: str
    body: str = ""
    html: str = ""
    client_id: UUID | None = None
    reply_to: int | None = None


class MessagePosted(MessageChange, frozen=True, kw_only=True, omit_defaults=True, tag="chat.message.posted"):
    """A new message, at place `seq` of the room. `client_id` lets its sender put it where the local echo was."""


class MessageEdited(MessageChange, frozen=True, kw_only=True, omit_defaults=True, tag="chat.message.edited"):
    """A message changed: its text, its reactions, or what it carries."""


class MessageDeleted(MessageChange, frozen=True, kw_only=True, omit_defaults=True, tag="chat.message.deleted"):
    """A message was deleted. Its place stays, its text is gone."""


class RoomChanged(Change, frozen=True, kw_only=True, omit_defaults=True, tag="chat.room.changed"):
    """The room's name, topic, pace or archiving changed."""

    name: str
    topic: str
    slow_mode_seconds: int
    is_archived: bool


class MemberChanged(Change, frozen=True, kw_only=True, omit_defaults=True, tag="chat.member.changed"):
    """Somebody joined, left, was muted, or got another role. `role` is empty for who is no longer a member.

    `muted_until` is an ISO time; empty for who may speak."""

    user: int
    name: str
    role: str
    muted_until: str = ""


class ListChanged(Change, frozen=True, kw_only=True, omit_defaults=True, tag="chat.list.changed"):
    """A line of one person's room list as it is now; `is_member` false takes it away. `html` is `chat/_room_link.html`."""

    room: int
    is_member: bool
    last_read_seq: int = 0
    last_seq: int = 0
    mention_count: int = 0
    html: str = ""


class TypingStarted(Event, frozen=True, kw_only=True, tag="chat.typing.started"):
    """Somebody is typing; show it for `seconds`, then forget it."""

    feed: str
    user: int
    name: str
    seconds: int


class PostMessage(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="chat.message.post"):
    """Say something. `/me waves` becomes an action. Needs a body or attachments uploaded before."""

    is_batched: ClassVar[bool] = True
    body: Body = ""
    reply_to: RowId | None = None
    attachments: Annotated[tuple[UUID, ...], msgspec.Meta(max_length=10)] = ()


class EditMessage(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="chat.message.edit"):
    """Change the text of an own message."""

    id: RowId
    body: Body


class DeleteMessage(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="chat.message.delete"):
    """Delete an own message; a moderator may delete any."""

    id: RowId


class React(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="chat.reaction.set"):
    """Put an emoji on a message (`on`), or take it back."""

    id: RowId
    emoji: Annotated[Text, msgspec.Meta(min_length=1, max_length=16)]
    on: bool


class MarkRead(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="chat.room.read"):
    """Everything up to place `seq` was seen. Never moves back."""

    feed: FeedName
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class StartTyping(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="chat.typing.start"):
    """Tell the room. Send it at most every 3 s while typing."""

    feed: FeedName
