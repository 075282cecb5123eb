"""`RedisChannelLayer`: one inbox per process in Redis, with a capacity, and queues per consumer behind it.

The time of sending is the score of a message in its inbox; the layer throws it away, we do not. Which inboxes were full, the
layer's script counts and does not tell; ours is the same script, and tells.
"""

import collections
import inspect
import time
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from functools import cache
from typing import Any

from dashboard.layers.limited import LimitedObserver, Message


class FanOut:
    """What one group_send has come to so far."""

    __slots__ = ("bytes", "inboxes", "lost", "members", "refused")

    def __init__(self) -> None:
        self.members = self.bytes = self.inboxes = 0
        self.refused = self.lost = 0  # inboxes that were full; members behind them


_at_work: ContextVar[FanOut | None] = ContextVar("dashboard_fan_out", default=None)  # the group_send of this context

# What is replaced in the layer's script, so that it returns the positions of the refused inboxes in place of their number.
BEGINS, COUNTS, RETURNS = "local over_capacity = 0", "over_capacity = over_capacity + 1", "return over_capacity"
TELLING = {BEGINS: "local refused = {}", COUNTS: "refused[#refused + 1] = i", RETURNS: "return refused"}
PRIVATE = ("connection", "_map_channel_keys_to_connection", "receive_buffer", "client_prefix", "deserialize", "non_local_name")


class CoreObserver(LimitedObserver):
    kind, exactness, can_stamp = "Redis, one inbox per process", "full", False
    replaced = (*LimitedObserver.replaced, "_map_channel_keys_to_connection", "connection", "receive_buffer")

    @classmethod
    def differences(cls, layer: Any) -> list[str]:
        missing = super().differences(layer) + [name for name in PRIVATE if not hasattr(layer, name)]
        if not hasattr(getattr(getattr(layer, "receive_buffer", None), "default_factory", None), "func"):
            missing.append("bounded queues")
        source = inspect.getsource(type(layer).group_send)
        return missing + [f"“{text}” in its script" for text in TELLING if source.count(text) != 1]

    def hook(self) -> None:
        layer = self.layer
        self._map_keys = layer._map_channel_keys_to_connection
        layer._map_channel_keys_to_connection = self._count_fan_out
        layer.connection = self._watching(layer.connection)
        layer.receive_buffer = self._counting_buffer(layer)
        super().hook()

    def gauges(self) -> dict[str, int]:
        depths = [queue.qsize() for queue in self.layer.receive_buffer.copy().values()]
        return {
            "pending": sum(depths),
            "fullest": max(depths, default=0),
            "capacity": self.layer.capacity,
            "queues": len(depths),
        }

    @property
    def inbox(self) -> str:
        """The part of our channels' names that is the inbox of this process."""
        return f"{self.layer.client_prefix}!"

    def waiting(self) -> dict[str, int]:
        return {name: queue.qsize() for name, queue in self.layer.receive_buffer.copy().items() if queue.qsize()}

    def group_send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        observed = super().group_send(original)

        async def group_send(group: str, message: Message) -> None:
            fan_out = FanOut()
            token = _at_work.set(fan_out)
            try:
                await observed(group, message)
            finally:
                _at_work.reset(token)
                self.meter.count("enqueued", fan_out.inboxes - fan_out.refused)
                self.meter.add(group, 0, fan_out.members - fan_out.lost, fan_out.bytes, lost=fan_out.lost)

        return group_send

    def send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        observed = super().send(original)

        async def send(channel: str, message: Message) -> None:
            await observed(channel, message)
            self.meter.count("enqueued")

        return send

    def _count_fan_out(self, channel_names: Sequence[str], message: Message) -> Any:
        mapped = self._map_keys(channel_names, message)
        if fan_out := _at_work.get():
            data_of_inbox = mapped[1]
            fan_out.members, fan_out.inboxes = len(channel_names), len(data_of_inbox)
            fan_out.bytes = sum(map(len, data_of_inbox.values()))
        return mapped

    def _watching(self, connection_of: Any) -> Callable[[int], Any]:
        def connection(index: int) -> Any:
            redis = connection_of(index)
            if "bzpopmin" not in vars(redis):
                redis.bzpopmin = self._timing(redis.bzpopmin)
                redis.eval = self._counting_refusals(redis.eval)
            return redis

        return connection

    def _timing(self, bzpopmin: Any) -> Callable[..., Awaitable[Any]]:
        async def timing_bzpopmin(*args: Any, **options: Any) -> Any:
            result = await bzpopmin(*args, **options)
            if result is not None:
                self.meter.count("received")
                self.meter.took(time.time() - float(result[2]))
            return result

        return timing_bzpopmin

    def _counting_refusals(self, evaluate: Any) -> Callable[..., Awaitable[Any]]:
        async def counting_eval(script: str, number: int, *keys_and_args: Any) -> Any:
            if COUNTS not in script:
                return await evaluate(script, number, *keys_and_args)
            refused = await evaluate(_telling(script), number, *keys_and_args)
            if refused:
                self._count_refused([keys_and_args[number + index - 1] for index in refused])
            return len(refused)

        return counting_eval

    def _count_refused(self, messages: Sequence[bytes]) -> None:
        """Each inbox stands for the consumers of a process: all of them have lost the message."""
        lost = sum(len(self.layer.deserialize(data).get("__asgi_channel__", ())) for data in messages)
        self.meter.count("lost.full", lost)
        if fan_out := _at_work.get():
            fan_out.refused += len(messages)
            fan_out.lost += lost

    def _counting_buffer(self, layer: Any) -> Any:
        meter, bounded = self.meter, layer.receive_buffer.default_factory.func

        class CountingQueue(bounded):  # type: ignore[misc, valid-type]
            def put_nowait(self, item: Any) -> None:
                if self.full():
                    meter.count("lost.overflow")
                super().put_nowait(item)

        return collections.defaultdict(lambda: CountingQueue(layer.capacity), layer.receive_buffer)


@cache  # it is one and the same each time
def _telling(script: str) -> str:
    for text, other in TELLING.items():
        script = script.replace(text, other)
    return script
