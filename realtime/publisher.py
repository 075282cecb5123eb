"""The way out to other processes. It never makes anybody wait, and it may lose what it is given."""

import asyncio
import logging
import time
from collections import Counter, deque
from typing import Any

logger = logging.getLogger(__name__)

QUEUED = 2_000  # messages; beyond, the oldest is lost
SEND_SECONDS = 1.0  # a layer that takes longer counts as away
PAUSE_SECONDS = 1.0  # how long it is then left alone


class Publisher:
    """Sends to groups of the channel layer, in order, from a task of its own."""

    def __init__(self, layer: Any, origin: str, counters: Counter[str]):
        self._layer, self._origin, self._counters = layer, origin, counters
        self._queue: deque[tuple[str, dict[str, Any]]] = deque(maxlen=QUEUED)
        self._task: asyncio.Task[None] | None = None
        self._away_until = 0.0

    def send(self, group: str, message: dict[str, Any]) -> None:
        if time.monotonic() < self._away_until:
            self._counters["hints_lost"] += 1
            return
        self._queue.append((group, {**message, "origin": self._origin}))
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._empty_queue())

    async def _empty_queue(self) -> None:
        while self._queue:
            group, message = self._queue.popleft()
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    await self._layer.group_send(group, message)
            except Exception as error:  # whatever the layer raises when it is away; the feeds repair what it loses
                self._counters["hints_lost"] += 1 + len(self._queue)
                self._queue.clear()
                self._away_until = time.monotonic() + PAUSE_SECONDS
                logger.warning("Channel layer: group_send failed (%s: %s).", type(error).__name__, error)
