"""Counting without locks, without I/O and without losing anything: some hundred nanoseconds per message and process.

Each thread counts in a shard of its own, which nobody else writes. The agent's thread adds the shards up once a second.
Numbers only ever grow: who reads them takes differences, so that no reading can lose what another one took.
"""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Iterator

from dashboard.classes import class_of
from dashboard.histogram import bucket_of

SENDS, DELIVERIES, BYTES, LOST = range(4)  # what is kept for each group
ACTIVE = 5_000  # groups of one second that are told apart; beyond, only the totals know
SECONDS = 60  # how long
REMEMBERED = 200_000  # groups of which we know when they last were sent something

Activity = dict[str, list[int]]  # group -> [sends, deliveries, bytes, lost]


class Shard:
    """What one thread counted."""

    per_delivery = ("enqueued", "received", "frames_out", "bytes_out")  # numbers of their own; the others are among `counts`
    __slots__ = (*per_delivery, "active", "by_class", "counts", "rows", "thread", "times")

    def __init__(self) -> None:
        self.thread = threading.current_thread()
        self.enqueued = self.received = self.frames_out = self.bytes_out = 0
        self.counts: defaultdict[str, int] = defaultdict(int)
        self.times: defaultdict[int, int] = defaultdict(int)  # the latency's histogram
        self.by_class: dict[str, list[int]] = {}
        self.rows: dict[str, list[int]] = {}  # group -> the row of its class
        self.active: Activity = {}  # of this second

    def all_counts(self) -> Counter[str]:
        found = Counter(self.counts.copy())
        found.update({name: number for name in self.per_delivery if (number := getattr(self, name))})
        return found


class Meter:
    """Counts one channel layer, by its alias."""

    def __init__(self, alias: str) -> None:
        self.alias = alias
        self.recent: deque[Activity] = deque(maxlen=SECONDS)  # by the second, the latest last
        self.last: dict[str, int] = {}  # group -> when it was last sent something, in seconds since the epoch
        self.own_shard = threading.local()  # `.shard`, of the thread that asks
        self._shards: list[Shard] = []
        self._ended = Shard()  # the sum over threads that are no more
        self._taken: list[Activity] = []

    def shard(self) -> Shard:
        try:
            return self.own_shard.shard
        except AttributeError:
            shard = self.own_shard.shard = Shard()
            self._shards.append(shard)
            first_use()
            return shard

    # The hot path

    def add(self, group: str, sends: int, deliveries: int, size: int, lost: int = 0, enqueued: int = 0) -> None:
        """A message was sent to a group, or handed on to `deliveries` of its members; `size` bytes in all."""
        try:
            shard = self.own_shard.shard
        except AttributeError:
            shard = self.shard()
        row = shard.rows.get(group)
        if row is None:
            row = self._row(shard, group)
        now = shard.active.get(group)
        if now is None:
            now = self._of_this_second(shard, group)
        row[SENDS] += sends
        now[SENDS] += sends
        row[DELIVERIES] += deliveries
        now[DELIVERIES] += deliveries
        if size or lost:
            for both in (row, now):
                both[BYTES] += size
                both[LOST] += lost
        if enqueued:
            shard.enqueued += enqueued

    def count(self, name: str, number: int = 1) -> None:
        self.shard().counts[name] += number

    def took(self, seconds: float) -> None:
        self.shard().times[bucket_of(seconds)] += 1

    @staticmethod
    def _row(shard: Shard, group: str) -> list[int]:
        if len(shard.rows) >= REMEMBERED:
            shard.rows.clear()
        row = shard.rows[group] = shard.by_class.setdefault(class_of(group), [0, 0, 0, 0])
        return row

    @staticmethod
    def _of_this_second(shard: Shard, group: str) -> list[int]:
        now = [0, 0, 0, 0]
        if len(shard.active) < ACTIVE:
            shard.active[group] = now
        else:
            shard.counts["untracked"] += 1
        return now

    # What the agent reads

    def beat(self) -> None:
        """A second is over: what groups did in it becomes part of the recent past.

        A thread may still be adding to the dict that is taken from it here; a second later it surely is not.
        """
        self._fold_ended()
        self.recent.append(merged(self._taken))
        now = int(time.time())
        self.last.update(dict.fromkeys(self.recent[-1], now))
        if len(self.last) > REMEMBERED:
            self.last = dict(list(self.last.items())[REMEMBERED // 2 :])
        self._taken = []
        for shard in self._shards:
            if shard.active:
                self._taken.append(shard.active)
                shard.active = {}

    def counters(self) -> dict[str, int]:
        """Everything counted so far: `sends`, `h.<bucket>` and so on. Never smaller than before."""
        total: Counter[str] = Counter()
        for shard in self._all():
            total.update(shard.all_counts())
            total.update({f"h.{bucket}": number for bucket, number in dict(shard.times).items()})
        for sends, deliveries, size, lost in self.by_class().values():
            total.update(group_sends=sends, deliveries=deliveries, bytes=size, group_lost=lost)
        return dict(total)

    def by_class(self) -> dict[str, list[int]]:
        """For each class of groups, the sums of what was sent to them."""
        return merged(shard.by_class.copy() for shard in self._all())

    def activity(self, seconds: int) -> Activity:
        """What groups did in the last so many seconds."""
        return merged(list(self.recent)[-seconds:])

    def _all(self) -> list[Shard]:
        return [self._ended, *self._shards]

    def _fold_ended(self) -> None:
        for shard in [shard for shard in self._shards if not shard.thread.is_alive()]:
            self._shards.remove(shard)
            for name, number in shard.all_counts().items():
                self._ended.counts[name] += number
            for bucket, number in shard.times.items():
                self._ended.times[bucket] += number
            self._ended.by_class = merged([self._ended.by_class, shard.by_class])
            if shard.active:
                self._taken.append(shard.active)


def merged(parts: "Iterator[Activity] | list[Activity]") -> Activity:
    whole: Activity = {}
    for part in parts:
        for group, row in part.items():
            if mine := whole.get(group):
                for index, number in enumerate(row):
                    mine[index] += number
            else:
                whole[group] = list(row)
    return whole


def first_use() -> None:
    """There is something to report, in a thread that had nothing before."""
    from dashboard.agent import start_agent

    start_agent()


meters: dict[str, Meter] = {}


def meter_of(alias: str) -> Meter:
    """The meter of a channel layer. What is sent before the agent starts is counted too."""
    if alias not in meters:
        meters.setdefault(alias, Meter(alias))
    return meters[alias]


SOCKETS = "sockets"  # not a layer: what all sockets of the process do
sockets = meter_of(SOCKETS)
