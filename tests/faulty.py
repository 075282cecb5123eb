"""A channel layer at its worst: it loses hints, says them twice, and says them late."""

import asyncio
import os
import random
from typing import Any

from channels_redis.pubsub import RedisPubSubChannelLayer

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
            await super().group_send(group, message)
        if fate > 0.8:
            await super().group_send(group, message)

    async def _send_late(self, group: str, message: dict[str, Any]) -> None:
        await asyncio.sleep(self._random.uniform(0, LATE_SECONDS))
        await super().group_send(group, message)
