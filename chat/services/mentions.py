"""@name: who is meant, and telling them."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Protocol

from django.db.models import F
from django.db.models.functions import Lower
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat import markup
from chat.models import Membership, Mention, Message
from chat.services.lists import touch_lists
from realtime.signals import user_notification_withdrawn, user_notified


class HasBody(Protocol):
    @property
    def room_id(self) -> int: ...

    @property
    def body(self) -> str: ...


def find_members(drafts: Iterable[HasBody]) -> Mapping[int, dict[str, int]]:
    """For each room, the members named in these drafts: lower-case user name to user id. No query when nobody is."""
    wanted: dict[int, set[str]] = defaultdict(set)
    for draft in drafts:
        if "@" in draft.body:
            wanted[draft.room_id] |= markup.names_in(draft.body)
    found: dict[int, dict[str, int]] = defaultdict(dict)
    if any(wanted.values()):
        members = (
            Membership.objects.active()
            .filter(room__in=wanted, user__is_active=True)
            .annotate(name=Lower("user__username"))
            .filter(name__in=set().union(*wanted.values()))
            .values_list("room_id", "name", "user_id")
        )
        for room_id, name, user_id in members:
            if name in wanted[room_id]:
                found[room_id][name] = user_id
    return found


def record(messages: Iterable[Message]) -> None:
    """Store and tell the mentions of new messages."""
    for message in messages:
        _add(message, _others_in(message))


def revise(message: Message) -> None:
    """After an edit: tell the new mentions, withdraw those that are gone."""
    before = set(message.mentions.values_list("user_id", flat=True))
    after = _others_in(message)
    _remove(message, before - after)
    _add(message, after - before)


def withdraw(messages: Iterable[Message]) -> None:
    """The messages are about to go: nobody is mentioned any more."""
    for message in messages:
        _remove(message, set(message.mentions.values_list("user_id", flat=True)))


def _others_in(message: Message) -> set[int]:
    return markup.mentioned_in(message.html) - {message.author_id}


def _add(message: Message, users: set[int]) -> None:
    if not users:
        return
    Mention.objects.bulk_create([Mention(message=message, user_id=user) for user in sorted(users)], ignore_conflicts=True)
    unread = Membership.objects.filter(room=message.room_id, user__in=users, last_read_seq__lt=message.seq)
    unread.update(mention_count=F("mention_count") + 1)
    for membership in touch_lists(message.room_id, users):
        where = membership.room.title_for(membership.user)
        user_notified.send(
            sender=Message,
            user=membership.user,
            kind="chat.mention",
            actor=message.author,
            text=format_lazy(_("{name} mentioned you in {room}"), name=message.author_name, room=where),
            url=message.get_absolute_url(),
            dedupe_key=_dedupe_key(message),
            group_key="",
            detail=markup.excerpt(message.body),
            target=membership.room.group,
            place=message.seq,
        )


def _remove(message: Message, users: set[int]) -> None:
    if not users:
        return
    message.mentions.filter(user__in=users).delete()
    unread = Membership.objects.filter(room=message.room_id, user__in=users, last_read_seq__lt=message.seq)
    unread.filter(mention_count__gt=0).update(mention_count=F("mention_count") - 1)
    for membership in touch_lists(message.room_id, users):
        user_notification_withdrawn.send(sender=Message, user=membership.user, dedupe_key=_dedupe_key(message))


def _dedupe_key(message: Message) -> str:
    return f"chat.mention.{message.pk}"
