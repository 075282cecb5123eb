"""`InMemoryChannelLayer`: everything is in this process, so everything is exact."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from typing import Any

from channels.exceptions import ChannelFull

from dashboard.hubs import own_channels
from dashboard.layers.limited import SENT_AT, LimitedObserver, Message, is_named


class Tally:
    """What one group send has come to so far. Deliveries add to it, and it is counted once, at the end."""

    __slots__ = ("delivered", "enqueued", "is_over", "refused")

    def __init__(self) -> None:
        self.enqueued = self.delivered = self.refused = 0  # delivered: of those enqueued, to consumers
        self.is_over = False


_tally: ContextVar[Tally | None] = ContextVar("dashboard_tally", default=None)  # the group send of this context


class MemoryObserver(LimitedObserver):
    kind, exactness, can_stamp = "in memory", "full", True

    @classmethod
    def differences(cls, layer: Any) -> list[str]:
        """`group_send` must go through `send`, and its groups and queues must be where we look."""
        missing = super().differences(layer)
        return missing + [name for name in ("groups", "channels") if not isinstance(getattr(layer, name, None), dict)]

    def groups(self) -> Mapping[str, Collection[str]]:
        return self.layer.groups.copy()

    def gauges(self) -> dict[str, int]:
        depths = [queue.qsize() for queue in self.layer.channels.copy().values()]
        return {"pending": sum(depths), "fullest": max(depths, default=0), "capacity": self.layer.capacity}

    def waiting(self) -> dict[str, int]:
        return {name: queue.qsize() for name, queue in self.layer.channels.copy().items() if queue.qsize()}

    def group_send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        observed = super().group_send(original)

        async def group_send(group: str, message: Message) -> None:
            tally = Tally()
            token = _tally.set(tally)
            try:
                await observed(group, message)
            finally:
                _tally.reset(token)
                self.count(group, tally)
                tally.is_over = True  # if it was cancelled, what it began goes on, and counts for itself

        return group_send

    def count(self, group: str, tally: Tally) -> None:
        if tally.enqueued or tally.refused:
            counts = self.meter.shard().counts
            counts["enqueued"] += tally.enqueued
            if tally.refused:
                counts["lost.full"] += tally.refused
            self.meter.add(group, 0, tally.delivered, 0, lost=tally.refused)

    def send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        observed = super().send(original)

        async def send(channel: str, message: Message) -> None:
            tally = _tally.get()
            if tally is None or tally.is_over:
                await observed(channel, message)
                self.meter.count("enqueued")
                return
            try:
                await original(channel, message)
            except ChannelFull:  # `group_send` says nothing of it
                tally.refused += 1
                raise
            tally.enqueued += 1
            tally.delivered += channel not in own_channels and channel not in self.ghosts

        return send

    def receive(self, original: Any) -> Callable[[str], Awaitable[Message]]:
        async def receive(channel: str) -> Message:
            self.meter.shard()  # who listens is there, also when nothing comes
            message = await (self.receive_named(original, channel) if is_named(channel) else original(channel))
            self.meter.shard().counts["received"] += 1  # and thereby handed over
            return self.unstamped(message) if SENT_AT in message else message

        return receive
