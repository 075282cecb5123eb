"""From the database to the screen: what a socket missed while away, and what the layer lost."""

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from django.db import Error as DatabaseError

from realtime.events import FeedLive, FeedReset
from realtime.feeds import CatchUp, FeedSource, split_name
from realtime.protocol import frame_of
from realtime.registry import source_of, sources
from realtime.sockets import Socket
from realtime.threads import in_database
from realtime.topics import Topic

logger = logging.getLogger(__name__)

ROUNDS = 5  # of reading; then the tick goes on
LATE_SECONDS = 0.05  # how long an early change waits for the one before it, until that is read from the database


class Repair:
    """Reads feeds for the hub. What is missing is read once for all sockets of the process."""

    def __init__(
        self,
        counters: Counter[str],
        refuse: Callable[[Socket, str, str], None],
        tell_head: Callable[[Topic, dict[str, Any]], None],
    ):
        self._counters, self._refuse, self._tell_head = counters, refuse, tell_head
        self._running: dict[str, asyncio.Task[None]] = {}

    async def bring_up(self, socket: Socket, topic: Topic, rev: int | None, epoch: str) -> int:
        """Send a socket that is at revision `rev` (None: a new page) all that it missed. Returns where it is then."""
        assert topic.cursor is not None
        if rev is None:
            rev = topic.cursor
        if rev > topic.cursor:  # a client may be ahead of this process, never of the database
            await self.repair(topic)
        if (epoch and epoch != topic.epoch) or rev > topic.cursor:
            return self._reset(socket, topic)
        while (frames := self._remembered(topic, rev)) is None:
            missed = await _catch_up(topic.group, rev)
            if socket not in topic.joining:  # rights were taken away meanwhile
                return rev
            if missed.is_reset:
                return self._reset(socket, topic)
            for change in missed.changes:
                socket.send(change)
            rev = missed.rev
            if rev >= topic.cursor:
                break
        for frame in frames or []:
            socket.write(frame)
        rev = max(rev, topic.cursor)
        socket.send(FeedLive(feed=topic.group, rev=rev, epoch=topic.epoch))
        return rev

    def _remembered(self, topic: Topic, rev: int) -> list[bytes] | None:
        """What was told after revision `rev`, from memory, where that is enough for somebody who was not there."""
        source = source_of(topic.group)
        if rev < (topic.cursor or 0) and source and not source.retells:
            return None
        return topic.since(rev)

    def repair_soon(self, topic: Topic) -> None:
        """A change came early. Give the one before it a moment, then fetch it."""
        if topic.has_followers and source_of(topic.group) and topic.group not in self._running:
            task = self._running[topic.group] = asyncio.create_task(self._repair_late(topic))
            task.add_done_callback(lambda _: self._running.pop(topic.group, None))

    async def _repair_late(self, topic: Topic) -> None:
        try:
            for _ in range(ROUNDS):  # a change that comes while we read may be early again, with none after it to tell
                await asyncio.sleep(LATE_SECONDS)
                if not topic.early or not topic.has_followers:
                    return
                await self.repair(topic)
        except DatabaseError as error:
            logger.warning("Repair of %s failed (%s); the tick tries again.", topic.group, error)

    async def repair(self, topic: Topic) -> None:
        """Show all followers what is missing."""
        if topic.cursor is None:
            return
        self._counters["repairs"] += 1
        missed = await _catch_up(topic.group, topic.cursor)
        if not missed.epoch:  # the feed is gone
            for socket in list(topic.followers()):
                self._refuse(socket, topic.group, "not_found")
        elif missed.is_reset or missed.epoch != topic.epoch:
            topic.start(missed.rev, missed.epoch)
            for socket in list(topic.live):
                self._reset(socket, topic)
        else:
            topic.repair([(change.rev, frame_of(change)) for change in missed.changes], missed.rev)

    async def compare_heads(self, topics: Iterable[Topic]) -> None:
        """Find lost last messages, which no later hint would reveal: one query per kind of feed."""
        topics = list(topics)
        for source in sources().values():
            await self._compare(source, [topic for topic in topics if source_of(topic.group) is source])

    async def _compare(self, source: FeedSource, topics: list[Topic]) -> None:
        if not topics:
            return
        heads = await in_database(source.heads, [split_name(topic.group)[1] for topic in topics])
        for topic in topics:
            head = heads.get(split_name(topic.group)[1])
            if topic.cursor is None or (head and (head.rev, head.epoch) == (topic.cursor, topic.epoch)):
                continue
            if head and not topic.has_followers:  # watched only: nobody needs to know what it was
                topic.start(head.rev, head.epoch)
            elif not head or head.rev > topic.cursor or head.epoch != topic.epoch:
                await self.repair(topic)
            if head:
                self._tell_head(topic, {"rev": head.rev, **head.facts})

    def _reset(self, socket: Socket, topic: Topic) -> int:
        assert topic.cursor is not None
        self._counters["resets"] += 1
        socket.send(FeedReset(feed=topic.group, rev=topic.cursor, epoch=topic.epoch))
        return topic.cursor


async def _catch_up(feed: str, rev: int) -> CatchUp:
    source = source_of(feed)
    assert source is not None
    return await in_database(source.catch_up, split_name(feed)[1], rev)
