"""One board in one process, right now: who is here, and the ink of this moment.

What people do while they do it is collected and told in one frame, 16 ms after the last one (the first at once): so a board
with twenty people drawing costs each socket sixty frames a second and not six hundred, and the channel layer sixty messages
whatever the number of sockets. All of it may be lost. What was committed goes the way of every feed, `realtime/hub.py`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from drawing import wire
from drawing.events import PeopleChanged
from realtime.hub import Hub
from realtime.protocol import frame_of
from realtime.servers import binary_frame

if TYPE_CHECKING:
    from drawing.pens import Pen

TICK_SECONDS = 0.016
SLOW_TICK_SECONDS = 0.033  # when telling takes longer than `LONG_SECONDS`
LONG_SECONDS = 0.008
EPHEMERAL_BYTES = 65_536  # whoever leaves so much unread is told only what is committed
HEARTBEAT_SECONDS = 5.0
LEASE_SECONDS = 16.0  # a process that is silent for so long is gone, and its people with it
SHOW_SECONDS = 0.1  # comings and goings are told that often
NAMED = 200  # people told by name


class LiveBoard:
    """`LiveBoard.enter(hub, feed, pen)`; it exists while somebody of this process is on the board."""

    _by_hub: WeakKeyDictionary[Hub, dict[str, LiveBoard]] = WeakKeyDictionary()

    def __init__(self, hub: Hub, feed: str):
        self.hub, self.feed = hub, feed
        self.pens: dict[Any, Pen] = {}  # by socket
        self._told_at = 0.0
        self._tick = TICK_SECONDS
        self._ticking: asyncio.TimerHandle | None = None
        self._elsewhere: dict[str, tuple[float, list[dict[str, Any]], int]] = {}  # process: (lease, people, watching)
        self._shown: PeopleChanged | None = None
        self._showing: asyncio.TimerHandle | None = None
        self._heart: asyncio.Task[None] | None = None

    @classmethod
    def enter(cls, hub: Hub, feed: str, pen: Pen) -> LiveBoard:
        """Somebody opened the board. They are here from now on, so that it cannot go while they are on their way in."""
        boards = cls._by_hub.setdefault(hub, {})
        board = boards.get(feed) or boards.setdefault(feed, cls(hub, feed))
        board.pens[pen.socket] = pen
        return board

    @classmethod
    def known(cls, hub: Hub, feed: str) -> LiveBoard | None:
        return cls._by_hub.get(hub, {}).get(feed)

    def joined(self, pen: Pen) -> None:
        """They follow the feed: this process hears what others tell, and may ask them who is there."""
        if self._heart is None:
            self._heart = self.hub.loop.create_task(self._beat())
            self._tell_processes(asks=True)
        self.people_changed()
        pen.socket.send(self._people())

    def leave(self, pen: Pen) -> None:
        self.pens.pop(pen.socket, None)
        self.people_changed()
        if not self.pens:
            for waiting in (self._ticking, self._showing, self._heart):
                if waiting:
                    waiting.cancel()
            self._by_hub.get(self.hub, {}).pop(self.feed, None)

    # Ink

    def tick_soon(self) -> None:
        """Somebody has something to tell. The first is told in this turn of the loop, what comes after it together."""
        if self._ticking is None:
            self._ticking = self.hub.loop.call_at(self._told_at + self._tick, self.tick)

    def tick(self) -> None:
        self._ticking = None
        started = self._told_at = self.hub.loop.time()
        said = {pen.socket: words for pen in self.pens.values() if (words := pen.take_said())}
        if said:
            whole = bytes([wire.TICK]) + b"".join(said.values())
            self._tell(whole, said)
            if self._elsewhere:  # nobody is told what nobody there would see
                self.hub.layer.send(self.feed, {"type": "drawing.tick", "feed": self.feed, "ink": whole})
        took = self.hub.loop.time() - started
        self._tick = SLOW_TICK_SECONDS if took > LONG_SECONDS else TICK_SECONDS

    def _tell(self, whole: bytes, said: dict[Any, bytes]) -> None:
        """Nobody is told their own words. Who joins the feed again meanwhile must not miss a piece of every stroke."""
        frame = binary_frame(whole)
        for socket in self.pens:
            if socket.writer.queued > EPHEMERAL_BYTES:
                continue
            if socket not in said:
                socket.write(frame)
            elif len(said) > 1:
                others = b"".join(words for speaker, words in said.items() if speaker is not socket)
                socket.write(binary_frame(bytes([wire.TICK]) + others))
        self.hub.traffic.count(self.feed, len(self.pens), len(frame))

    def tell_ink_from_elsewhere(self, ink: bytes) -> None:
        self._tell(ink, {})

    # People

    def people_changed(self) -> None:
        """Somebody came, went, or has another role."""
        self._tell_processes()
        self._show_soon()

    def people_elsewhere(self, message: dict[str, Any]) -> None:
        """Another process tells who is there."""
        if message["people"] or message["watching"]:
            lease = self.hub.loop.time() + LEASE_SECONDS
            self._elsewhere[message["process"]] = (lease, message["people"], message["watching"])
        else:
            self._elsewhere.pop(message["process"], None)
        if message["asks"]:
            self._tell_processes()
        self._show_soon()

    def _local_people(self) -> tuple[list[dict[str, Any]], int]:
        people = {pen.place.number: pen.person() for pen in self.pens.values() if pen.place}
        return list(people.values()), sum(pen.place is None for pen in self.pens.values())

    def _people(self) -> PeopleChanged:
        now = self.hub.loop.time()
        self._elsewhere = {process: entry for process, entry in self._elsewhere.items() if entry[0] > now}
        people, watching = self._local_people()
        by_number = {person["number"]: person for person in people}
        for _, others, more in self._elsewhere.values():
            by_number |= {person["number"]: person for person in others}
            watching += more
        everybody = sorted(by_number.values(), key=lambda person: person["number"])
        return PeopleChanged(feed=self.feed, people=everybody[:NAMED], watching=watching)

    def _tell_processes(self, asks: bool = False) -> None:
        people, watching = self._local_people()
        message = {"type": "drawing.people", "feed": self.feed, "process": self.hub.id.hex, "asks": asks}
        self.hub.layer.send(self.feed, message | {"people": people, "watching": watching})

    def _show_soon(self) -> None:
        if self._showing is None:
            self._showing = self.hub.loop.call_later(SHOW_SECONDS, self._show)

    def _show(self) -> None:
        self._showing = None
        event = self._people()
        if event != self._shown:
            self._shown = event
            frame = frame_of(event)
            for socket in self.pens:
                socket.write(frame)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            self._tell_processes()
            self._show()


@Hub.takes("drawing.tick")
def take_tick(hub: Hub, message: dict[str, Any]) -> None:
    if board := LiveBoard.known(hub, message["feed"]):
        board.tell_ink_from_elsewhere(message["ink"])


@Hub.takes("drawing.people")
def take_people(hub: Hub, message: dict[str, Any]) -> None:
    if board := LiveBoard.known(hub, message["feed"]):
        board.people_elsewhere(message)
