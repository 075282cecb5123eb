"""Getting hold of inboxes."""

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import translation

from notifications.models import Inbox


def inbox_of(user: Any) -> Inbox:
    """The person's inbox, made when first looked at, in the language in which they look."""
    inbox = Inbox.objects.filter(user=user).first()
    return inbox or Inbox.objects.get_or_create(user=user, defaults={"language": _language_here()})[0]


def note_language(inbox: Inbox) -> None:
    """The owner reads in the language that is active: from now on they are told in it. A write only if it is another than before.

    It is no change that the feed tells of: neither a revision nor a frame.
    """
    language = _language_here()
    if inbox.language != language:
        with transaction.atomic():  # so that a failure is undone alone
            Inbox.objects.filter(pk=inbox.pk).update(language=language)
        inbox.language = language


def _language_here() -> str:
    """As an inbox has it."""
    language = translation.get_language() or ""
    return "" if language == settings.LANGUAGE_CODE else language


def locked_inboxes(user_ids: Collection[int]) -> dict[int, Inbox]:
    """The inboxes of these people, made where missing, held until the transaction ends, in the order of their ids."""
    inboxes = Inbox.objects.lock_all(list(user_ids))
    if missing := sorted(set(user_ids) - inboxes.keys()):
        Inbox.objects.bulk_create([Inbox(user_id=user_id) for user_id in missing], ignore_conflicts=True)
        inboxes |= Inbox.objects.lock_all(missing)
    return inboxes


def locked_inbox(user: Any) -> Inbox:
    return locked_inboxes([user.pk])[user.pk]
