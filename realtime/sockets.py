"""One tab's socket, as the hub sees it: a writer, a person, and what it follows."""

import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from realtime.protocol import Event, frame_of
from realtime.servers import Writer

if TYPE_CHECKING:
    from realtime.hub import Hub

SLOW_BYTES = 1_048_576  # what a reader may leave unread before it is cut off
TOO_SLOW = 4408


def user_group(user_id: int) -> str:
    """The group of all open sockets of one person."""
    return f"realtime.user.{user_id}"


class Socket:
    """Frames written in one turn of the event loop leave together, with one system call."""

    __slots__ = (
        "_hub",
        "_pending",
        "closing",
        "feeds",
        "groups",
        "id",
        "opened_at",
        "recheck",
        "session",
        "user",
        "watching",
        "writer",
    )

    def __init__(self, hub: "Hub", writer: Writer):
        self.id = uuid.uuid4().hex
        self.opened_at = time.time()
        self.user: Any = None
        self.session = ""  # the session key, so that a log-out finds its sockets
        self.feeds: set[str] = set()  # joined
        self.watching: set[str] = set()  # the heads of these
        self.groups: set[str] = set()  # all that the hub keeps for it
        self.writer = writer
        self.closing = 0  # the close code, once it is decided
        self.recheck: Callable[[], None] | None = None  # set by the consumer: look at the person's rights again
        self._hub = hub
        self._pending: list[bytes] = []

    def send(self, event: Event) -> None:
        """Send to this socket alone."""
        self.write(frame_of(event))

    def write(self, frame: bytes) -> None:
        """Queue one ready frame; it leaves at the end of this turn of the event loop."""
        if not self._pending:
            self._hub.flush_later(self)
        self._pending.append(frame)

    def flush(self) -> None:
        pending = self._pending
        data = pending[0] if len(pending) == 1 else b"".join(pending)
        self._pending = []
        if not self.writer.write(data) and self.writer.queued > SLOW_BYTES:
            # It resumes from its cursor when it can read again; meanwhile it costs us nothing.
            self._hub.close_slow(self)
