"""The hub's link to the channel layer: one channel in, one queue out. It may lose what it carries, it never waits for it."""

import asyncio
import logging
import time
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from channels.layers import get_channel_layer

logger = logging.getLogger(__name__)

QUEUED = 2_000  # messages on their way out; beyond, the oldest is lost
SEND_SECONDS = 1.0  # a layer that takes longer counts as away
PAUSE_SECONDS = 1.0  # and is left alone for so long
own_channels: set[str] = set()  # the hubs' of this process: one stands for many sockets, where a consumer's stands for one

FOLLOW_SECONDS = 1.0  # how long a join waits for a layer that does not answer


class LayerLink:
    """Follows groups for a whole process and sends to them, in order, from tasks of its own."""

    def __init__(self, name: str, take: Callable[[dict[str, Any]], None], counters: Counter[str]):
        self._layer = get_channel_layer()
        self._name, self._take, self._counters = name, take, counters
        self._channel = ""
        self._channel_lock = asyncio.Lock()
        self._queue: deque[tuple[str, dict[str, Any]]] = deque(maxlen=QUEUED)
        self._sender: asyncio.Task[None] | None = None
        self._away_until = 0.0
        self._following: dict[str, asyncio.Task[None]] = {}

    async def receive(self) -> None:
        """Take what other processes send, for ever, whatever happens to the layer."""
        while True:
            try:
                message = await self._layer.receive(await self._own_channel())
                if message.get("origin") != self._name:
                    self._take(message)
            except asyncio.CancelledError:
                own_channels.discard(self._channel)
                self._channel = ""
                raise
            except Exception as error:  # each layer raises its own; the tick repairs what is lost meanwhile
                self._trouble("receive", error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def follow(self, group: str) -> None:
        """Be in the group before anything about it is read. If the layer does not answer, the tick tries again."""
        task = self._following.get(group)
        if task is None:
            task = self._following[group] = asyncio.create_task(self.follow_again(group))
            task.add_done_callback(lambda _: self._following.pop(group, None))
        await asyncio.wait([task], timeout=FOLLOW_SECONDS)

    async def follow_again(self, group: str) -> None:
        try:
            await self._layer.group_add(group, await self._own_channel())
        except Exception as error:  # as above
            self._trouble("group_add", error)

    async def unfollow(self, group: str) -> None:
        try:
            if self._channel:
                await self._layer.group_discard(group, self._channel)
        except Exception as error:  # as above; a group too many does no harm
            self._trouble("group_discard", error)

    def send(self, group: str, message: dict[str, Any]) -> None:
        """Tell the other processes. Never waits; while the layer is away, the message is lost at once."""
        if time.monotonic() < self._away_until:
            self._counters["hints_lost"] += 1
            return
        self._counters["hints_lost"] += len(self._queue) == QUEUED  # the oldest goes
        self._queue.append((group, {**message, "origin": self._name}))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._empty_queue())

    async def _empty_queue(self) -> None:
        while self._queue:
            group, message = self._queue.popleft()
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._layer.group_send(group, message)
            except Exception as error:  # as above
                # One that we gave up is ours; what the layer raised for is an error of the layer, and counted as that.
                self._counters["hints_lost"] += len(self._queue) + isinstance(error, TimeoutError)
                self._queue.clear()
                self._away_until = time.monotonic() + PAUSE_SECONDS
                self._trouble("group_send", error)

    async def _own_channel(self) -> str:
        async with self._channel_lock:
            if not self._channel:
                self._channel = await self._layer.new_channel()
                own_channels.add(self._channel)
            return self._channel

    def _trouble(self, what: str, error: Exception) -> None:
        self._counters["layer_errors"] += 1
        logger.warning("Channel layer: %s failed (%s: %s); feeds repair what it loses.", what, type(error).__name__, error)
