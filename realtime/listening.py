"""A feed without a WebSocket: what a socket would be sent, as an async iterator. For server-sent events and long polls."""

import asyncio
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.auth import Caller
from realtime.events import Cursor, JoinFeed
from realtime.hub import Hub
from realtime.protocol import Refusal
from realtime.resume import join_feeds
from realtime.servers import Writer, split_frames
from realtime.sockets import user_group

LISTENERS_PER_PERSON = 10  # in one process: far fewer than the sockets that a person may have, so that tabs find room
RETRY_SECONDS = 15
QUEUED_BYTES = 262_144  # what a reader may leave unread; then it has to come back with its cursor


class QueueWriter(Writer):
    """Collects the JSON of frames. Closed, it ends the iteration."""

    def __init__(self) -> None:
        self._payloads: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._queued = 0
        self._is_closed = False

    def write(self, data: bytes) -> bool:
        if not self._is_closed:
            for _, payload in split_frames(data):
                self._queued += len(payload)
                self._payloads.put_nowait(payload)
            if self._queued > QUEUED_BYTES:
                self.abort()
        return True

    @property
    def queued(self) -> int:
        return self._queued

    @property
    def closed(self) -> bool:
        return self._is_closed

    async def close(self, code: int) -> None:
        self.abort()

    def abort(self) -> None:
        self._is_closed = True
        self._payloads.put_nowait(None)

    async def next(self) -> bytes | None:
        payload = await self._payloads.get()
        self._queued -= len(payload or b"")
        return payload


class Listening:
    """Follow one feed as a socket would, rights and repairs included:

        async with Listening(caller, "chat.room.42", Cursor(17)) as writer:
            while (payload := await writer.next()) is not None: ...

    A feed that the person may not read is told with `realtime.feed.refused`.
    """

    def __init__(self, caller: Caller, feed: str, cursor: Cursor):
        self.caller, self.feed, self.cursor = caller, feed, cursor

    async def __aenter__(self) -> QueueWriter:
        writer = QueueWriter()
        self.hub = Hub.here()
        self.socket = self.hub.open(writer)
        self.socket.user = self.caller.user
        self.socket.recheck = lambda: self.hub.run(_look_again(self.hub, self.socket))
        try:
            await self.hub.follow(self.socket, user_group(self.caller.user.pk))
            join = JoinFeed(feed=self.feed, rev=self.cursor.rev, epoch=self.cursor.epoch)
            await join_feeds(self.hub, self.socket, self.caller, join)
        except BaseException:
            await self.__aexit__()
            raise
        return writer

    async def __aexit__(self, *exception: Any) -> None:
        self.socket.recheck = None
        await self.hub.close(self.socket)


def check_room(caller: Caller) -> None:
    """Raises `Refusal` if the person listens too often already. Ask before the answer begins, while it can have a status."""
    topic = Hub.here().topics.get(user_group(caller.user.pk))
    listeners = [socket for socket in topic.live if isinstance(socket.writer, QueueWriter)] if topic else []
    if len(listeners) >= LISTENERS_PER_PERSON:
        message = format_lazy(_("You have {count} streams and polls open. End one of them first."), count=len(listeners))
        raise Refusal("rate_limited", message, retry_after=RETRY_SECONDS)


async def _look_again(hub: Hub, socket: Any) -> None:
    """Rights changed. The reader comes back by itself, and is asked who it is anew."""
    await hub.close_socket(socket, 4401)
