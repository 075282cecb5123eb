"""One topic of the hub: who of this process follows it, and how far its feed has been shown to them.

No I/O here, only the rules of order. All live sockets share one cursor, so each change is looked at once per process,
not once per socket.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from realtime.traffic import Traffic

if TYPE_CHECKING:
    from realtime.sockets import Socket

RECENT = 256  # changes kept in memory, so that a storm of reconnects does not reach the database
EARLY = 512  # changes kept while an earlier one is awaited


class Audience(Protocol):
    """Who of a topic's live sockets gets a change, and when: for a feed of which each socket shows a part (docs/decisions/0010).

    `about` is what the broadcaster said of the change; None after a repair, and then it is for everybody. Whatever a socket is
    sent must bring its cursor to where the topic's is, and nothing older may follow. What is written is counted in
    `topic.traffic`.
    """

    def show(self, topic: "Topic", rev: int, frame: bytes, about: Any) -> None: ...

    def forget(self, socket: "Socket") -> None: ...


class Topic:
    """The sockets that follow one group. `cursor` is None for a group without revisions, and before the head is known."""

    def __init__(self, group: str, traffic: Traffic | None = None, audience: Audience | None = None):
        self.group = group
        self.traffic = traffic or Traffic()  # the hub's
        self.audience = audience  # None: every change is for every socket
        self.live: set[Socket] = set()
        self.joining: dict[Socket, int | None] = {}  # the revision it has; None while that is being read
        self.watchers: set[Socket] = set()  # of the head only
        self.is_followed = False  # on the layer
        self.cursor: int | None = None
        self.epoch = ""
        self.early: dict[int, tuple[bytes, Any]] = {}
        self._recent: deque[tuple[int, bytes]] = deque()
        self._recent_after = 0  # every change after this revision is in `_recent`

    @property
    def is_empty(self) -> bool:
        return not (self.has_followers or self.watchers)

    @property
    def has_followers(self) -> bool:
        return bool(self.live or self.joining)

    def followers(self) -> Iterator["Socket"]:
        yield from self.live
        yield from self.joining

    def start(self, cursor: int, epoch: str) -> None:
        """From here on the topic knows where its feed stands."""
        self.cursor, self.epoch = cursor, epoch
        self._recent.clear()
        self._recent_after = cursor
        self._show_early()

    def tell(self, frame: bytes) -> None:
        """Fan out something that has no revision."""
        for socket in self.live:
            socket.write(frame)
        self.traffic.count(self.group, len(self.live), len(frame))

    def accept(self, rev: int, frame: bytes, about: Any = None) -> bool:
        """Take a change that arrived. In order: show it; known: drop it; early: keep it. False when one is missing."""
        if self.cursor is None:  # the head is being read: this may be part of it, or the first change after it
            self._keep(rev, frame, about)
            return True
        if rev == self.cursor + 1:
            self._show(rev, frame, about)
            self._show_early()
        elif rev > self.cursor:
            self._keep(rev, frame, about)
        return not self.early

    def repair(self, changes: Sequence[tuple[int, bytes]], reached: int) -> None:
        """Show what was read from the database: all that is missing up to revision `reached`."""
        for rev, frame in changes:
            if rev > (self.cursor or 0):
                self._show(rev, frame)
        self.cursor = max(self.cursor or 0, reached)
        self._show_early()
        self._promote(self.cursor)

    def since(self, rev: int) -> list[bytes] | None:
        """What was shown after revision `rev`, from memory; None if that does not reach back so far."""
        if self.cursor is None or rev < self._recent_after:
            return None
        return [frame for at, frame in self._recent if at > rev]

    def admit(self, socket: "Socket", rev: int) -> None:
        """This socket has everything up to `rev`: from now on it hears what comes after."""
        self.joining.pop(socket, None)
        if rev <= (self.cursor or 0):
            self.live.add(socket)
        else:  # it read the database before the hint came here
            self.joining[socket] = rev

    def remove(self, socket: "Socket") -> None:
        self.live.discard(socket)
        self.joining.pop(socket, None)
        self.watchers.discard(socket)
        if self.audience:
            self.audience.forget(socket)

    def _keep(self, rev: int, frame: bytes, about: Any) -> None:
        if len(self.early) < EARLY:
            self.early[rev] = (frame, about)

    def _show_early(self) -> None:
        """Show what was kept and is next now; forget what has been shown meanwhile."""
        assert self.cursor is not None
        self.early = {rev: kept for rev, kept in self.early.items() if rev > self.cursor} if self.early else {}
        while kept := self.early.pop(self.cursor + 1, None):
            self._show(self.cursor + 1, *kept)

    def _show(self, rev: int, frame: bytes, about: Any = None) -> None:
        self._promote(rev - 1)
        self.cursor = rev
        if self.audience:
            self.audience.show(self, rev, frame, about)
        else:
            for socket in self.live:
                socket.write(frame)
            self.traffic.count(self.group, len(self.live), len(frame))
        self._recent.append((rev, frame))
        if len(self._recent) > RECENT:
            self._recent_after = self._recent.popleft()[0]

    def _promote(self, cursor: int) -> None:
        """Sockets that were ahead of the topic join the others as soon as it has come to where they are."""
        if not self.joining:
            return
        for socket in [socket for socket, rev in self.joining.items() if rev is not None and rev <= cursor]:
            del self.joining[socket]
            self.live.add(socket)
