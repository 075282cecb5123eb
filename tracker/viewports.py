"""Who sees what: the map's audience in one process (docs/decisions/0010).

A busy map has more changes than anybody's window shows. The process hears of each once; here it is found, by the same grid that
the database uses, which sockets it concerns, and they are told together four times a second. Panning is a change of a dictionary:
no message on the channel layer, no query.
"""

import asyncio
from collections import defaultdict
from typing import Any

import msgspec

from realtime.events import FeedReset
from realtime.servers import split_frames, text_frame
from realtime.sockets import Socket
from realtime.topics import Topic
from tracker.geo.cells import Box, ancestors, contains, covering, leaf, unwrapped

SECONDS = 0.25  # between two envelopes for one socket
PROGRESS_SECONDS = 10.0  # how old the cursor of a socket may become of which nothing is in sight
MOST = 300  # events in an envelope; who would get more reads the map afresh


class _Envelope(msgspec.Struct):
    events: list[msgspec.Raw]


class Viewports:
    """Implements `realtime.topics.Audience`. A socket that has not said what its window shows is told everything, at once."""

    def __init__(self) -> None:
        self._boxes: dict[Socket, list[Box]] = {}
        self._keys: dict[Socket, list[int]] = {}
        self._by_cell: dict[int, set[Socket]] = defaultdict(set)
        self._waiting: dict[Socket, dict[str, bytes]] = {}  # what a socket has yet to be told, the latest of each incident
        self._told: dict[Socket, int] = {}  # how far each has come
        self._topic: Topic | None = None
        self._flushing: asyncio.Handle | None = None
        self._flushed_at = 0.0
        self._is_pacing = False

    def look(self, topic: Topic, socket: Socket, box: Box) -> int:
        """This is what the socket's window shows now. Returns the revision from which on that holds."""
        self._leave_cells(socket)
        self._boxes[socket] = unwrapped(box)
        self._keys[socket] = covering(box)
        for cell in self._keys[socket]:
            self._by_cell[cell].add(socket)
        self._told.setdefault(socket, 0)
        self._topic = topic
        if not self._is_pacing:
            self._is_pacing = True
            asyncio.get_running_loop().call_later(PROGRESS_SECONDS, self._tell_progress)
        return topic.cursor or 0

    def forget(self, socket: Socket) -> None:
        self._leave_cells(socket)
        for kept in (self._boxes, self._waiting, self._told):
            kept.pop(socket, None)

    def show(self, topic: Topic, rev: int, frame: bytes, about: Any) -> None:
        self._topic = topic
        if unlimited := topic.live - self._boxes.keys():
            for socket in unlimited:
                socket.write(frame)
            topic.traffic.count(topic.group, len(unlimited), len(frame))
        watching = self._boxes.keys() & topic.live if about is None else self._in_sight(topic, about[1])
        if watching:
            key = about[0] if about else f"{rev}"
            events = _events(frame)
            for socket in watching:
                waiting = self._waiting.setdefault(socket, {})
                waiting.pop(key, None)  # the later one says it all, and comes last
                waiting[key] = events
            self._flush_soon()

    def _in_sight(self, topic: Topic, places: list[list[float]]) -> set[Socket]:
        """Whoever sees one of the places: an incident that moves out is told to those it leaves, too."""
        found = set()
        for lon, lat in places:
            for cell in ancestors(leaf(lon, lat)):
                for socket in self._by_cell.get(cell, ()):
                    if socket not in found and contains(self._boxes[socket], lon, lat):
                        found.add(socket)
        return found & topic.live

    def _flush_soon(self) -> None:
        """The first change leaves at the end of this turn of the loop, the next ones together after a quarter of a second."""
        if self._flushing is None:
            loop = asyncio.get_running_loop()
            self._flushing = loop.call_at(max(self._flushed_at + SECONDS, loop.time()), self._flush)

    def _flush(self) -> None:
        self._flushing, self._flushed_at = None, asyncio.get_running_loop().time()
        waiting, self._waiting = self._waiting, {}
        assert self._topic is not None and self._topic.cursor is not None
        for socket, events in waiting.items():
            if len(events) > MOST:
                socket.send(FeedReset(feed=self._topic.group, rev=self._topic.cursor, epoch=self._topic.epoch))
                self._told[socket] = self._topic.cursor
            else:
                self._tell(socket, b",".join(events.values()))

    def _tell(self, socket: Socket, events: bytes) -> None:
        topic = self._topic
        assert topic is not None and topic.cursor is not None
        head = b'{"type":"tracker.map.changed","feed":"%s","rev":%d,"events":[' % (topic.group.encode(), topic.cursor)
        frame = text_frame(head + events + b"]}")
        socket.write(frame)
        topic.traffic.count(topic.group, 1, len(frame))
        self._told[socket] = topic.cursor

    def _tell_progress(self) -> None:
        """Who sees nothing of a busy map must not fall behind it, or a short break would cost a fresh map."""
        if not self._boxes or self._topic is None or self._topic.cursor is None:
            self._is_pacing = False
            return
        asyncio.get_running_loop().call_later(PROGRESS_SECONDS, self._tell_progress)
        for socket in self._boxes.keys() & self._topic.live:
            if self._told[socket] < self._topic.cursor and socket not in self._waiting:
                self._tell(socket, b"")

    def _leave_cells(self, socket: Socket) -> None:
        for cell in self._keys.pop(socket, ()):
            self._by_cell[cell].discard(socket)
            if not self._by_cell[cell]:
                del self._by_cell[cell]


def _events(frame: bytes) -> bytes:
    """What is in an envelope, without the envelope; it is not read, only unwrapped."""
    [(_, payload)] = split_frames(frame)
    return b",".join(bytes(event) for event in msgspec.json.decode(payload, type=_Envelope).events)
