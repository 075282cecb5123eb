"""Where other apps reach this one without knowing it: their signals become calls of services.

They come inside the transaction of their cause, so the notification is there if and only if the cause is. A mistake of
ours must not cost them their message: it is logged, and undone alone.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Any

from django.db import DatabaseError, transaction
from django.dispatch import receiver

from notifications import services
from notifications.services import News
from realtime.protocol import Refusal
from realtime.signals import target_read, target_spoke, user_notification_withdrawn, user_notified

logger = logging.getLogger(__name__)

FACTS = ("kind", "text", "url", "detail", "actor", "dedupe_key", "group_key", "target", "place", "data")


def on_its_own(listener: Callable[..., None]) -> Callable[..., None]:
    @wraps(listener)
    def listen(**sent: Any) -> None:
        try:
            with transaction.atomic():
                listener(**sent)
        except DatabaseError:
            raise  # the cause would be lost with us anyway, and is tried again
        except Refusal as refusal:
            logger.warning("A notification was refused: %s (%s)", refusal.message, sent.get("kind"))
        except Exception:  # see above
            logger.exception("A notification failed (%s).", sent.get("kind"))

    return listen


@receiver(user_notified)
@on_its_own
def tell(user: Any = None, users: Any = None, **sent: Any) -> None:
    services.notify_many([user] if users is None else users, news_of(sent))


@receiver(target_spoke)
def tell_followers(said: Mapping[str, Sequence[Callable[[], dict[str, Any]]]], **_: Any) -> None:
    """On the path of each message, and mostly nobody follows: then it costs one query for all that were said together."""
    for target, user_ids in services.followers_of(said).items():
        for facts in said[target]:
            sent = facts()
            tell(signal=target_spoke, sender=None, **sent | {"users": sent["users"].filter(pk__in=user_ids)})


@receiver(user_notification_withdrawn)
@on_its_own
def take_back(user: Any, dedupe_key: str, **sent: Any) -> None:
    services.withdraw(user, dedupe_key)


@receiver(target_read)
@on_its_own
def read_there(user: Any, target: str, place: int, **sent: Any) -> None:
    services.mark_read_at(user, target, place)


def news_of(sent: dict[str, Any]) -> News:
    return News(**{name: sent[name] for name in FACTS if sent.get(name) is not None})
