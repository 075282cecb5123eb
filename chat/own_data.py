"""What chat keeps about one person, for that person to take away: JSON lines, each with its `type`.

Made page by page like the export of a room (`chat/export.py`). Secrets are not in it: whoever has the file could speak with them.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from chat.export import attachment_facts, message_facts
from chat.models import Bot, IncomingHook, Membership, MembershipQuerySet, Message, OutgoingHook, Room

PAGE = 200  # rows

Facts = dict[str, Any]


def own_data(user: User, absolute: Callable[[str], str]) -> Iterator[str]:
    """The pieces of the export. `absolute` makes a URL of a path, since a file on a disk is of no site."""
    yield _lines("profile", [_profile(user)])
    for memberships in _pages(_memberships_of(user)):
        yield _lines("membership", [_membership(membership, user) for membership in memberships])
    for bots in _pages(Bot.objects.filter(owner=user).select_related("user").prefetch_related("user__access_tokens")):
        yield _lines("bot", map(_bot, bots))
    for hooks in _pages(IncomingHook.objects.filter(created_by=user)):
        yield _lines("hook", map(_hook, hooks))
    for outgoing in _pages(OutgoingHook.objects.filter(created_by=user)):
        yield _lines("outgoing_hook", map(_outgoing_hook, outgoing))
    for messages in _pages_of_messages(user):
        yield _lines("message", [_message(message, absolute) for message in messages])


def file_name(user: User) -> str:
    return f"chat-{user.get_username()}-{timezone.now():%Y-%m-%d}.jsonl"


def _lines(type: str, rows: Iterable[Facts]) -> str:
    return "".join(json.dumps({"type": type} | row, ensure_ascii=False) + "\n" for row in rows)


def _pages(rows: QuerySet[Any]) -> Iterator[list[Any]]:
    rows = rows.order_by("pk")
    page = list(rows[:PAGE])
    while page:
        yield page
        page = list(rows.filter(pk__gt=page[-1].pk)[:PAGE])


def _pages_of_messages(user: User) -> Iterator[list[Message]]:
    """In the order of their time, which with the author is an index: by `pk` each page would sort all of them again."""
    mine = Message.objects.for_display().prefetch_related("edits__editor").filter(author=user).order_by("created_at", "pk")
    page = list(mine[:PAGE])
    while page:
        yield page
        last = page[-1]
        later = mine.filter(Q(created_at__gt=last.created_at) | Q(pk__gt=last.pk), created_at__gte=last.created_at)
        page = list(later[:PAGE])


def _memberships_of(user: User) -> MembershipQuerySet:
    readable = Room.objects.readable_by(user).filter(pk=OuterRef("room_id"))
    rows = Membership.objects.filter(user=user).select_related("room").with_people_of_direct_rooms()
    return rows.annotate(is_readable=Exists(readable))


def _profile(user: User) -> Facts:
    fields = ("username", "first_name", "last_name", "email", "date_joined", "last_login")
    return {field: _plain(getattr(user, field)) for field in fields}


def _membership(membership: Any, user: User) -> Facts:
    fields = ("role", "last_read_seq", "joined_at", "left_at", "muted_until", "banned_until")
    # What a room is called today is not for those who may no longer look into it.
    name = membership.room.title_for(user) if membership.is_readable else None
    return {"room": membership.room_id, "name": name} | {field: _plain(getattr(membership, field)) for field in fields}


def _bot(bot: Bot) -> Facts:
    fields = ("name", "scopes", "created_at", "last_used_at", "revoked_at")
    tokens = [{field: _plain(getattr(token, field)) for field in fields} for token in bot.user.access_tokens.all()]
    return {"name": bot.user.get_username(), "created_at": _plain(bot.created_at), "tokens": tokens}


def _hook(hook: IncomingHook) -> Facts:
    return {"room": hook.room_id} | {field: _plain(getattr(hook, field)) for field in ("name", "created_at", "revoked_at")}


def _outgoing_hook(hook: OutgoingHook) -> Facts:
    fields = ("name", "url", "created_at", "sent_at", "off_at", "revoked_at")
    return {"room": hook.room_id, "events": hook.events.split()} | {field: _plain(getattr(hook, field)) for field in fields}


def _message(message: Message, absolute: Callable[[str], str]) -> Facts:
    attachments = [attachment_facts(file) | {"url": absolute(file.get_absolute_url())} for file in message.attachments.all()]
    return {"room": message.room_id} | message_facts(message) | {"attachments": attachments}


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
