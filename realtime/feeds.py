"""The change feed: one number per feed orders everything that happens in it.

Every visible change takes the next `rev` of its feed, in the transaction that makes it, and the changed row stores it.
The feed's row is locked from there to the commit, so revision order is commit order, without gaps. What somebody has
missed is then one query: the rows with `rev > cursor`. See docs/architecture.md.
"""

import secrets
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from django.contrib.auth.models import AnonymousUser, User
from django.db import models, transaction

from realtime.protocol import Change

if TYPE_CHECKING:
    from realtime.topics import Audience

WINDOW = 200  # changes; whoever missed more gets a reset and a fresh page

Person = User | AnonymousUser


def new_epoch() -> str:
    return secrets.token_hex(6)


class FeedQuerySet(models.QuerySet[Any]):
    def lock(self, **lookup: Any) -> Any:
        """Get one feed and hold its row until the transaction ends. Raises `DoesNotExist`."""
        feed = self.select_for_update(of=("self",)).get(**lookup)
        feed._locked = True
        return feed

    def lock_all(self, ids: Collection[int]) -> dict[int, Any]:
        """Hold several feeds, always in the order of their ids, so that two writers cannot wait for each other."""
        feeds = {feed.pk: feed for feed in self.select_for_update(of=("self",)).filter(pk__in=ids).order_by("pk")}
        for feed in feeds.values():
            feed._locked = True
        return feeds

    def store_all(self, feeds: Collection[Any], *columns: str) -> None:
        """Write the `rev` and other columns that these locked feeds have come to, in one round trip."""
        if not all(feed._locked for feed in feeds):
            raise RuntimeError("store_all() needs feeds from lock_all()")
        connection, meta = transaction.get_connection(self.db), self.model._meta
        fields = [meta.get_field(name) for name in ("rev", *columns)]
        assignments = ", ".join(f"{field.column} = %s" for field in fields)
        rows = [
            [*(field.get_db_prep_save(getattr(feed, field.attname), connection) for field in fields), feed.pk] for feed in feeds
        ]
        statement = f"UPDATE {meta.db_table} SET {assignments} WHERE {meta.pk.column} = %s"
        with connection.cursor() as cursor:
            if len(rows) == 1:  # what a form does; the debug toolbar fails on executemany() with SQLite
                cursor.execute(statement, rows[0])
            else:
                cursor.executemany(statement, rows)


class Feed(models.Model):
    """Something people watch: a room, an inbox, a board, the map.

    `epoch` changes when history is rewritten (a restored backup); clients of another epoch start afresh.
    """

    feed_name: ClassVar[str]  # "chat.room"
    # Small facts told with the head, to those who watch only that: {"seq": "last_seq"}, name to column.
    head_facts: ClassVar[dict[str, str]] = {}

    rev = models.BigIntegerField(default=0, editable=False)
    epoch = models.CharField(max_length=12, default=new_epoch, editable=False)

    objects: ClassVar[Any] = FeedQuerySet.as_manager()

    class Meta:
        abstract = True

    _locked = False

    @property
    def group(self) -> str:
        return f"{self.feed_name}.{self.pk}"

    def advance(self, steps: int = 1, **columns: Any) -> int:
        """Take the next `steps` revisions (and set other columns of the feed with the same statement).

        Returns the last of them. The feed must have been got with `lock()` in the same transaction.
        """
        if not (self._locked and transaction.get_connection().in_atomic_block):
            raise RuntimeError("advance() needs a feed from lock() inside transaction.atomic()")
        self.rev += steps
        for column, value in columns.items():
            setattr(self, column, value)
        type(self)._default_manager.filter(pk=self.pk).update(rev=self.rev, **columns)
        return self.rev

    def head(self) -> dict[str, Any]:
        return {fact: getattr(self, column) for fact, column in self.head_facts.items()}


class Head(NamedTuple):
    rev: int
    epoch: str
    facts: dict[str, Any]


class FeedSource:
    """How sockets read one kind of feed. An app has one per feed, in `consumers.py`, and lists it in `routing.py`."""

    model: type[Feed]
    has_presence = False
    # Whether what was told live is all that somebody needs who comes back. If not, they get the rows instead.
    retells = True

    @property
    def name(self) -> str:
        return self.model.feed_name

    def readable_by(self, user: Person) -> models.QuerySet[Any]:
        """The feeds this person may join. Asked at every join, and again whenever rights may have changed."""
        raise NotImplementedError

    def changes(self, feed_id: int, after: int, limit: int) -> Sequence[Change]:
        """What changed since revision `after`, oldest first, at most `limit` of it: rows as they are now."""
        raise NotImplementedError

    def audience(self) -> "Audience | None":
        """Made for each topic of this feed in a process: who of its sockets gets a change. None: all of them."""
        return None

    def titles(self, user: Person) -> Sequence[tuple[int, str]]:
        """The feeds that the person belongs to, with the name each has for them; none where nobody belongs to a feed."""
        return []

    def members(self, feed_id: int) -> models.QuerySet[Any] | None:
        """The ids of the users who belong to a feed; None where nobody does."""
        return None

    def heads(self, ids: Sequence[int], user: Person | None = None) -> dict[int, Head]:
        """The head of each of these feeds (of those the person may join) in one query."""
        feeds = self.model._default_manager.all() if user is None else self.readable_by(user)
        facts = self.model.head_facts
        rows = feeds.filter(pk__in=ids).values_list("pk", "rev", "epoch", *facts.values())
        return {pk: Head(rev, epoch, dict(zip(facts, values, strict=True))) for pk, rev, epoch, *values in rows}

    def catch_up(self, feed_id: int, after: int) -> "CatchUp":
        """Everything after revision `after`, and the revision reached; too much of it becomes a reset."""
        head = self.heads([feed_id]).get(feed_id)
        if head is None:
            return CatchUp([], 0, "", is_reset=True)
        changes = list(self.changes(feed_id, after, WINDOW + 1))
        # Rows may be newer than the head that was read before them: their statement saw all up to its last revision.
        reached = max([head.rev, *(change.rev for change in changes)])
        if len(changes) > WINDOW:
            return CatchUp([], reached, head.epoch, is_reset=True)
        return CatchUp(changes, reached, head.epoch)


class CatchUp(NamedTuple):
    changes: list[Change]
    rev: int
    epoch: str
    is_reset: bool = False


def split_name(feed: str) -> tuple[str, int]:
    """`"chat.room.42"` -> `("chat.room", 42)`"""
    name, _, pk = feed.rpartition(".")
    return name, int(pk)
