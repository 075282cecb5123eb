"""The hub: everything a process fans out, once per process and not once per socket.

The hub has one channel on the channel layer and is in the group of each topic that a local socket follows. What arrives
there is written as the same bytes to every one of them. What the layer loses is read from the database, once for all.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import uuid4
from weakref import WeakKeyDictionary

from django.db import Error as DatabaseError

from realtime import presence
from realtime.events import Bye, FeedRefused
from realtime.feeds import Head
from realtime.layer import LayerLink
from realtime.presence import Presence
from realtime.protocol import Change, Event, encode, frame_of
from realtime.registry import source_of
from realtime.repair import Repair
from realtime.servers import Writer, text_frame
from realtime.sockets import TOO_SLOW, Socket, user_group
from realtime.topics import Topic
from realtime.traffic import Traffic

logger = logging.getLogger(__name__)

TICK_SECONDS = 15.0  # ± 20 %; how long a lost last message may go unnoticed
RECHECK_TICKS = 4  # rights are looked at again that often, should the hint that they changed be lost
REST_SECONDS = 0.05  # at most, between two rounds of writing
HEAD_SECONDS = 1.0  # watched heads are told at most this often
RESTART, LOGGED_OUT = 4012, 4401  # close codes


@dataclass(frozen=True, slots=True)
class Broadcast:
    """What one `broadcast()` says: ready frames with their revisions (None: ephemeral) and what they are about, for an
    `Audience` (None: everybody), and the feed's head facts."""

    group: str
    frames: Sequence[tuple[int | None, bytes, Any]]
    head: dict[str, Any] | None = None

    @classmethod
    def of(
        cls, group: str, events: Sequence[Event], head: dict[str, Any] | None, about: Sequence[Any] | None = None
    ) -> "Broadcast":
        revs = [event.rev if isinstance(event, Change) else None for event in events]
        subjects = about or [None] * len(events)
        return cls(group, list(zip(revs, map(frame_of, events), subjects, strict=True)), head)

    def to_message(self) -> dict[str, Any]:
        frames = [list(frame) for frame in self.frames]
        return {"type": "realtime.frames", "group": self.group, "frames": frames, "head": self.head}

    @classmethod
    def from_message(cls, message: dict[str, Any]) -> "Broadcast":
        frames = [(rev, bytes(frame), about) for rev, frame, about in message["frames"]]
        return cls(message["group"], frames, message.get("head"))


