"""uvicorn from the inside: how to write to its sockets, and how to say goodbye before it closes them."""

import asyncio
import inspect
from typing import Any

from uvicorn.server import Server

from realtime.servers.shutdown import LEAVE_SECONDS, drain
from realtime.servers.writer import CLOSE_SECONDS, Send, Writer

# websockets-sansio, the default, and wsproto share the attributes we need; the legacy implementation does not.
PROTOCOLS = {"WebSocketsSansIOProtocol", "WSProtocol"}
ATTRIBUTES = ("send", "transport", "handshake_complete", "close_sent", "read_paused")


def protocol_of(send: Send) -> Any | None:
    """The uvicorn WebSocket that this `send` belongs to, when nothing wrapped it and we know its kind."""
    protocol = getattr(send, "__self__", None)
    is_known = type(protocol).__module__.startswith("uvicorn.") and type(protocol).__name__ in PROTOCOLS
    return protocol if is_known else None


class UvicornWriter(Writer):
    """Writes to the asyncio transport, which writes at once when nothing is queued, and in order when something is."""

    __slots__ = ("_protocol", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport: asyncio.Transport = protocol.transport

    def write(self, data: bytes) -> bool:
        if self.closed:
            return False
        self._transport.write(data)
        return not self._transport.get_write_buffer_size()

    @property
    def queued(self) -> int:
        return self._transport.get_write_buffer_size()

    @property
    def closed(self) -> bool:
        protocol = self._protocol
        return protocol.close_sent or not protocol.handshake_complete or self._transport.is_closing()

    async def close(self, code: int) -> None:
        """uvicorn waits for the transport before it sends the frame, and for ever for the reader to take it."""
        if self.closed:
            return
        asyncio.get_running_loop().call_later(CLOSE_SECONDS, self._transport.abort)
        try:
            await self._protocol.send({"type": "websocket.close", "code": code})
        except OSError:
            return  # uvicorn's ClientDisconnected: there is nobody left to tell

    def abort(self) -> None:
        self._transport.abort()

    def pause_reading(self) -> None:
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        if not self._protocol.read_paused:  # else uvicorn itself waits for the application to call receive()
            self._transport.resume_reading()


writer = UvicornWriter


def mismatches(protocol: Any) -> list[str]:
    """What `UvicornWriter` needs of uvicorn's protocol and does not find."""
    return [f"{type(protocol).__name__}.{name}" for name in ATTRIBUTES if not hasattr(protocol, name)]


def hardening_mismatches() -> list[str]:
    """What `harden()` needs of uvicorn's `Server` and does not find."""
    fits = inspect.iscoroutinefunction(getattr(Server, "shutdown", None))
    return [] if fits else ["Server.shutdown"]


def harden() -> None:
    """Say goodbye before uvicorn closes the sockets itself, and do not wait for ever for a consumer that hangs."""
    shutdown = Server.shutdown

    async def drain_then_shutdown(server: Server, *args: Any, **kwargs: Any) -> None:
        for listener in server.servers:
            listener.close()
        await drain()
        if server.config.timeout_graceful_shutdown is None:
            server.config.timeout_graceful_shutdown = LEAVE_SECONDS
        await shutdown(server, *args, **kwargs)

    Server.shutdown = drain_then_shutdown  # type: ignore[method-assign,assignment]
