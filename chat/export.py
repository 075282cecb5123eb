"""A room to take away: as JSON lines for programs, or as one HTML page for people.

Made page by page, so that a room of a million messages takes no more memory than one of a hundred. What was posted
while it was made is in it or not; what is in it is in order and whole.
"""

import json
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils import timezone, translation
from django.utils.safestring import mark_safe

from chat.models import Attachment, Message, Room
from realtime.threads import in_database

PAGE = 200  # messages
MESSAGES_HERE = "<!-- messages -->"


@dataclass(frozen=True, slots=True)
class Format:
    content_type: str
    suffix: str
    start: Callable[[Room], str]
    messages: Callable[[list[Message]], str]
    end: Callable[[Room], str]


def export(room: Room, format: str) -> Iterator[str]:
    """The pieces of an export. `format` is a key of `FORMATS`."""
    kind = FORMATS[format]
    yield kind.start(room)
    seq = 0
    while page := _page(room, seq):
        yield kind.messages(page)
        seq = page[-1].seq
    yield kind.end(room)


def streamed(pieces: Iterator[str]) -> AsyncIterator[str]:
    """An export for a response: each piece is made off the event loop, when the browser has taken the one before.

    It is in the language of whoever asks now; by the time that the pieces are made, the request is over.
    """
    return _streamed(pieces, translation.get_language())


async def _streamed(pieces: Iterator[str], language: str | None) -> AsyncIterator[str]:
    while (piece := await in_database(_next, pieces, language)) is not None:
        yield piece


def _next(pieces: Iterator[str], language: str | None) -> str | None:
    with translation.override(language):
        return next(pieces, None)


def file_name(room: Room, format: str) -> str:
    return f"{room.name or f'direct-{room.pk}'}-{timezone.now():%Y-%m-%d}.{FORMATS[format].suffix}"


def _page(room: Room, after: int) -> list[Message]:
    messages = Message.objects.for_display().prefetch_related("edits__editor").filter(room=room)
    return messages.page_after(after, PAGE)


def _as_lines(messages: list[Message]) -> str:
    return "".join(json.dumps(message_facts(message), ensure_ascii=False) + "\n" for message in messages)


def message_facts(message: Message) -> dict[str, Any]:
    return {
        "seq": message.seq,
        "at": message.created_at.isoformat(),
        "author": message.author_name,
        "kind": message.kind,
        "body": message.body,
        "reply_to": message.reply_to.seq if message.reply_to else None,
        "edited_at": message.edited_at and message.edited_at.isoformat(),
        "deleted_at": message.deleted_at and message.deleted_at.isoformat(),
        "edits": [
            {"at": edit.created_at.isoformat(), "editor": edit.editor and edit.editor.get_username(), "body": edit.body}
            for edit in message.edits.all()
        ],
        "reactions": [{"emoji": reaction.emoji, "user": reaction.user.get_username()} for reaction in message.reactions.all()],
        "attachments": [attachment_facts(attachment) for attachment in message.attachments.all()],
    }


def attachment_facts(attachment: Attachment) -> dict[str, Any]:
    facts = {"id": str(attachment.pk)} | {name: getattr(attachment, name) for name in ("name", "content_type", "size", "sha256")}
    return facts | ({"width": attachment.width, "height": attachment.height} if attachment.is_image else {})


def _html_around(room: Room) -> list[str]:
    context = {
        "room": room,
        "people": _people(room),
        "now": timezone.now(),
        "style": _style(),
        "marker": mark_safe(MESSAGES_HERE),
    }
    return render_to_string("chat/export.html", context).split(MESSAGES_HERE)


def _people(room: Room) -> list[str]:
    return [membership.user.get_username() for membership in room.memberships.active().select_related("user").order_by("pk")]


def _as_html(messages: list[Message]) -> str:
    return render_to_string("chat/_export_messages.html", {"messages": messages})


@cache
def _style() -> str:
    """The page must do without any other file, so this one goes inside it. It is ours, not a person's text."""
    with open(str(finders.find("chat/export.css")), encoding="utf-8") as file:
        return mark_safe(file.read())


FORMATS = {
    "jsonl": Format("application/x-ndjson", "jsonl", lambda room: "", _as_lines, lambda room: ""),
    "html": Format("text/html", "html", lambda room: _html_around(room)[0], _as_html, lambda room: _html_around(room)[-1]),
}