class Hub:
    """One per event loop: `Hub.here()`."""

    _by_loop: ClassVar[WeakKeyDictionary[asyncio.AbstractEventLoop, "Hub"]] = WeakKeyDictionary()
    _takers: ClassVar[dict[str, "Taker"]] = {}

    def __init__(self) -> None:
        self.id = uuid4()
        self.loop = asyncio.get_running_loop()
        self.sockets: set[Socket] = set()
        self.opened = 0  # sockets, ever
        self.topics: dict[str, Topic] = {}
        self.traffic = Traffic()
        self.closes: Counter[int] = Counter()  # sockets that ended, by close code
        self.counters: Counter[str] = Counter()
        self.layer = LayerLink(self.id.hex, self.take, self.counters)
        self.repair = Repair(self.counters, self.refuse, self.tell_head)
        self.presence = Presence(self)
        self._tasks: list[asyncio.Task[None]] = []
        self._background: set[asyncio.Task[None]] = set()
        self._to_flush: list[Socket] = []
        self._rest_until = 0.0
        self._heads: dict[str, dict[str, Any]] = {}

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

    @classmethod
    def takes(cls, kind: str) -> Callable[["Taker"], "Taker"]:
        """Register what an app does with messages of this type that its hubs send each other by `tell_hubs`."""

        def register(taker: Taker) -> Taker:
            cls._takers[kind] = taker
            return taker

        return register

    # Sockets come and go

    def open(self, writer: Writer) -> Socket:
        socket = Socket(self, writer)
        self.sockets.add(socket)
        self.opened += 1
        if not self._tasks:
            self._tasks = [self.loop.create_task(self.layer.receive()), self.loop.create_task(self._tick())]
        self.presence.start()
        return socket

    async def close(self, socket: Socket) -> None:
        """Forget a socket. Always called, however it ended."""
        self.sockets.discard(socket)
        for group in list(socket.groups):
            self.leave(socket, group)
        if not self.sockets:
            self.run(self._rest())

    async def close_socket(self, socket: Socket, code: int) -> None:
        """Send what is queued, then a close frame."""
        if not socket.closing:
            socket.closing = code
            self.flush()
            await socket.writer.close(code)

    def close_slow(self, socket: Socket) -> None:
        self.counters["slow"] += 1
        self.run(self.close_socket(socket, TOO_SLOW))

    async def drain(self) -> None:
        """The process ends: say so to every socket, spread the return of the clients, and give up the lease."""
        sockets = list(self.sockets)
        for socket in sockets:
            socket.send(Bye(code=RESTART, reconnect_after=round(random.uniform(0.2, 3.0), 2)))
        await asyncio.gather(self.presence.stop(), *(self.close_socket(socket, RESTART) for socket in sockets))

    async def _rest(self) -> None:
        """Nobody is here: no lease, once it is clear that this was not somebody changing pages."""
        opened = self.opened
        await asyncio.sleep(presence.GRACE_SECONDS)
        if not self.sockets and opened == self.opened:  # else the one that came has a pause of its own
            await self.presence.stop()

    # Joining and leaving

    async def hold(self, socket: Socket, group: str) -> None:
        """Follow a group on the layer, for this socket, before anything about it is read. Undone by `leave`."""
        topic = self.topics.get(group)
        if topic is None:
            source = source_of(group)
            topic = self.topics[group] = Topic(group, self.traffic, source.audience() if source else None)
        socket.groups.add(group)
        if socket not in topic.live:
            topic.joining.setdefault(socket, None)
        if not topic.is_followed:
            await self.layer.follow(group)
            topic.is_followed = True

    async def join(self, socket: Socket, feed: str, head: Head, rev: int | None, epoch: str) -> None:
        """Bring a socket that is at revision `rev` (None: a new page) up to date, then keep it so.

        The socket holds the topic since before `head` was read, so nothing falls between the two.
        """
        topic = self.topics.get(feed)
        if topic is None or socket not in topic.joining:  # rights were taken away meanwhile
            return
        socket.feeds.add(feed)
        self._start(topic, head)
        reached = await self.repair.bring_up(socket, topic, rev, epoch)
        if socket in topic.joining:  # it has not left meanwhile
            topic.admit(socket, reached)
            self.presence.enter(socket, feed)

    def watch(self, socket: Socket, feed: str, head: Head) -> None:
        """Tell this socket, which holds the topic, only how far the feed is: now, and when that changes."""
        if feed not in socket.groups:  # rights were taken away meanwhile
            return
        topic = self.topics[feed]
        topic.watchers.add(socket)
        socket.watching.add(feed)
        if feed not in socket.feeds:
            topic.joining.pop(socket, None)
        self._start(topic, head)
        socket.write(_head_frame(feed, {"rev": head.rev, **head.facts}))

    def unwatch(self, socket: Socket, feed: str) -> None:
        socket.watching.discard(feed)
        if feed not in socket.feeds:
            self.leave(socket, feed)
        elif topic := self.topics.get(feed):
            topic.watchers.discard(socket)

    def _start(self, topic: Topic, head: Head) -> None:
        if topic.cursor is None:
            topic.start(head.rev, head.epoch)
            if topic.early:
                self.repair.repair_soon(topic)

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
        self.presence.leave(socket, group)
        socket.feeds.discard(group)
        socket.watching.discard(group)
        socket.groups.discard(group)
        topic.remove(socket)
        if topic.is_empty:
            del self.topics[group]
            self.presence.close_roster(group)
            self.run(self._unfollow(group))

    async def _unfollow(self, group: str) -> None:
        if group not in self.topics:  # nobody came back meanwhile
            await self.layer.unfollow(group)

    def refuse(self, socket: Socket, feed: str, code: str) -> None:
        self.leave(socket, feed)
        socket.send(FeedRefused(feed=feed, code=code))

    # Fan-out

    def publish(self, broadcast: Broadcast) -> None:
        """Tell the sockets of this process at once, and the other processes through the layer."""
        self.deliver(broadcast)
        self.layer.send(broadcast.group, broadcast.to_message())

    def deliver(self, broadcast: Broadcast) -> None:
        """Fan out to the sockets of this process."""
        topic = self.topics.get(broadcast.group)
        if topic is None:
            return
        in_order = True
        for rev, frame, about in broadcast.frames:
            if rev is None:
                topic.tell(frame)
            else:
                in_order = topic.accept(rev, frame, about)
        if not in_order:
            self.repair.repair_soon(topic)
        if broadcast.head is not None:
            self.tell_head(topic, {"rev": max((rev or 0 for rev, *_ in broadcast.frames), default=0), **broadcast.head})

    def flush_later(self, socket: Socket) -> None:
        """Write what this socket is sent during this turn of the event loop with one system call."""
        if not self._to_flush:
            self.loop.call_at(self._rest_until, self.flush)
        self._to_flush.append(socket)

    def flush(self) -> None:
        """Write at once what comes first. After that rest as long as the writing took: under load, what comes meanwhile
        leaves together, one system call a socket instead of one a message, and the loop has time for what comes in."""
        sockets, self._to_flush = self._to_flush, []
        since = self.loop.time()
        for socket in sockets:
            socket.flush()
        now = self.loop.time()
        self._rest_until = now + min(now - since, REST_SECONDS)

    def tell_head(self, topic: Topic, facts: dict[str, Any]) -> None:
        """Tell those who watch: the first at once, then the latest once a second."""
        if topic.watchers:
            is_waiting = topic.group in self._heads
            self._heads[topic.group] = facts
            if not is_waiting:
                self._flush_head(topic.group)

    def _flush_head(self, group: str) -> None:
        facts, topic = self._heads.get(group), self.topics.get(group)
        if not facts or not topic:
            self._heads.pop(group, None)
            return
        frame = _head_frame(group, facts)
        for socket in topic.watchers:
            socket.write(frame)
        self._heads[group] = {}
        self.loop.call_later(HEAD_SECONDS, self._flush_head, group)

    # What other processes say

    def take(self, message: dict[str, Any]) -> None:
        """One message of the layer. Unknown types are counted, not raised: newer code may be running beside us."""
        match message.get("type"):
            case "realtime.frames":
                self.deliver(Broadcast.from_message(message))
            case "realtime.access":
                self._recheck(message["user"])
            case "realtime.session":
                self._end_session(message["user"], message["session"])
            case "realtime.presence":
                self.presence.take(message)
            case str(kind) if kind in self._takers:
                self._takers[kind](self, message)
            case _:
                self.counters["unknown"] += 1

    def tell_hubs(self, group: str, message: dict[str, Any]) -> None:
        """Tell all hubs, this one included, something that is not for browsers."""
        self.take(message)
        self.layer.send(group, message)

    def _recheck(self, user_id: int) -> None:
        """Somebody's rights changed: their sockets look again."""
        for socket in self._sockets_of(user_id):
            if socket.recheck:
                socket.recheck()

    def _end_session(self, user_id: int, session: str) -> None:
        """Somebody logged out: no need to look, and looking might be quicker than the session's end."""
        for socket in self._sockets_of(user_id):
            if session == socket.session:
                self.run(self.close_socket(socket, LOGGED_OUT))

    def _sockets_of(self, user_id: int) -> list[Socket]:
        topic = self.topics.get(user_group(user_id))
        return list(topic.live) if topic else []

    # The tick

    async def _tick(self) -> None:
        """Find what no later hint would reveal."""
        ticks = 0
        while True:
            await asyncio.sleep(TICK_SECONDS * random.uniform(0.8, 1.2))
            ticks += 1
            try:
                await self.check(with_rights=ticks % RECHECK_TICKS == 0)
            except DatabaseError as error:
                logger.warning("The tick could not reach the database (%s); it tries again.", error)
            except Exception:  # our own mistake, perhaps of one feed: without a tick nobody here finds a lost last message again
                logger.exception("The tick failed; it tries again.")

    async def check(self, with_rights: bool = False) -> None:
        """Follow all groups again, compare heads and rosters; the queries do not depend on the number of sockets."""
        for group in list(self.topics):
            await self.layer.follow_again(group)
        await self.repair.compare_heads(list(self.topics.values()))
        await self.presence.check()
        for socket in list(self.sockets) if with_rights else []:
            if socket.recheck:
                socket.recheck()

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Start something that nobody waits for."""
        task = self.loop.create_task(coroutine)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


Taker = Callable[[Hub, dict[str, Any]], None]


def _head_frame(feed: str, facts: dict[str, Any]) -> bytes:
    """What a watcher is told. The facts differ from feed to feed, so this is the one frame that is not a struct."""
    return text_frame(encode({"type": "realtime.feed.head", "feed": feed, **facts}))
