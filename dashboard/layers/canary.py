"""A message to oneself every ten seconds over each channel layer, directly and by a group: does it arrive, and how soon?

So a layer that loses messages, or answers slowly, shows while nobody says anything. Each time it goes by a layer object made for
it, which nobody counts, in a loop and thread of its own: it waits for no consumer, shares no inbox or queue with one, and is no
part of the traffic, of the ledger or of the latency. What is measured is the way to the layer and back; how late the event loop
of the process is, is another number.
"""

import asyncio
import copy
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any

from channels.layers import InMemoryChannelLayer
from django.conf import settings
from django.utils.module_loading import import_string

from dashboard import process
from dashboard.conf import option
from dashboard.layers import observers
from dashboard.meter import meter_of

logger = logging.getLogger(__name__)

EVERY_SECONDS = 10.0
FIRST_SECONDS = 2.0  # after the start
ANSWER_SECONDS = 2.0  # after which a message counts as lost
LAST_SECONDS = 1.0  # how long the end of the process may wait for one
KEPT = 3  # times, of which the median is told: one that was late is no slow layer
TYPE = "dashboard.canary"
THREAD = "dashboard-canary"

Took = dict[str, float | None]  # "send" and "group" -> seconds; None: lost. Without a way that the layer has not

_heard: dict[str, deque[Took]] = {}  # by alias, the latest last


class Canary:
    """Sings at times, when the agent lets it."""

    def __init__(self) -> None:
        self._due = time.monotonic() + FIRST_SECONDS * random.uniform(0.5, 1.5)  # not all processes at once
        self._thread: threading.Thread | None = None
        self._spent = 0.0

    def beat(self) -> None:
        """Once a second, from the agent's thread, which must not wait for a layer."""
        if not option("CANARY") or time.monotonic() < self._due or (self._thread and self._thread.is_alive()):
            return
        self._due = time.monotonic() + EVERY_SECONDS
        self._thread = threading.Thread(target=self._sing, name=THREAD, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        if self._thread:
            self._thread.join(LAST_SECONDS)

    def take_cost(self) -> float:
        """Seconds of CPU since this was last asked."""
        spent, self._spent = self._spent, 0.0
        return spent

    def _sing(self) -> None:
        for alias in list(observers):
            if can_fail(alias):
                listen(alias, partial(another, alias))
        self._spent += time.thread_time()


def can_fail(alias: str) -> bool:
    """Is there a way to the layer at all? Not in memory, nor where the project's settings do not say how it is made."""
    return alias in getattr(settings, "CHANNEL_LAYERS", {}) and not isinstance(observers[alias].layer, InMemoryChannelLayer)


def another(alias: str) -> Any:
    """A second object of this layer, which nobody watches."""
    config = settings.CHANNEL_LAYERS[alias]
    return import_string(config["BACKEND"])(**copy.deepcopy(config.get("CONFIG", {})))


def listen(alias: str, make: Callable[[], Any]) -> None:
    """Try one layer, and keep how that went."""
    meter, group = meter_of(alias), f"{TYPE}.{process.boot_id}"
    try:
        with asyncio.Runner() as runner:
            # What a layer leaves behind in this loop when Redis went away is nobody's trouble: that it did, we tell below.
            runner.get_loop().set_exception_handler(lambda *_: None)
            took = runner.run(_try(make(), group))
    except Exception as error:  # whatever a layer raises when it is away
        logger.info("Layer %s could not be tried: %r", alias, error)
        meter.count("canary.failed")
        return
    for way, seconds in took.items():
        meter.count(f"canary.{way}")
        if seconds is None:
            meter.count(f"canary.{way}_lost")
    _heard.setdefault(alias, deque(maxlen=KEPT)).append(took)


def heard(alias: str) -> dict[str, float | None]:
    """Milliseconds by each way, as the median of the last; None where the latest was lost. Empty before the first."""
    tries = list(_heard.get(alias, ()))
    found: dict[str, float | None] = {}
    for way in tries[-1] if tries else ():
        times = [seconds for one in tries if (seconds := one.get(way)) is not None]
        found[way] = None if tries[-1][way] is None else round(1000 * median(times), 3)
    return found


def forget() -> None:
    """A forked process has heard nothing yet."""
    _heard.clear()


async def _try(layer: Any, group: str) -> Took:
    took: Took = {}
    async with asyncio.timeout(4 * ANSWER_SECONDS):
        direct = await layer.new_channel()
        took["send"] = await _twice(layer, direct, lambda message: layer.send(direct, message))
        if hasattr(layer, "group_send"):
            member = await layer.new_channel()  # of its own: pub/sub gives up one on which nothing came
            await layer.group_add(group, member)
            try:
                took["group"] = await _twice(layer, member, lambda message: layer.group_send(group, message))
            finally:
                await layer.group_discard(group, member)
    return took


async def _twice(layer: Any, channel: str, send: Any) -> float | None:
    """Seconds of the second message: with the first one, connections are made."""
    if await _once(layer, channel, send) is None:
        return None
    return await _once(layer, channel, send)


async def _once(layer: Any, channel: str, send: Any) -> float | None:
    began = time.perf_counter()
    await send({"type": TYPE})
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await layer.receive(channel)
    except TimeoutError:
        return None
    return time.perf_counter() - began


def _not_ours(record: logging.LogRecord) -> bool:
    """Channel layers log it as an error when Redis cuts a connection. Of ours nobody has lost anything by that."""
    return record.threadName != THREAD


logging.getLogger("channels_redis.pubsub").addFilter(_not_ours)
