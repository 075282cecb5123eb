"""Daphne from the inside, with the autobahn and Twisted under it: how to write to its sockets.

Its own way out builds and logs each frame in Python and lets it wait for the next turn of the loop, at about five times
the cost. Twisted has no public call for "send now if nothing is queued", so we look into its buffer. `mismatches()`
tries that out on a descriptor of our own before any socket is trusted to it.
"""

from functools import cache, partial
from typing import Any

from daphne.ws_protocol import WebSocketProtocol
from twisted.internet import tcp
from twisted.internet.abstract import FileDescriptor

from realtime.servers.writer import Send, Writer

OPEN = WebSocketProtocol.STATE_OPEN


def protocol_of(send: Send) -> WebSocketProtocol | None:
    """The Daphne WebSocket that this `send` belongs to, when nothing wrapped it."""
    if isinstance(send, partial) and send.args and isinstance(send.args[0], WebSocketProtocol):
        return send.args[0]
    return None


class DaphneWriter(Writer):
    """Writes to the socket when Twisted holds nothing for it, else behind what Twisted holds.

    Autobahn's own frames (ping, pong, close) go through Twisted's buffer, so one rule keeps all frames whole and in
    order: never write beside bytes that are still in it.
    """

    __slots__ = ("_protocol", "_send_now", "_transport")

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._send_now = self._transport.getHandle().send

    def write(self, data: bytes) -> bool:
        if self._protocol.state != OPEN:
            return False
        transport = self._transport
        if transport._tempDataBuffer or transport.dataBuffer:
            transport.write(data)
            return False
        try:
            sent = self._send_now(data)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError:
            self.abort()  # the connection is lost; Twisted would not notice while reading is paused
            return False
        if sent == len(data):
            return True
        transport.write(data[sent:])
        return False

    @property
    def queued(self) -> int:
        return held_bytes(self._transport)

    @property
    def closed(self) -> bool:
        return self._protocol.state != OPEN

    async def close(self, code: int) -> None:
        """Autobahn drops the connection itself when its close frame is not answered within a second."""
        if self._protocol.state == OPEN:
            self._protocol.sendClose(code)

    def abort(self) -> None:
        self._protocol.dropConnection(abort=True)

    def pause_reading(self) -> None:
        self._transport.pauseProducing()

    def resume_reading(self) -> None:
        self._transport.resumeProducing()


writer = DaphneWriter


def held_bytes(transport: Any) -> int:
    """Bytes that Twisted still holds for this connection."""
    return len(transport.dataBuffer) - transport.offset + transport._tempDataLen


@cache
def _buffer_mismatches() -> tuple[str, ...]:
    """Let a descriptor take nothing, then a part, then all, and look whether its buffer shows what we rely on."""

    class Probe(FileDescriptor):
        connected, takes = 1, 0

        def writeSomeData(self, data: bytes) -> int:
            return min(self.takes, len(data))

        def startWriting(self) -> None: ...

        def stopWriting(self) -> None: ...

    def looks(probe: Any, *, held: int) -> bool:
        is_holding = bool(probe._tempDataBuffer or probe.dataBuffer)
        return is_holding == bool(held) and held_bytes(probe) == held

    probe = Probe(reactor=object())  # type: ignore[arg-type]
    try:
        steps = [looks(probe, held=0)]
        probe.write(b"12345")
        steps.append(looks(probe, held=5))
        for probe.takes, held in ((0, 5), (2, 3), (9, 0)):
            probe.doWrite()
            steps.append(looks(probe, held=held))
    except (AttributeError, TypeError) as error:
        return (f"twisted FileDescriptor: {error}",)
    return () if all(steps) else ("twisted FileDescriptor: its buffer behaves differently",)


def mismatches(protocol: Any) -> list[str]:
    """What `DaphneWriter` needs of autobahn and Twisted and does not find."""
    if not isinstance(protocol.transport, tcp.Connection) or protocol.transport.TLS:
        return ["a plain TCP or Unix socket (TLS belongs to a proxy)"]
    missing = [
        f"{type(thing).__name__}.{name}"
        for thing, names in (
            (protocol, ("state", "sendClose", "dropConnection")),
            (protocol.transport, ("getHandle", "write", "pauseProducing", "resumeProducing")),
        )
        for name in names
        if not hasattr(thing, name)
    ]
    return [*missing, *_buffer_mismatches()]
