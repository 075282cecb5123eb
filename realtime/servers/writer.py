"""What every socket's writer can do, and the one that works under any server."""

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Callable
from functools import lru_cache
from typing import Any

from realtime.servers.frames import TEXT, split_frames

Send = Callable[[dict[str, Any]], Awaitable[None]]

CLOSE_SECONDS = 5.0  # how long a reader may take to accept a close frame before its connection is dropped


class Writer(ABC):
    """The way out to one accepted socket. It belongs to the event loop's thread and never waits.

    It is in order with every ASGI `send()` that was awaited before. A write is lost without a word once the socket is
    closed: the reader's cursor, not the writer, knows what arrived.
    """

    __slots__ = ()

    @abstractmethod
    def write(self, data: bytes) -> bool:
        """Send one ready frame, or several joined: one system call either way.

        True: the kernel took everything, so this is all the fast path has to ask. False: look at `closed` and `queued`.
        """

    @property
    @abstractmethod
    def queued(self) -> int:
        """Bytes the kernel has not taken yet: what a slow reader costs us in memory."""

    @property
    @abstractmethod
    def closed(self) -> bool:
        """True before the handshake is done, and from the close frame on."""

    @abstractmethod
    async def close(self, code: int) -> None:
        """Send a close frame behind all that was written. A reader that does not take it is dropped soon after."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the connection and what is queued at once, for a reader that would not even read a close frame."""

    def pause_reading(self) -> None:
        """Take nothing more from this client: TCP then slows it down.

        Not calling `receive()` is usually enough, because both servers stop reading when frames are left lying (Daphne
        by our hardening). A `receive()` that empties the server's queue also ends the pause.
        """
        return  # an unknown server is left to bound itself

    def resume_reading(self) -> None:
        """Undo `pause_reading()`."""
        return


class SendWriter(Writer):
    """For a server whose inside is unknown, or whose `send()` some middleware wrapped: frames go out through ASGI.

    At least twice as expensive as a direct write. ASGI has no word for dropping a connection, so `abort()` can only
    forget what is queued and ask for a close.
    """

    __slots__ = ("_is_closed", "_pump", "_queue", "_queued", "_send")

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: deque[bytes] = deque()
        self._queued = 0
        self._is_closed = False
        self._pump: asyncio.Task[None] | None = None

    def write(self, data: bytes) -> bool:
        if not self._is_closed:
            self._queue.append(data)
            self._queued += len(data)
            if self._pump is None:
                self._pump = asyncio.ensure_future(self._empty_queue())
        return False

    @property
    def queued(self) -> int:
        return self._queued

    @property
    def closed(self) -> bool:
        return self._is_closed

    async def close(self, code: int) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                if self._pump:
                    await self._pump
                await self._send({"type": "websocket.close", "code": code})
        except Exception:  # whatever this server raises for a client that is gone or does not read
            self._forget()

    def abort(self) -> None:
        if not self._is_closed:
            self._forget()
            self._pump = asyncio.ensure_future(self._ask_to_close())

    async def _empty_queue(self) -> None:
        try:
            while self._queue:
                data = self._queue.popleft()
                for message in _messages(data):
                    await self._send(message)
                self._queued -= len(data)
        except Exception:  # servers differ in what they raise for a closed socket; all of it means: no more writing
            self._forget()
        finally:
            self._pump = None

    async def _ask_to_close(self) -> None:
        try:
            await self._send({"type": "websocket.close", "code": 1000})
        except Exception:  # already closed, which is what we wanted
            self._forget()

    def _forget(self) -> None:
        self._is_closed = True
        self._queue.clear()
        self._queued = 0
        if self._pump and self._pump is not asyncio.current_task():
            self._pump.cancel()


@lru_cache(maxsize=8)
def _messages(data: bytes) -> tuple[dict[str, Any], ...]:
    """The ASGI messages in `data`; remembered, because a broadcast writes the same bytes to every socket."""
    return tuple(
        {"type": "websocket.send", "text": payload.decode()} if kind == TEXT else {"type": "websocket.send", "bytes": payload}
        for kind, payload in split_frames(data)
    )
