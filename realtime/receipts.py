"""Receipts: a durable command that is sent again is answered, not carried out again."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from realtime.feeds import Feed
from realtime.models import Receipt

WHOLE = 0  # in place of a row's id: what was done concerns the feed as a whole


@dataclass(frozen=True, slots=True)
class Done:
    """What a durable command left behind: row `id` (or `WHOLE`), at revision `rev` of `feed`."""

    feed: str
    rev: int
    id: int

    @classmethod
    def record(cls, user: Any, client_id: UUID, feed: Feed, rev: int, row_id: int) -> "Done":
        """Remember the answer, in the transaction of the change itself."""
        Receipt.objects.create(user=user, client_id=client_id, feed=feed.group, rev=rev, row_id=row_id)
        return cls(feed.group, rev, row_id)


def once(user: Any, client_id: UUID) -> Done | None:
    """The answer already given to this command, if it was carried out before.

    Ask while the feed is locked: whoever sent the same command at the same time has committed by then.
    """
    receipt = Receipt.objects.filter(user=user, client_id=client_id).first()
    return Done(receipt.feed, receipt.rev, receipt.row_id) if receipt else None
