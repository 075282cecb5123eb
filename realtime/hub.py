"""The hub: everything a process fans out, once per process and not once per socket.

The hub has one channel on the channel layer and is in the group of each topic that a local socket follows. What arrives
there is written as the same bytes to every one of them. What the layer loses is read from the database, once for all.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import Error as DatabaseError

from realtime.feeds import CatchUp, FeedSource, Head, split_name
from realtime.presence import Presence
from realtime.protocol import Change, Event, Refusal, encode
from realtime.publisher import Publisher
from realtime.registry import sources
from realtime.servers import Writer, text_frame
from realtime.sockets import TOO_SLOW, Socket, user_group
from realtime.threads import in_database
from realtime.topics import Topic

logger = logging.getLogger(__name__)

RECHECK_TICKS = 4  # rights are looked at again that often, should the hint that they changed be lost
TICK_SECONDS = 15.0  # ± 20 %; how long a lost last message may go unnoticed
LATE_SECONDS = 0.05  # how long an early change waits for the one before it, until that is read from the database
HEAD_SECONDS = 1.0  # watched heads are told at most this often
SUBSCRIBE_SECONDS = 1.0  # how long a join waits for a layer that does not answer
RESTART = 4012


class FeedLive(Event, frozen=True, kw_only=True, tag="realtime.feed.live"):
    """Everything up to `rev` has been sent; what follows is live."""

    feed: str
    rev: int
    epoch: str


class FeedReset(Event, frozen=True, kw_only=True, tag="realtime.feed.reset"):
    """Too much was missed, or history was rewritten: fetch a fresh page. Live from `rev` on."""

    feed: str
    rev: int
    epoch: str


class FeedRefused(Event, frozen=True, kw_only=True, tag="realtime.feed.refused"):
    """The feed is not there, or not for this person, or no longer. `code` is as in `realtime.error`."""

    feed: str
    code: str


class Bye(Event, frozen=True, kw_only=True, tag="realtime.bye"):
    """The server is about to close with `code`. Come back after `reconnect_after` seconds."""

    code: int
    reconnect_after: float


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What one `broadcast()` says: JSON payloads with their revisions (None: ephemeral), and the feed's head facts."""

    group: str
    payloads: Sequence[tuple[int | None, bytes]]
    head: dict[str, Any] | None = None


