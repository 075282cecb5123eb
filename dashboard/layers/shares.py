"""What share of a layer's work watching it is: one that is watched against two that nobody watches.

Machines are never quiet, so each is given short slices in random order, and shares are taken between slices that are neighbours.
The two unwatched ones differ by chance alone: what lies within that is not known.
"""

import gc
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from typing import Any

from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator

from dashboard import layers
from dashboard.consumers import watch_consumers
from dashboard.layers.limited import STAMPS
from dashboard.meter import meters

GROUP = "cost.room.1"
MESSAGE = {"type": "room.said", "text": "as long as people write, mostly"}
SLICE_DELIVERIES = 200
ROUNDS = 12  # with the same three layers; then with new ones, which lie elsewhere in memory
WIDTH = 0.01  # of the interval that is narrow enough
RESAMPLES = 500

Make = Callable[[], Any]  # a layer
Slice = Callable[[int], Awaitable[None]]  # so many messages, until every member has them


@dataclass(frozen=True)
class Interval:
    """A median, and between what it lies with 95 % certainty."""

    middle: float
    low: float
    high: float

    @classmethod
    def of(cls, values: list[float]) -> "Interval":
        """By drawing from the values again and again (bootstrap: Efron, 1979)."""
        medians = sorted(median(random.choices(values, k=len(values))) for _ in range(RESAMPLES))
        return cls(median(values), medians[RESAMPLES // 40], medians[-RESAMPLES // 40])

    @property
    def width(self) -> float:
        return self.high - self.low


@dataclass(frozen=True)
class Share:
    unwatched: float  # microseconds of CPU a message
    hooks: float  # on top
    watched: Interval  # a watched layer takes so much more of an unwatched one's CPU; 0.03 is 3 %
    chance: Interval  # another unwatched one
    slices: int


async def of_layer(make: Make, fan_out: int, seconds: float) -> Share:
    """Of the layer alone: from `group_send` until each member has received it, and does nothing with it."""

    @asynccontextmanager
    async def members(alias: str, is_watched: bool) -> AsyncIterator[Slice]:
        layer = channel_layers[alias]
        channels = [await layer.new_channel() for _ in range(fan_out)]
        for channel in channels:
            await layer.group_add(GROUP, channel)

        async def send(messages: int) -> None:
            for _ in range(messages):
                await layer.group_send(GROUP, MESSAGE)
                for channel in channels:
                    await layer.receive(channel)

        yield send
        for channel in channels:
            await layer.group_discard(GROUP, channel)

    return await _compare(make, members, fan_out, seconds, time.thread_time_ns)


async def to_the_frame(make: Make, fan_out: int, seconds: float) -> Share:
    """Of what a message costs until it is a frame of each socket, made by an ordinary consumer. The server is not in it."""
    watch_consumers()
    unwatched = AsyncConsumer.__call__.__wrapped__

    @asynccontextmanager
    async def members(alias: str, is_watched: bool) -> AsyncIterator[Slice]:
        layer = channel_layers[alias]
        attributes = {"channel_layer_alias": alias} | ({} if is_watched else {"__call__": unwatched})
        kind: Any = type("Kind", (Listener,), attributes)
        tabs = [WebsocketCommunicator(kind.as_asgi(), "/") for _ in range(fan_out)]
        for tab in tabs:
            await tab.connect()

        async def send(messages: int) -> None:
            for _ in range(messages):
                await layer.group_send(GROUP, MESSAGE)
                for tab in tabs:
                    await tab.receive_from(timeout=10)

        yield send
        for tab in tabs:
            await tab.disconnect()

    return await _compare(make, members, fan_out, seconds, time.process_time_ns)  # consumers hop to threads


class Listener(AsyncWebsocketConsumer):
    """What most consumers are: a message of the group becomes a frame."""

    async def connect(self) -> None:
        await self.channel_layer.group_add(GROUP, self.channel_name)
        await self.accept()

    async def room_said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


async def _compare(make: Make, members: Any, fan_out: int, seconds: float, clock: Callable[[], int]) -> Share:
    """Until the interval is narrow, or the time is up."""
    slices: list[list[int]] = []  # [unwatched, unwatched too, watched], nanoseconds
    messages = max(1, SLICE_DELIVERIES // fan_out)
    ends = time.monotonic() + seconds
    while True:
        slices += await _rounds(make, members, messages, clock)
        watched = Interval.of([2 * third / (first + second) - 1 for first, second, third in slices])
        if watched.width < WIDTH or time.monotonic() > ends:
            break
    unwatched = median((first + second) / 2 for first, second, _ in slices) / messages / 1000
    chance = Interval.of([second / first - 1 for first, second, _ in slices])
    return Share(unwatched, unwatched * watched.middle, watched, chance, len(slices))


async def _rounds(make: Make, members: Any, messages: int, clock: Callable[[], int]) -> list[list[int]]:
    aliases = ["cost0", "cost1", "cost2"]
    for alias in random.sample(aliases, 3):
        channel_layers.set(alias, make())
    observer = layers.observe("cost2", channel_layers["cost2"])
    try:
        async with members("cost0", False) as first, members("cost1", False) as second, members("cost2", True) as third:
            sends = [first, second, third]
            for send in sends:
                await send(messages)
            gc.freeze()
            slices = [[0, 0, 0] for _ in range(ROUNDS)]
            last = observer.stamps_left = 0
            gc.collect()
            gc.disable()
            for row in slices:
                observer.stamps_left = _stamps(last)
                for index in random.sample(range(3), 3):
                    began = clock()
                    await sends[index](messages)
                    row[index] = clock() - began
                last = row[2]
            observer.meter.beat()
            return slices
    finally:
        gc.enable()
        gc.unfreeze()
        for alias in aliases:
            channel_layers.backends.pop(alias, None)
        layers.observers.pop("cost2", None)
        meters.pop("cost2", None)


_stamps_due = 0.0


def _stamps(nanoseconds: int) -> int:
    """So many messages are stamped as of a process that does nothing else: STAMPS in a second, and some of the rest."""
    global _stamps_due
    _stamps_due += STAMPS * nanoseconds / 1e9
    whole = int(_stamps_due)
    _stamps_due -= whole
    return whole
