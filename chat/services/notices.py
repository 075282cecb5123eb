"""Whom a message concerns besides those it mentions: told with signals, in the transaction of the message.

Whoever listens decides how people hear of it. Nobody is told of what they may not read, or of their own doing.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from django.contrib.auth import get_user_model
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat import markup
from chat.models import Membership, Message, Room
from realtime.signals import target_spoke, user_notification_withdrawn, user_notified


def tell(messages: Sequence[Message]) -> None:
    """Of new messages: whom they answer, the other one of a direct room, and those who want to hear everything."""
    others = _others_in_direct_rooms(messages)
    said: dict[str, list[Callable[[], dict[str, Any]]]] = defaultdict(list)
    for message in messages:
        if message.kind == Message.Kind.SYSTEM:
            continue
        named = markup.mentioned_in(message.html)
        if message.room.is_direct:
            text = format_lazy(_("{name} wrote to you"), name=message.author_name)
            for membership in others.get(message.room_id, []):
                if membership.user_id not in named | {message.author_id}:
                    _notify(message, membership.user, "chat.direct", text)
            continue
        told = named | _tell_replied(message, named)
        said[message.room.group].append(partial(_spoken, message, told))
    if said:
        target_spoke.send(sender=Message, said=said)


def tell_reaction(message: Message, user: Any, emoji: str, on: bool) -> None:
    """The author hears who likes it, and no more when they do not."""
    if message.author is None or message.author_id == user.pk:
        return
    if not on:
        user_notification_withdrawn.send(sender=Message, user=message.author, dedupe_key=_reaction_key(message, user, emoji))
    elif may_read(message.room, message.author):
        user_notified.send(
            sender=Message,
            user=message.author,
            kind="chat.reaction",
            text=format_lazy(_("{name} reacted {emoji} to your message"), name=user.get_username(), emoji=emoji),
            detail=markup.excerpt(message.body),
            url=message.get_absolute_url(),
            actor=user,
            dedupe_key=_reaction_key(message, user, emoji),
            group_key=f"chat.reaction.{message.pk}",
            target=message.room.group,
        )


def tell_invited(room: Room, user: Any, other: Any, membership: Membership) -> None:
    user_notified.send(
        sender=Room,
        user=other,
        kind="chat.invite",
        text=format_lazy(_("{name} added you to {room}"), name=user.get_username(), room=room.name),
        detail=room.topic,
        url=room.get_absolute_url(),
        actor=user,
        dedupe_key=f"chat.invite.{room.pk}.{membership.rev}",
        group_key="",
        target=room.group,
    )


def withdraw(message: Message) -> None:
    """The message is about to go, and what it said with it, wherever it was told."""
    user_notification_withdrawn.send(sender=Message, user=None, dedupe_key=_message_key(message))
    for reaction in message.reactions.all():
        if message.author is not None:
            key = _reaction_key(message, reaction.user, reaction.emoji)
            user_notification_withdrawn.send(sender=Message, user=message.author, dedupe_key=key)


def may_read(room: Room, user: Any) -> bool:
    return Room.objects.readable_by(user).filter(pk=room.pk).exists()


def _tell_replied(message: Message, named: set[int]) -> set[int]:
    author = message.reply_to and message.reply_to.author
    if author is None or author.pk in named | {message.author_id} or not may_read(message.room, author):
        return set()
    text = format_lazy(_("{name} replied to you in {room}"), name=message.author_name, room=message.room.name)
    _notify(message, author, "chat.reply", text)
    return {author.pk}


def _spoken(message: Message, told: set[int]) -> dict[str, Any]:
    """For those who want to hear everything of a room, as long as they are in it."""
    members = get_user_model().objects.filter(memberships__in=Membership.objects.active().filter(room=message.room_id))
    text = format_lazy(_("{name} wrote in {room}"), name=message.author_name, room=message.room.name)
    return {**_facts(message, "chat.message", text), "users": members.exclude(pk__in=told)}


def _others_in_direct_rooms(messages: Sequence[Message]) -> dict[int, list[Membership]]:
    rooms = {message.room_id for message in messages if message.room.is_direct}
    found: dict[int, list[Membership]] = {}
    for membership in Membership.objects.active().filter(room__in=rooms).select_related("user") if rooms else []:
        found.setdefault(membership.room_id, []).append(membership)
    return found


def _notify(message: Message, user: Any, kind: str, text: Promise) -> None:
    user_notified.send(sender=Message, user=user, **_facts(message, kind, text))


def _facts(message: Message, kind: str, text: Promise) -> dict[str, Any]:
    return {
        "kind": kind,
        "text": text,
        "detail": markup.excerpt(message.body) or _("a file"),
        "url": message.get_absolute_url(),
        "actor": message.author,
        "dedupe_key": _message_key(message),
        # Talk is folded into one line for each room; an answer is for itself.
        "group_key": "" if kind == "chat.reply" else f"{kind}.{message.room_id}",
        "target": message.room.group,
        "place": message.seq,
        "data": {"room": str(message.room)},
    }


def _message_key(message: Message) -> str:
    return f"chat.message.{message.pk}"


def _reaction_key(message: Message, user: Any, emoji: str) -> str:
    return f"chat.reaction.{message.pk}.{user.pk}.{emoji}"