class Hub:
    """One per event loop: `Hub.here()`."""

    _by_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, "Hub"]] = WeakKeyDictionary()

    def __init__(self) -> None:
        self.id = uuid4()
        self.loop = asyncio.get_running_loop()
        self.layer = get_channel_layer()
        self.sockets: set[Socket] = set()
        self.topics: dict[str, Topic] = {}
        self.counters: Counter[str] = Counter()
        self.publisher = Publisher(self.layer, self.id.hex, self.counters)
        self.presence = Presence(self)
        self._channel = ""
        self._tasks: list[asyncio.Task[None]] = []
        self._starting: asyncio.Lock = asyncio.Lock()
        self._joining: dict[str, asyncio.Task[None]] = {}
        self._repairs: dict[str, asyncio.Task[None]] = {}
        self._to_flush: list[Socket] = []
        self._ticks = 0
        self._heads: dict[str, dict[str, Any]] = {}
        self._background: set[asyncio.Task[Any]] = set()

    # Finding the hub

    @classmethod
    def here(cls) -> "Hub":
        """The hub of the running event loop."""
        loop = asyncio.get_running_loop()
        hub = cls._by_loop.get(loop)
        if hub is None:
            hub = cls._by_loop[loop] = cls()
        return hub

    @classmethod
    def of_process(cls) -> "Hub | None":
        """A hub that runs in this process, for code in other threads; None in a management command."""
        return next((hub for loop, hub in list(cls._by_loop.items()) if loop.is_running()), None)

    # Sockets come and go

    def open(self, writer: Writer) -> Socket:
        socket = Socket(self, writer)
        self.sockets.add(socket)
        if not self._tasks:
            self._tasks = [self._run(self._receive()), self._run(self._tick())]
            self.presence.start()
        return socket

    async def close(self, socket: Socket) -> None:
        """Forget a socket. Always called, however it ended."""
        self.sockets.discard(socket)
        for group in list(socket.groups):
            self.leave(socket, group)
        if not self.sockets:
            await self.stop()

    async def stop(self) -> None:
        """Nobody is here: no work, no lease, no channel."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        for task in tasks:
            with suppress(asyncio.CancelledError):
                await task
        await self.presence.stop()
        self._channel = ""

    async def drain(self) -> None:
        """The process ends: say so to every socket, spread the return of the clients, and give up the lease."""
        for socket in list(self.sockets):
            socket.send(Bye(code=RESTART, reconnect_after=round(random.uniform(0.2, 3.0), 2)))
        self.flush()
        await asyncio.gather(*(self.close_socket(socket, RESTART) for socket in list(self.sockets)))
        await self.presence.stop()

    async def close_socket(self, socket: Socket, code: int) -> None:
        if not socket.closing:
            socket.closing = code
            self.flush()
            await socket.writer.close(code)

    def close_slow(self, socket: Socket) -> None:
        self.counters["slow"] += 1
        self._run(self.close_socket(socket, TOO_SLOW))

    # Joining and leaving

    async def join(self, socket: Socket, feed: str, source: FeedSource, head: Head, rev: int | None, epoch: str) -> None:
        """Bring a socket that is at revision `rev` (None: a new page) of an existing feed up to date, then keep it so.

        The topic is subscribed before `head` was read (`subscribe`), so nothing falls between the two.
        """
        topic = self.topics[feed]
        topic.joining[socket] = None
        socket.feeds.add(feed)
        if topic.cursor is None:
            topic.start(head.rev, head.epoch)
        reached = await self._bring_up(socket, topic, source, rev, epoch)
        if socket not in topic.joining:  # it left meanwhile
            return
        topic.admit(socket, reached)
        self.presence.enter(socket, topic, source)

    async def _bring_up(self, socket: Socket, topic: Topic, source: FeedSource, rev: int | None, epoch: str) -> int:
        assert topic.cursor is not None
        if rev is None:
            rev = topic.cursor
        if (epoch and epoch != topic.epoch) or (rev > topic.cursor and not await self._has_reached(topic, source, rev)):
            return self._reset(socket, topic)
        frames = topic.since(rev)
        while frames is None:
            missed = await self._catch_up(source, topic.group, rev)
            if missed.is_reset:
                return self._reset(socket, topic)
            for change in missed.changes:
                socket.send(change)
            rev = missed.rev
            if rev >= topic.cursor:
                break
            frames = topic.since(rev)
        for frame in frames or []:
            socket.write(frame)
        rev = max(rev, topic.cursor) if frames is not None else rev
        socket.send(FeedLive(feed=topic.group, rev=rev, epoch=topic.epoch))
        return rev

    async def _has_reached(self, topic: Topic, source: FeedSource, rev: int) -> bool:
        """A client may be ahead of this process, never of the database."""
        await self._repair(topic, source)
        return topic.cursor is not None and rev <= topic.cursor

    def _reset(self, socket: Socket, topic: Topic) -> int:
        assert topic.cursor is not None
        self.counters["resets"] += 1
        socket.send(FeedReset(feed=topic.group, rev=topic.cursor, epoch=topic.epoch))
        return topic.cursor

    async def subscribe(self, group: str) -> Topic:
        """Follow a group on the layer, before anything about it is read. A layer that is away delays nobody for long."""
        topic = self.topics.get(group)
        if topic is None:
            topic = self.topics[group] = Topic(group)
            self._joining[group] = self._run(self._group_add(group))
        if joining := self._joining.get(group):
            await asyncio.wait([joining], timeout=SUBSCRIBE_SECONDS)
        return topic

    async def _group_add(self, group: str) -> None:
        try:
            channel = await self._own_channel()
            await self.layer.group_add(group, channel)
        except Exception as error:  # whatever the layer raises when it is away; the tick tries again
            self._layer_trouble("group_add", error)
        finally:
            self._joining.pop(group, None)

    async def _own_channel(self) -> str:
        async with self._starting:
            if not self._channel:
                self._channel = await self.layer.new_channel()
            return self._channel

    async def hold(self, socket: Socket, group: str) -> None:
        """Subscribe, and keep the topic for this socket while it is decided whether it may have it. Undone by `leave`."""
        topic = await self.subscribe(group)
        socket.groups.add(group)
        if socket not in topic.live:
            topic.joining.setdefault(socket, None)

    def watch(self, socket: Socket, feed: str, head: Head) -> None:
        """Tell this socket, which holds the topic, only how far the feed is."""
        topic = self.topics[feed]
        topic.watchers.add(socket)
        if feed not in socket.feeds:
            topic.joining.pop(socket, None)
        if topic.cursor is None:
            topic.start(head.rev, head.epoch)

    async def follow(self, socket: Socket, group: str) -> int:
        """Join a group that has no revisions, such as that of one person's sockets. Returns how many follow it here."""
        await self.hold(socket, group)
        topic = self.topics[group]
        topic.admit(socket, 0)
        return len(topic.live)

    def leave(self, socket: Socket, group: str) -> None:
        topic = self.topics.get(group)
        if topic is None:
            return
        self.presence.leave(socket, topic)
        socket.feeds.discard(group)
        socket.groups.discard(group)
        topic.remove(socket)
        if topic.is_empty:
            del self.topics[group]
            if self._channel:
                self._run(self._group_discard(group))

    async def _group_discard(self, group: str) -> None:
        if group in self.topics:  # somebody came back
            return
        try:
            await self.layer.group_discard(group, self._channel)
        except Exception as error:  # the layer is away; a group too many does no harm
            self._layer_trouble("group_discard", error)

    def refuse(self, socket: Socket, feed: str, code: str) -> None:
        self.leave(socket, feed)
        socket.send(FeedRefused(feed=feed, code=code))

    # Fan-out

    def publish(self, broadcast: Broadcast) -> None:
        """Tell the sockets of this process at once, and the other processes through the layer."""
        self.counters["published"] += len(broadcast.payloads)
        self._deliver(broadcast)
        self.publisher.send(
            broadcast.group,
            {
                "type": "realtime.frames",
                "group": broadcast.group,
                "payloads": [list(pair) for pair in broadcast.payloads],
                "head": broadcast.head,
            },
        )

    def _deliver(self, broadcast: Broadcast) -> None:
        topic = self.topics.get(broadcast.group)
        if topic is None:
            return
        in_order = True
        for rev, payload in broadcast.payloads:
            frame = text_frame(payload)
            if rev is None:
                topic.tell(frame)
            else:
                in_order = topic.accept(rev, frame)
        if broadcast.head is not None and topic.watchers:
            self._tell_head(topic, broadcast.head, max(rev or 0 for rev, _ in broadcast.payloads))
        if not in_order:
            self._repair_soon(topic)

    def flush_later(self, socket: Socket) -> None:
        if not self._to_flush:
            self.loop.call_soon(self.flush)
        self._to_flush.append(socket)

    def flush(self) -> None:
        sockets, self._to_flush = self._to_flush, []
        for socket in sockets:
            socket.flush()

    def _tell_head(self, topic: Topic, facts: dict[str, Any], rev: int) -> None:
        """Coalesced: the first at once, then the latest once a second."""
        waiting = topic.group in self._heads
        self._heads[topic.group] = {"type": "realtime.feed.head", "feed": topic.group, "rev": rev, **facts}
        if not waiting:
            self._flush_head(topic.group)

    def _flush_head(self, group: str) -> None:
        facts, topic = self._heads.get(group), self.topics.get(group)
        if not facts or not topic:
            self._heads.pop(group, None)
            return
        frame = text_frame(encode(facts))
        for socket in topic.watchers:
            socket.write(frame)
        self._heads[group] = {}
        self.loop.call_later(HEAD_SECONDS, self._flush_head, group)

    # The layer

    async def _receive(self) -> None:
        """Read what other processes publish. Whatever happens to the layer, this goes on."""
        channel = ""
        while True:
            try:
                channel = await self._own_channel()
                self.take(await self.layer.receive(channel))
            except asyncio.CancelledError:
                raise
            except Exception as error:  # whatever the layer raises; the tick repairs what is lost meanwhile
                self._layer_trouble("receive", error)
                await asyncio.sleep(1)

    def take(self, message: dict[str, Any]) -> None:
        """One message of the layer. Unknown types are counted, not raised: newer code may be running beside us."""
        if message.get("origin") == self.id.hex:
            return
        match message.get("type"):
            case "realtime.frames":
                payloads = [(rev, bytes(payload)) for rev, payload in message["payloads"]]
                self._deliver(Broadcast(message["group"], payloads, message.get("head")))
            case "realtime.access":
                self.recheck(message["user"], message.get("session", ""))
            case "realtime.presence":
                self.presence.take(message)
            case _:
                self.counters["unknown"] += 1

    def tell_hubs(self, group: str, message: dict[str, Any]) -> None:
        """Tell all hubs something that is not for browsers."""
        self.take(message)
        self.publisher.send(group, message)

    def recheck(self, user_id: int, session: str = "") -> None:
        """Somebody's rights changed: their sockets look again."""
        topic = self.topics.get(user_group(user_id))
        for socket in list(topic.live) if topic else []:
            if socket.recheck and session in {"", socket.session}:
                socket.recheck()

    def _layer_trouble(self, what: str, error: Exception) -> None:
        self.counters["layer_errors"] += 1
        logger.warning("Channel layer: %s failed (%s: %s); the feeds repair what it loses.", what, type(error).__name__, error)

    # Repair

    def _repair_soon(self, topic: Topic) -> None:
        source = self._source(topic.group)
        if source and topic.group not in self._repairs:
            self._repairs[topic.group] = self._run(self._repair_late(topic, source))

    async def _repair_late(self, topic: Topic, source: FeedSource) -> None:
        try:
            await asyncio.sleep(LATE_SECONDS)
            while topic.early and self.topics.get(topic.group) is topic:
                await self._repair(topic, source)
        except (DatabaseError, Refusal) as error:
            logger.warning("Repair of %s failed (%s); the tick tries again.", topic.group, error)
        finally:
            self._repairs.pop(topic.group, None)

    async def _repair(self, topic: Topic, source: FeedSource) -> None:
        """Read what is missing, once for all sockets of the process."""
        if topic.cursor is None:
            return
        self.counters["repairs"] += 1
        missed = await self._catch_up(source, topic.group, topic.cursor)
        if missed.is_reset or missed.epoch != topic.epoch:
            self._reset_all(topic, missed)
        else:
            topic.repair([(change.rev, text_frame(encode(change))) for change in missed.changes], missed.rev)

    async def _catch_up(self, source: FeedSource, feed: str, rev: int) -> CatchUp:
        return await in_database(source.catch_up, split_name(feed)[1], rev)

    def _reset_all(self, topic: Topic, missed: CatchUp) -> None:
        if not missed.epoch:  # the feed is gone
            for socket in list(topic.followers()):
                self.refuse(socket, topic.group, "not_found")
            return
        topic.start(missed.rev, missed.epoch)
        for socket in list(topic.live):
            self._reset(socket, topic)

    # The tick

    async def _tick(self) -> None:
        """Find what no later hint would reveal: a lost last message, a lost subscription, rights that were taken away."""
        while True:
            await asyncio.sleep(TICK_SECONDS * random.uniform(0.8, 1.2))
            try:
                await self.check()
            except (DatabaseError, Refusal) as error:
                logger.warning("The tick could not reach the database (%s); it tries again.", error)

    async def check(self) -> None:
        """Subscribe again and compare heads: one query per kind of feed, whatever the number of sockets."""
        for group in list(self.topics):
            await self._group_add(group)
        for source in sources().values():
            await self._compare_heads(source)
        self._ticks += 1
        if self._ticks % RECHECK_TICKS == 0:
            for socket in list(self.sockets):
                if socket.recheck:
                    socket.recheck()
        await self.presence.check()

    async def _compare_heads(self, source: FeedSource) -> None:
        open_topics = [topic for topic in self.topics.values() if self._source(topic.group) is source]
        if not open_topics:
            return
        heads = await in_database(source.heads, [split_name(topic.group)[1] for topic in open_topics])
        for topic in open_topics:
            head = heads.get(split_name(topic.group)[1])
            if topic.cursor is None:
                if head:
                    topic.start(*head)
            elif head is None or head.rev > topic.cursor or head.epoch != topic.epoch:
                await self._repair(topic, source)

    def _source(self, group: str) -> FeedSource | None:
        return sources().get(group.rpartition(".")[0])

    def _run(self, coroutine: Any) -> asyncio.Task[Any]:
        task = self.loop.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)
        return task


def payloads_of(events: Iterable[Event]) -> list[tuple[int | None, bytes]]:
    return [(event.rev if isinstance(event, Change) else None, encode(event)) for event in events]
