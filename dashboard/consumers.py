"""How we see other apps' consumers: `AsyncConsumer.__call__` is wrapped once, so nothing in them has to change.

A consumer that overrides `__call__` without calling ours is not seen here; `realtime`'s is, through `dashboard/hubs.py`.
"""

from functools import wraps
from typing import Any

from channels.consumer import AsyncConsumer

from dashboard.connections import Connection, Receive, Send, connections, current
from dashboard.layers import observers
from dashboard.meter import sockets
from dashboard.process import watch_loop


def watch_consumers() -> None:
    """See all consumers of this process. Doing it twice changes nothing."""
    if not hasattr(AsyncConsumer.__call__, "is_watched"):
        AsyncConsumer.__call__ = _watched(AsyncConsumer.__call__)


def _watched(call: Any) -> Any:
    @wraps(call)
    async def __call__(self: AsyncConsumer, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        watch_loop()
        if scope["type"] != "websocket":
            await call(self, scope, receive, send)
            return
        connection = Connection(self, scope, send)
        token = current.set(connection)
        try:
            await call(self, scope, _counting_receive(connection, receive), _counting_send(connection, send))
        finally:
            current.reset(token)
            for observer in list(observers.values()):
                observer.ended(connection.channel)
            _forget(connection)

    __call__.is_watched = True  # type: ignore[attr-defined]
    return __call__


def _forget(connection: Connection) -> None:
    if connections.pop(connection.id, None):
        sockets.count("closed")
        sockets.count(f"closed.{connection.closing or 1006}")


def _counting_receive(connection: Connection, receive: Receive) -> Receive:
    async def counted() -> dict[str, Any]:
        message = await receive()
        if message["type"] == "websocket.receive":
            size = _size(message)
            connection.frames_in += 1
            connection.bytes_in += size
            counts = sockets.shard().counts
            counts["frames_in"] += 1
            counts["bytes_in"] += size
        elif message["type"] == "websocket.disconnect":
            connection.closing = connection.closing or message.get("code") or 1006
            _forget(connection)  # now: on the core layer a consumer may hang for long after its socket is gone
        return message

    return counted


def _counting_send(connection: Connection, send: Send) -> Send:
    own_shard = sockets.own_shard

    async def counted(message: dict[str, Any]) -> None:
        kind = message["type"]
        await send(message)
        if kind == "websocket.send":
            size = _size(message)
            connection.frames_out += 1
            connection.bytes_out += size
            try:
                shard = own_shard.shard
            except AttributeError:
                shard = sockets.shard()
            shard.frames_out += 1
            shard.bytes_out += size
        elif kind == "websocket.accept":
            connections[connection.id] = connection
            sockets.count("opened")
        elif kind == "websocket.close":
            connection.closing = connection.closing or message.get("code") or 1000

    return counted


def _size(message: dict[str, Any]) -> int:
    """Bytes of a frame. Text is taken as one byte a letter: measuring it exactly would cost an encoding."""
    text = message.get("text")
    return len(text if text is not None else message.get("bytes") or "")
