"""Daphne with the limits a public server needs, under the stock `daphne` command.

Measured without them: a 300 MB upload to any URL is in memory before a view is asked (daphne#483); a client that never
reads, or that sends faster than its consumer reads, grows the process without end (daphne#170); a frame that is too
long ends in a TCP reset, which a browser cannot tell from a crash; SIGTERM drops every socket without a word
(daphne#177).

The subclasses below take the place of Daphne's own classes before it serves. `hardening_mismatches()` says when they no
longer fit.
"""

import asyncio
import logging
import os
import re
import threading
from functools import cached_property
from typing import Any

from daphne import http_protocol, server, ws_protocol
from daphne.access import AccessLogGenerator
from twisted.internet import defer, reactor
from twisted.internet.interfaces import IListeningPort

from realtime.servers.daphne import DaphneWriter, mismatches
from realtime.servers.frames import binary_frame, text_frame
from realtime.servers.shutdown import LEAVE_SECONDS, drain

logger = logging.getLogger(__name__)
twisted_reactor: Any = reactor  # its module is typed as one, but it is an object

MAX_BODY_BYTES = int(os.environ.get("MAX_BODY_BYTES", 11_000_000))  # of an HTTP request: a file of 10 MB and its form
MAX_OUTBOUND_BYTES = 1_048_576  # a socket may hold this much for a slow reader, then it is closed
MAX_INBOUND_BYTES = 262_144  # of frames that wait for their consumer, then we stop reading from the client
FRAME_COST_BYTES = 512  # what a frame weighs in the queue beside its payload
EXIT_SECONDS = 8.5  # after SIGTERM, whatever is still under way
LINGER_SECONDS = 2.0  # for a client to read the 413 while it is still sending

TOO_SLOW = 4408
RESTART = 4012

SECRET = re.compile(r"(\bbch?_[\w-]{4})[\w-]+")  # our tokens begin so, that they may be recognised
_write_entry = AccessLogGenerator.write_entry


class HardenedWebSocket(ws_protocol.WebSocketProtocol):
    """A WebSocket that tells the client why it closes, and holds a bounded amount in both directions."""

    failByDrop = False  # autobahn: answer a bad frame with close frame 1002, 1007 or 1009 instead of a TCP reset

    def applicationCreateWorked(self, application_queue: asyncio.Queue[dict[str, Any]]) -> None:
        self.unread_bytes = 0
        self.is_held = False
        self.take_from_queue = application_queue.get_nowait
        application_queue.get_nowait = self.take_message  # type: ignore[method-assign]  # what Queue.get() ends in
        super().applicationCreateWorked(application_queue)

    def dataReceived(self, data: bytes) -> None:
        """As autobahn's, without the line for its debug log, whose colours it works out though nobody reads it."""
        self._dataReceived(data)

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        super().onMessage(payload, isBinary)
        self.unread_bytes += len(payload) + FRAME_COST_BYTES
        if self.unread_bytes > MAX_INBOUND_BYTES:
            self.is_held = True
            self.transport.pauseProducing()

    def take_message(self) -> dict[str, Any]:
        """Hand a frame to the consumer; read on from the client when it was the last one."""
        message = self.take_from_queue()
        if self.application_queue.empty():
            self.unread_bytes = 0
            if self.is_held:
                self.is_held = False
                self.transport.resumeProducing()
        return message

    def serverSend(self, content: Any, binary: bool = False) -> None:
        """Ordinary ASGI sends take the direct way too.

        Besides the speed: autobahn would refuse to send more than the client may send
        (`--websocket-max-message-size`), and raise for a socket that closed in the meantime, which no consumer expects.
        """
        if self.state == self.STATE_CONNECTING:
            self.serverAccept()
        if self.state != self.STATE_OPEN:
            return
        if self.writer is None:
            super().serverSend(content, binary)
            return
        frame = binary_frame(bytes(content)) if binary else text_frame(content.encode())
        if not self.writer.write(frame) and self.writer.queued > MAX_OUTBOUND_BYTES:
            self.sendClose(TOO_SLOW)  # autobahn drops the connection when nobody answers

    @cached_property
    def writer(self) -> DaphneWriter | None:
        return None if mismatches(self) else DaphneWriter(self)


