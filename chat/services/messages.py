"""What is said: post, edit, delete, react."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat import markup
from chat.frames import message_event
from chat.models import Attachment, IncomingHook, Membership, Message, MessageEdit, ModerationAction, Reaction, Room
from chat.services import access, forwarding, mentions, notices
from realtime.broadcast import broadcast
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.receipts import Done, once

posts_per_person = Limit("chat posts", burst=10, per_second=1)
posts_per_hook = Limit("chat webhooks", burst=10, per_second=1)
changes_per_person = Limit("chat edits and reactions", burst=20, per_second=2)

ACTION_PREFIX = "/me "
REACTIONS_PER_MESSAGE = 20  # different ones
# The grammar of https://unicode.org/reports/tr51/#EBNF_and_Regex, with the blocks that have emoji in place of their list.
PICTURE = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23fa\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935\u2b05-\u2b55"
    "\u3030\u303d\u3297\u3299\U0001f004\U0001f0cf\U0001f170-\U0001f19a\U0001f201-\U0001faff]"
    "(?:\ufe0f\u20e3?|[\U0001f3fb-\U0001f3ff]|[\U000e0020-\U000e007e]+\U000e007f)?"
)
EMOJI = re.compile(f"[0-9#*]\ufe0f?\u20e3|[\U0001f1e6-\U0001f1ff]{{2}}|{PICTURE}(?:\u200d{PICTURE})*")


@dataclass(frozen=True, slots=True)
class Draft:
    """Something to say, before it is a message. A webhook is nobody: `author` is None, and `author_name` is given."""

    room_id: int
    author: Any
    body: str = ""
    client_id: UUID | None = None
    reply_to: int | None = None
    attachments: tuple[UUID, ...] = ()
    author_name: str = ""
    hook: IncomingHook | None = None
    kind: str = field(default=Message.Kind.TEXT)

    @property
    def key(self) -> tuple[int | None, int | None, UUID | None]:
        """Whose command it is, and which: the same key is the same message."""
        return (self.author.pk if self.author else None, self.hook.pk if self.hook else None, self.client_id)


@dataclass(frozen=True, slots=True)
class Posted:
    """The answer to a draft: the message's id, place and revision; `is_new` is false for one that was sent again."""

    id: int
    seq: int
    rev: int
    is_new: bool


def post_message(draft: Draft) -> Posted:
    """Say one thing. Raises `Refusal`."""
    (result,) = post_messages([draft])
    if isinstance(result, Refusal):
        raise result
    return result


@transaction.atomic
def post_messages(drafts: Sequence[Draft]) -> list[Posted | Refusal]:
    """Say several things, of several people in several rooms, in one transaction: the hot path of the whole app.

    Everything is read and written for all of them at once, so the number of queries does not depend on theirs.
    Each draft has its own answer; one that is refused does not hold up the others.
    """
    rooms = Room.objects.lock_all({draft.room_id for draft in drafts})
    batch = _Batch(drafts, rooms)
    results = [batch.answer(draft) for draft in drafts]
    batch.write()
    return [result() if callable(result) else result for result in results]


