"""The sockets of this process: who has them, since when, how much went through."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from itertools import count
from typing import Any

from django.apps import apps
from django.utils.functional import LazyObject, empty

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_numbers = count(1)


class Connection:
    """One accepted WebSocket of a Channels consumer."""

    __slots__ = (
        "app",
        "bytes_in",
        "bytes_out",
        "closing",
        "consumer",
        "frames_in",
        "frames_out",
        "id",
        "loop",
        "name",
        "opened_at",
        "path",
        "scope",
        "send",
    )

    def __init__(self, consumer: Any, scope: dict[str, Any], send: Send) -> None:
        self.id = str(next(_numbers))
        self.consumer, self.scope, self.send = consumer, scope, send
        kind = type(consumer)
        self.name = f"{kind.__module__}.{kind.__qualname__}"
        self.app = app_containing(kind.__module__)
        self.path: str = scope.get("path", "")
        self.loop = asyncio.get_running_loop()
        self.opened_at = time.time()
        self.frames_in = self.frames_out = self.bytes_in = self.bytes_out = 0
        self.closing = 0

    @property
    def channel(self) -> str:
        return getattr(self.consumer, "channel_name", "")

    @property
    def user(self) -> str:
        return user_name(self.scope.get("user"))

    @property
    def buffered(self) -> int:
        """Bytes that the server holds because the browser does not read; 0 where the server does not say."""
        return buffered_bytes(self.send)

    def close(self, code: int) -> None:
        """Close it from any thread. The consumer's `disconnect` runs as when the browser had gone."""
        if not self.closing:
            self.closing = code
            asyncio.run_coroutine_threadsafe(self._send_close(code), self.loop)

    async def _send_close(self, code: int) -> None:
        await self.send({"type": "websocket.close", "code": code})


# Who is at work: a group joined, or a message sent, while this is set is this connection's doing.
current: ContextVar[Connection | None] = ContextVar("dashboard_connection", default=None)

connections: dict[str, Connection] = {}  # by id; written by event loops, read by the agent


def all_connections() -> list[Connection]:
    return list(connections.copy().values())


def by_channel() -> dict[str, Connection]:
    return {connection.channel: connection for connection in all_connections()}


def app_containing(module: str) -> str:
    """The label of the installed app that a module belongs to, or the module's first word."""
    config = apps.get_containing_app_config(module)
    return config.label if config else module.partition(".")[0]


def user_name(user: Any) -> str:
    """A person's name, if it is known already: looking at sockets must not cost a query."""
    if user is None or (isinstance(user, LazyObject) and user._wrapped is empty):
        return ""
    return user.get_username() if user.is_authenticated else ""


def buffered_bytes(send: Any) -> int:
    transport: Any = getattr(next(iter(getattr(send, "args", ())), None), "transport", None)
    if hasattr(transport, "dataBuffer"):  # Daphne's, by Twisted
        return len(transport.dataBuffer) + getattr(transport, "_tempDataLen", 0)
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    return transport.get_write_buffer_size() if hasattr(transport, "get_write_buffer_size") else 0
