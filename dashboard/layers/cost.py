"""What watching costs, measured where it is incurred: CPU time, the least of many rounds, so a busy machine hardly shows."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from channels.consumer import AsyncConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import InMemoryChannelLayer, channel_layers
from channels.testing import WebsocketCommunicator

from dashboard import layers
from dashboard.consumers import watch_consumers
from dashboard.layers.hollow import HOLLOW, Hollow
from dashboard.meter import Meter, meters

ROUNDS = 7
MEMBERS, MESSAGES = 20, 10  # of the group of the pair, and to it


@dataclass(frozen=True)
class Cost:
    """Nanoseconds a message, and shares of what a layer itself needs."""

    add: float  # one entry in the meter
    messages: dict[str, float]  # by kind of layer: all that a message to a group of one gets on top, until it is received
    took: float  # one latency
    in_memory: float  # share of the in-memory layer's CPU, at a fan-out of MEMBERS
    noise: float  # the same share, between two layers that nobody watches


def measure() -> Cost:
    meter = Meter("cost")
    add = _least(lambda: _repeat(lambda: meter.add("cost.room.1", 1, 5, 100), 20_000))
    took = _least(lambda: _repeat(lambda: meter.took(0.001), 20_000))
    first, second, watched = asyncio.run(_pair())
    plain = min(first, second)
    noise = abs(first - second) / plain
    return Cost(add, asyncio.run(_messages()), took, (watched - plain) / plain, noise)


async def _messages() -> dict[str, float]:
    try:
        return {kind.observer.kind: await _message(kind(), kind()) for kind in HOLLOW}
    finally:
        meters.pop("cost", None)


async def _message(plain: Hollow, watched: Hollow) -> float:
    watched.observer("cost", watched)
    bare = await _least_of(lambda: _send(plain, {"type": "x"}, 2_000))
    return await _least_of(lambda: _send(watched, {"type": "x"}, 2_000)) - bare


async def _pair() -> tuple[float, float, float]:
    """Two that nobody watches and one that is watched, in turn; nanoseconds of CPU a delivery, from group_send to frame."""
    watch_consumers()
    kinds = []
    for number in range(3):
        alias, layer = f"cost{number}", InMemoryChannelLayer(capacity=10_000)
        channel_layers.set(alias, layer)
        attributes: dict[str, Any] = {"channel_layer_alias": alias}
        if number < 2:
            attributes["__call__"] = AsyncConsumer.__call__.__wrapped__
        else:
            layers.observe(alias, layer)
        kinds.append(type("Kind", (Listener,), attributes))
    least = [float("inf")] * 3
    try:
        for _ in range(ROUNDS):
            for index, kind in enumerate(kinds):
                least[index] = min(least[index], await _fan_out(kind))
        return least[0], least[1], least[2]
    finally:
        for number in range(3):
            channel_layers.backends.pop(f"cost{number}", None)
        layers.observers.pop("cost2", None)
        meters.pop("cost2", None)


class Listener(AsyncWebsocketConsumer):
    """What most consumers are: a message of the group becomes a frame."""

    async def connect(self) -> None:
        await self.channel_layer.group_add("cost.room.1", self.channel_name)
        await self.accept()

    async def room_said(self, event: dict[str, Any]) -> None:
        await self.send(text_data=event["text"])


async def _fan_out(kind: type[Listener]) -> float:
    tabs = [WebsocketCommunicator(kind.as_asgi(), "/") for _ in range(MEMBERS)]
    for tab in tabs:
        await tab.connect()
    layer = channel_layers[kind.channel_layer_alias]
    began = time.process_time_ns()  # consumers hop to threads
    for _ in range(MESSAGES):
        await layer.group_send("cost.room.1", {"type": "room.said", "text": "as long as people write, mostly"})
        for tab in tabs:
            await tab.receive_from(timeout=10)
    spent = time.process_time_ns() - began
    for tab in tabs:
        await tab.disconnect()
    return spent / MESSAGES / MEMBERS


async def _send(layer: Any, message: dict[str, Any], number: int) -> float:
    began = time.thread_time_ns()
    for _ in range(number):
        await layer.group_send("cost.room.1", message)
    return (time.thread_time_ns() - began) / number


def _repeat(call: Callable[[], object], number: int) -> float:
    began = time.thread_time_ns()
    for _ in range(number):
        call()
    return (time.thread_time_ns() - began) / number


def _least(measure: Callable[[], float]) -> float:
    return min(measure() for _ in range(ROUNDS))


async def _least_of(measure: Callable[[], Awaitable[float]]) -> float:
    return min([await measure() for _ in range(ROUNDS)])
