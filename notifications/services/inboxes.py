"""Getting hold of inboxes."""

from collections.abc import Collection
from typing import Any

from notifications.models import Inbox


def inbox_of(user: Any) -> Inbox:
    """The person's inbox, made when first looked at."""
    inbox = Inbox.objects.filter(user=user).first()
    return inbox or Inbox.objects.get_or_create(user=user)[0]


def locked_inboxes(user_ids: Collection[int]) -> dict[int, Inbox]:
    """The inboxes of these people, made where missing, held until the transaction ends, in the order of their ids."""
    inboxes = Inbox.objects.lock_all(list(user_ids))
    if missing := sorted(set(user_ids) - inboxes.keys()):
        Inbox.objects.bulk_create([Inbox(user_id=user_id) for user_id in missing], ignore_conflicts=True)
        inboxes |= Inbox.objects.lock_all(missing)
    return inboxes


def locked_inbox(user: Any) -> Inbox:
    return locked_inboxes([user.pk])[user.pk]