class _Batch:
    """One round of `post_messages`: what it had to look up, and what it is about to write."""

    def __init__(self, drafts: Sequence[Draft], rooms: dict[int, Room]):
        self.rooms = rooms
        self.messages: list[Message] = []
        self.memberships = {
            (membership.room_id, membership.user_id): membership
            for membership in Membership.objects.filter(
                room__in=rooms, user__in={draft.author.pk for draft in drafts if draft.author}
            )
        }
        # What answers a draft that was sent before: a row, or the message that is about to become one.
        self.known: dict[tuple[int | None, int | None, UUID | None], Any] = {
            (message.author_id, message.hook_id, message.client_id): message
            for message in Message.objects.filter(client_id__in=[draft.client_id for draft in drafts if draft.client_id])
            .order_by()
            .values_list("author_id", "hook_id", "client_id", "pk", "seq", "posted_rev", named=True)
        }
        self.named = mentions.find_members(drafts)
        self.replied_to = Message.objects.select_related("author").in_bulk([draft.reply_to for draft in drafts if draft.reply_to])
        self.attached = _unclaimed_attachments(drafts)
        self.spoken_at = _last_words(drafts, rooms)

    def answer(self, draft: Draft) -> Any:
        """A `Refusal`, or a function that gives the `Posted` once the rows are written."""
        if known := self.known.get(draft.key):
            return lambda: Posted(known.pk, known.seq, known.posted_rev, False)
        try:
            message = self._message(draft)
        except Refusal as refusal:
            return refusal
        self.messages.append(message)
        if draft.client_id:
            self.known[draft.key] = message
        return lambda: Posted(message.pk, message.seq, message.posted_rev, True)

    def _message(self, draft: Draft) -> Message:
        room = self.rooms.get(draft.room_id)
        if room is None:
            raise access.no_such_room()
        if draft.author and draft.kind != Message.Kind.SYSTEM:
            membership = access.checked_membership(room, self.memberships.get((room.pk, draft.author.pk)))
            access.check_may_speak(room, membership)
            self._check_pace(room, membership)
        elif draft.hook:
            access.check_is_open_for_writing(room)
        body, kind = _read_body(draft)
        reply_to = self.replied_to.get(draft.reply_to)
        if draft.reply_to and (reply_to is None or reply_to.room_id != room.pk):
            raise Refusal("bad_value", _("The message you reply to is not in this room."), field="reply_to")
        attachments = [self._attachment(pk, draft, room) for pk in draft.attachments]
        if not body and not attachments:
            raise Refusal("bad_value", _("Say something."), field="body")
        if draft.author and draft.kind != Message.Kind.SYSTEM:
            posts_per_person.spend(draft.author.pk)
        elif draft.hook:
            posts_per_hook.spend(draft.hook.pk)
        room.rev += 1
        room.last_seq += 1
        room.last_message_at = timezone.now()
        message = Message(
            room=room,
            seq=room.last_seq,
            rev=room.rev,
            posted_rev=room.rev,
            said_rev=room.rev,
            kind=kind,
            author=draft.author,
            author_name=draft.author_name or draft.author.get_username(),
            hook=draft.hook,
            client_id=draft.client_id,
            body=body,
            html=markup.render(body, self.named[room.pk]) if body else "",
            reply_to=reply_to,
            created_at=room.last_message_at,
        )
        _know_parts(message, attachments)
        if draft.author:
            self.spoken_at[room.pk, draft.author.pk] = message.created_at
        return message

    def _check_pace(self, room: Room, membership: Membership) -> None:
        """Slow mode: one message per person in so many seconds. Moderators are not slowed."""
        last = self.spoken_at.get((room.pk, membership.user_id))
        if not room.slow_mode_seconds or last is None or membership.can_moderate:
            return
        if (left := room.slow_mode_seconds - (timezone.now() - last).total_seconds()) > 0:
            message = format_lazy(_("Slow mode: wait {seconds} s."), seconds=f"{left:.0f}")
            raise Refusal("slow_mode", message, retry_after=round(left, 1))

    def _attachment(self, pk: UUID, draft: Draft, room: Room) -> Attachment:
        attachment = self.attached.pop(pk, None)  # popped: no two messages carry the same file
        if attachment is None or attachment.room_id != room.pk or attachment.owner_id != draft.author.pk:
            raise Refusal("bad_value", _("An attachment is not there."), field="attachments")
        return attachment

    def write(self) -> None:
        if not self.messages:
            return
        Message.objects.bulk_create(self.messages)
        spoken_in = {message.room_id: message.room for message in self.messages}
        Room.objects.store_all(spoken_in.values(), "last_seq", "last_message_at")
        _claim_attachments(self.messages)
        mentions.record(self.messages)
        notices.tell(self.messages)
        forwarding.wake(spoken_in.values())
        by_room: dict[int, list[Message]] = {}
        for message in self.messages:
            by_room.setdefault(message.room_id, []).append(message)
        for messages in by_room.values():
            room = messages[0].room
            broadcast(room.group, *[message_event(message) for message in messages], head=room.head())


def _know_parts(message: Message, attachments: list[Attachment]) -> None:
    """A message that is born or dies has no reactions: spare the queries that would find that out."""
    message._prefetched_objects_cache = {"reactions": [], "attachments": attachments}  # type: ignore[attr-defined]


def _read_body(draft: Draft) -> tuple[str, str]:
    body = draft.body.strip()
    if body.startswith(ACTION_PREFIX) and draft.kind == Message.Kind.TEXT:
        return body.removeprefix(ACTION_PREFIX).strip(), Message.Kind.ACTION
    return body, draft.kind


def _last_words(drafts: Sequence[Draft], rooms: dict[int, Room]) -> dict[tuple[int, int], datetime]:
    """When each author last spoke in a room with slow mode, as far back as that matters: `{(room, author): time}`."""
    slow = [room for room in rooms.values() if room.slow_mode_seconds]
    if not slow:
        return {}
    since = timezone.now() - timedelta(seconds=max(room.slow_mode_seconds for room in slow))
    authors = {draft.author.pk for draft in drafts if draft.author}
    said = Message.objects.filter(room__in=slow, author__in=authors, created_at__gt=since).order_by("created_at")
    return {(room, author): at for room, author, at in said.values_list("room_id", "author_id", "created_at")}


def _unclaimed_attachments(drafts: Sequence[Draft]) -> dict[UUID, Attachment]:
    wanted = [pk for draft in drafts for pk in draft.attachments]
    return Attachment.objects.filter(message=None).in_bulk(wanted) if wanted else {}


def _claim_attachments(messages: Sequence[Message]) -> None:
    for message in messages:
        for attachment in message.attachments.all():
            attachment.message = message
            attachment.save(update_fields=["message"])


