"""What the hooks cost for themselves: CPU time, the least of many rounds, so that a busy machine hardly shows.

What share that is of a layer's work, [shares.py](shares.py) measures.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from dashboard.layers.hollow import HOLLOW, Hollow
from dashboard.meter import Meter, meters

ROUNDS = 7


@dataclass(frozen=True)
class Cost:
    """Nanoseconds."""

    add: float  # one entry in the meter
    messages: dict[str, float]  # by kind of layer: all that a message to a group of one gets on top, until it is received
    took: float  # one latency


def measure() -> Cost:
    meter = Meter("cost")
    add = _least(lambda: _repeat(lambda: meter.add("cost.room.1", 1, 5, 100), 20_000))
    took = _least(lambda: _repeat(lambda: meter.took(0.001), 20_000))
    return Cost(add, asyncio.run(_messages()), took)


async def _messages() -> dict[str, float]:
    try:
        return {kind.observer.kind: await _message(kind(), kind()) for kind in HOLLOW}
    finally:
        meters.pop("cost", None)


async def _message(plain: Hollow, watched: Hollow) -> float:
    watched.observer("cost", watched)
    bare = await _least_of(lambda: _send(plain, {"type": "x"}, 2_000))
    return await _least_of(lambda: _send(watched, {"type": "x"}, 2_000)) - bare


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