class HardenedRequest(http_protocol.WebRequest):
    """An HTTP request that is refused as soon as its body is, or is announced to be, too long.

    What still arrives is read and thrown away for a moment: closing beside unread bytes resets the connection, and the
    client would not see the answer (RFC 9112, section 9.6).
    """

    body_bytes = 0
    is_refused = False

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if length is not None and length > MAX_BODY_BYTES:
            self.refuse()

    def handleContentChunk(self, data: bytes) -> None:
        self.body_bytes += len(data)
        if self.body_bytes > MAX_BODY_BYTES:
            self.refuse()
        if not self.is_refused:
            super().handleContentChunk(data)

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        if self.is_refused:
            self.channel.loseConnection()
        else:
            super().requestReceived(command, path, version)

    def refuse(self) -> None:
        if self.is_refused:
            return
        self.is_refused = True
        self.requestHeaders.removeHeader(b"Expect")  # or Twisted would ask for the body after all
        self.channel.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nThe request is too large.\n"
        )
        self.channel.transport.loseWriteConnection()
        twisted_reactor.callLater(LINGER_SECONDS, self.channel.transport.abortConnection)


def kill_all_applications(self: server.Server) -> defer.Deferred[None]:
    """Daphne calls this before it stops; it waits for what is returned, while the sockets still work."""
    # Python waits for its threads at the end, and one of them may be waiting for a database that is away.
    end = threading.Timer(EXIT_SECONDS, os._exit, [0])
    end.daemon = True
    end.start()
    return defer.Deferred.fromFuture(asyncio.ensure_future(_leave(self)))


async def _leave(daphne: server.Server) -> None:
    """Say goodbye, close what is still open, and let every consumer see its socket close before it is cancelled.

    Daphne's own version only cancels, and nothing at all when a request is listed that has no application (KeyError).
    """
    for reader in twisted_reactor.getReaders():
        if IListeningPort.providedBy(reader):
            reader.stopListening()
    await drain()
    for protocol in list(daphne.connections):
        if isinstance(protocol, ws_protocol.WebSocketProtocol) and protocol.state == protocol.STATE_OPEN:
            protocol.sendClose(RESTART)
    applications = {details.get("application_instance") for details in daphne.connections.values()} - {None}
    if applications:
        _, unfinished = await asyncio.wait(applications, timeout=LEAVE_SECONDS)
        for application in unfinished:
            application.cancel()
        if unfinished:
            await asyncio.wait(unfinished, timeout=1)
            logger.warning("Cancelled %s applications that did not finish in time.", len(unfinished))


def write_entry(self: AccessLogGenerator, host: str, date: Any, request: str, *args: Any, **kwargs: Any) -> None:
    """A webhook bears its secret in its address, and a log is read by more people than may use it."""
    _write_entry(self, host, date, SECRET.sub(r"\1…", request), *args, **kwargs)


# (where, the name, what must be found there)
_REPLACED = (
    (ws_protocol.WebSocketFactory, "protocol", HardenedWebSocket),
    (http_protocol, "WebRequest", HardenedRequest),
    (server.Server, "kill_all_applications", kill_all_applications),
    (AccessLogGenerator, "write_entry", write_entry),
)
_OVERRIDDEN = (
    (
        ws_protocol.WebSocketProtocol,
        "applicationCreateWorked onMessage serverSend serverAccept sendClose dataReceived _dataReceived",
    ),
    (http_protocol.WebRequest, "gotLength handleContentChunk requestReceived"),
    (asyncio.Queue, "get_nowait"),
)


def hardening_mismatches() -> list[str]:
    """What `harden()` replaces or overrides and does not find."""
    missing = [f"{where.__name__}.{name}" for where, name, _ in _REPLACED if not hasattr(where, name)]
    for where, names in _OVERRIDDEN:
        missing += [f"{where.__name__}.{name}" for name in names.split() if not hasattr(where, name)]
    if "failByDrop" not in ws_protocol.WebSocketProtocol.CONFIG_ATTRS:
        missing.append("WebSocketProtocol.failByDrop")
    return missing


def harden() -> None:
    """Put the hardened classes in the place of Daphne's. Call it before the server starts."""
    for where, name, replacement in _REPLACED:
        setattr(where, name, replacement)
