"""Another app, as the fault checker's servers have it: people send each other notes, and take them back.

It knows inboxes by the suite's signals alone; only the answers, which the checker compares, say where in the inbox it went.
"""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from django.contrib.auth.models import User
from django.db import transaction

from notifications.models import Cause, Inbox
from notifications.services.inboxes import locked_inbox
from realtime.feeds import split_name
from realtime.protocol import DurableCommand, Refusal, Text
from realtime.receipts import Done, once
from realtime.signals import user_notification_withdrawn, user_notified
from realtime.threads import in_database


class SendNote(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="notifications.neighbour.send"):
    """Tell the person whose inbox `feed` is. Notes of one sender that have the same `group` are folded together."""

    text: Annotated[Text, msgspec.Meta(max_length=100)]
    group: Annotated[Text, msgspec.Meta(max_length=20)]


class TakeBackNote(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="notifications.neighbour.takeback"):
    """The reason for a note is gone; `note` is the client id it was sent with."""

    note: UUID


async def send_note(user: Any, command: SendNote) -> Done:
    return await in_database(_send, user, command)


async def take_back_note(user: Any, command: TakeBackNote) -> Done:
    return await in_database(_take_back, user, command)


@transaction.atomic
def _send(user: Any, command: SendNote) -> Done:
    receiver = User.objects.get(pk=split_name(command.feed)[1])
    inbox = locked_inbox(receiver)
    if done := once(user, command.client_id):
        return done
    user_notified.send(
        sender=None,
        user=receiver,
        kind="notifications.note",
        text=command.text,
        actor=user,
        dedupe_key=str(command.client_id),
        group_key=command.group and f"{command.group}.{user.pk}",
    )
    notification = _cause(inbox, command.client_id).notification
    return Done.record(user, command.client_id, inbox, notification.rev, notification.pk)


@transaction.atomic
def _take_back(user: Any, command: TakeBackNote) -> Done:
    receiver = User.objects.get(pk=split_name(command.feed)[1])
    inbox = locked_inbox(receiver)
    if done := once(user, command.client_id):
        return done
    notification = _cause(inbox, command.note).notification
    user_notification_withdrawn.send(sender=None, user=receiver, dedupe_key=str(command.note))
    notification.refresh_from_db()
    return Done.record(user, command.client_id, inbox, notification.rev, notification.pk)


def _cause(inbox: Inbox, client_id: UUID) -> Cause:
    cause = Cause.objects.filter(inbox=inbox, dedupe_key=str(client_id)).select_related("notification").first()
    if cause is None:
        raise Refusal("not_found", "There is no such note.")
    return cause
