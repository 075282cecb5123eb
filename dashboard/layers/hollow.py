"""Layers of each kind that do nothing: what a message costs on them when they are watched is the price of watching.

Each `group_send` is the whole way of a message to the one member of a group, through whatever the adapter of its kind hooks into.
"""

import asyncio
import time
from collections import defaultdict
from functools import partial
from typing import Any

from dashboard.layers.core import BEGINS, COUNTS, RETURNS, CoreObserver
from dashboard.layers.limited import LimitedObserver, Message
from dashboard.layers.memory import MemoryObserver
from dashboard.layers.pubsub import PubSubObserver

MEMBER = "specific.hollow!member"
SCRIPT = "\n".join((BEGINS, COUNTS, RETURNS))


class Hollow:
    """Of no kind that we know."""

    observer: type[LimitedObserver] = LimitedObserver
    message: Message

    async def group_send(self, group: str, message: Message) -> None:
        self.message = message
        await self.receive(MEMBER)

    async def receive(self, channel: str) -> Message:
        return self.message


class InMemory(Hollow):
    """Also its own groups and queues; nobody's is ever full."""

    observer = MemoryObserver
    capacity, channel_capacity = 100, None

    def __init__(self) -> None:
        self.groups: dict[str, dict[str, float]] = {"cost.room.1": {MEMBER: 0.0}}
        self.channels: dict[str, Any] = {}

    async def group_send(self, group: str, message: Message) -> None:
        self._clean_expired()
        await self.send(MEMBER, message)
        await self.receive(MEMBER)

    async def send(self, channel: str, message: Message) -> None:
        self.message = message

    def _clean_expired(self) -> None: ...

    def require_valid_group_name(self, group: str) -> None: ...


class PubSub(Hollow):
    """Also its own layer of a loop, its own shard and its own Redis."""

    observer = PubSubObserver

    def __init__(self) -> None:
        self._redis, self._shards, self.groups = self, [self], {"cost.room.1": {MEMBER}}

    async def group_send(self, group: str, message: Message) -> None:
        self.message = message
        self._get_layer()._ensure_redis()
        await self.publish(group, b"data")
        self._receive_message({"channel": group, "data": b"data"})
        await self.receive(MEMBER)

    def _get_layer(self) -> "PubSub":
        return self

    def _get_group_channel_name(self, group: str) -> str:
        return group

    def _ensure_redis(self) -> None: ...

    def _receive_message(self, message: Any) -> None: ...

    async def publish(self, channel: str, data: bytes) -> int:
        return 1


class Core(Hollow):
    """Also its own Redis."""

    observer = CoreObserver
    capacity = 10

    def __init__(self) -> None:
        self.receive_buffer: Any = defaultdict(partial(asyncio.Queue, self.capacity))

    async def group_send(self, group: str, message: Message) -> None:
        self.message = message
        self._map_channel_keys_to_connection([MEMBER], message)
        await self.connection(0).eval(SCRIPT, 1, "inbox")
        await self.connection(0).bzpopmin("inbox")
        self.receive_buffer[MEMBER].put_nowait(message)
        self.receive_buffer[MEMBER].get_nowait()
        await self.receive(MEMBER)

    def _map_channel_keys_to_connection(self, channels: list[str], message: Message) -> Any:
        return None, {"inbox": b"data"}

    def connection(self, index: int) -> "Core":
        return self

    async def eval(self, script: str, number: int, *keys_and_args: Any) -> list[int]:
        return []

    async def bzpopmin(self, key: str) -> tuple[str, bytes, float]:
        return key, b"data", time.time()


HOLLOW: list[type[Hollow]] = [Hollow, InMemory, PubSub, Core]