@transaction.atomic
def edit_message(user: Any, room_id: int, message_id: int, body: str, client_id: UUID) -> Done:
    """Change the text of an own message; the earlier text is kept. New mentions are told, removed ones withdrawn."""
    room = access.locked_room(room_id)
    if done := once(user, client_id):
        return done
    membership = access.membership_of(user, room)
    access.check_may_speak(room, membership)
    message = access.locked_message(room, message_id)
    if message.author_id != user.pk or message.kind == Message.Kind.SYSTEM:
        raise Refusal("not_allowed", _("Only its author may edit a message."))
    body = body.strip()
    if not body and not message.attachments.all():
        raise Refusal("bad_value", _("A message cannot become empty. Delete it instead."), field="body")
    changes_per_person.spend(user.pk)
    if body == message.body:
        return Done.record(user, client_id, room, message.rev, message.pk)
    MessageEdit.objects.create(message=message, editor=user, body=message.body)
    members = mentions.find_members([Draft(room.pk, user, body)])[room.pk]
    message.body, message.html = body, markup.render(body, members)
    message.edited_at = timezone.now()
    _save_words(room, message, "body", "html", "edited_at")
    mentions.revise(message)
    return Done.record(user, client_id, room, room.rev, message.pk)


@transaction.atomic
def delete_message(user: Any, room_id: int, message_id: int, client_id: UUID) -> Done:
    """Take a message back: its place stays as a tombstone, its text, files and reactions go. Moderators may delete any."""
    room = access.locked_room(room_id)
    if done := once(user, client_id):
        return done
    membership = access.membership_of(user, room)
    message = access.locked_message(room, message_id)
    if message.author_id != user.pk:
        access.check_may_moderate(membership)
        audit_deletion(room, message, user)
    erase(room, message, user)
    return Done.record(user, client_id, room, room.rev, message.pk)


def audit_deletion(room: Room, message: Message, user: Any) -> None:
    """Note that somebody is about to delete the message of another, and how it began."""
    ModerationAction.objects.create(
        room=room,
        kind=ModerationAction.Kind.DELETE_MESSAGE,
        actor=user,
        target=message.author,
        message=message,
        detail=markup.excerpt(message.body),
    )


def erase(room: Room, message: Message, user: Any) -> None:
    """Make a tombstone of a message of a room that is held."""
    mentions.withdraw([message])
    notices.withdraw(message)
    for attachment in message.attachments.all():
        transaction.on_commit(partial(attachment.file.delete, save=False))
        attachment.delete()
    message.reactions.all().delete()
    message.edits.all().delete()
    message.body = message.html = ""
    message.deleted_at, message.deleted_by = timezone.now(), user
    _know_parts(message, [])
    _save_words(room, message, "body", "html", "deleted_at", "deleted_by")


@transaction.atomic
def set_reaction(user: Any, room_id: int, message_id: int, emoji: str, on: bool, client_id: UUID) -> Done:
    """Put an emoji on a message, or take it back. Saying the same twice changes nothing."""
    room = access.locked_room(room_id)
    if done := once(user, client_id):
        return done
    membership = access.membership_of(user, room)
    access.check_may_speak(room, membership)
    message = access.locked_message(room, message_id)
    if not is_emoji(emoji):
        raise Refusal("bad_value", _("A reaction is one emoji."), field="emoji")
    changes_per_person.spend(user.pk)
    mine = Reaction.objects.filter(message=message, user=user, emoji=emoji)
    if mine.exists() != on:
        if on:
            _check_is_room_for(message, emoji)
            Reaction.objects.create(message=message, user=user, emoji=emoji)
        else:
            mine.delete()
        message = access.locked_message(room, message_id)  # with its reactions as they are now
        _save_change(room, message)
        notices.tell_reaction(message, user, emoji, on)
    return Done.record(user, client_id, room, message.rev, message.pk)


def _check_is_room_for(message: Message, emoji: str) -> None:
    there = {reaction.emoji for reaction in message.reactions.all()}
    if len(there) >= REACTIONS_PER_MESSAGE and emoji not in there:
        words = _("A message bears {count} different reactions.")
        raise Refusal("not_allowed", format_lazy(words, count=REACTIONS_PER_MESSAGE))


def _save_words(room: Room, message: Message, *columns: str) -> None:
    message.said_rev = room.rev + 1
    _save_change(room, message, "said_rev", *columns)
    forwarding.wake([room])


def _save_change(room: Room, message: Message, *columns: str) -> None:
    message.room = room
    message.rev = room.advance()
    message.save(update_fields=["rev", *columns])
    broadcast(room.group, message_event(message), head=room.head())


def is_emoji(text: str) -> bool:
    """One emoji, which may be several code points (a flag, a family, a keycap); no letters, marks of direction, or nothing."""
    return EMOJI.fullmatch(text) is not None
