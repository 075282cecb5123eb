"""A channel layer at its worst: it loses hints, says them twice, and says them late."""

import asyncio
import os
import random
from contextlib import suppress
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import RedisError

LOST = b"lost on the way"  # a message that says so never arrives
LATE_SECONDS = 0.3


class FaultyRedisLayer(RedisPubSubChannelLayer):
    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self._random = random.Random(os.environ.get("FAULTY_SEED"))
        self._late: set[asyncio.Task[None]] = set()

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        fate = self._random.random()
        if fate < 0.3 or LOST in repr(message).encode():
            return
        if fate < 0.6:
            task = asyncio.create_task(self._send_late(group, message))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
        if fate > 0.5:
            await self.pass_on(group, message)
        if fate > 0.8:
            await self.pass_on(group, message)

    async def pass_on(self, group: str, message: dict[str, Any]) -> None:
        # `super().group_send` is not there: the layer finds its methods by __getattr__, for the loop it is asked in.
        await self._get_layer().group_send(group, message)

    async def _send_late(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(self._random.uniform(0, LATE_SECONDS))
        with suppress(RedisError, OSError):  # Redis went away meanwhile
            await self.pass_on(group, message)
