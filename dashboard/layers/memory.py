"""`InMemoryChannelLayer`: everything is in this process, so everything is exact."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from typing import Any

from channels.exceptions import ChannelFull

from dashboard.hubs import own_channels
from dashboard.layers.limited import LimitedObserver, Message, is_named

# [enqueued, of them for consumers, refused] of the group send that is at work in this context
_tally: ContextVar[list[int] | None] = ContextVar("dashboard_tally", default=None)


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
            tally = [0, 0, 0]
            token = _tally.set(tally)
            try:
                await observed(group, message)
            finally:
                _tally.reset(token)
                if tally[0] or tally[2]:
                    self.meter.add(group, 0, tally[1], 0, lost=tally[2])

        return group_send

    def send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        observed = super().send(original)

        async def send(channel: str, message: Message) -> None:
            tally = _tally.get()
            counts = self.meter.shard().counts
            if tally is None:
                await observed(channel, message)
                counts["enqueued"] += 1
                return
            try:
                await original(channel, message)
            except ChannelFull:  # `group_send` says nothing of it
                tally[2] += 1
                counts["lost.full"] += 1
                raise
            tally[0] += 1
            tally[1] += channel not in own_channels
            counts["enqueued"] += 1

        return send

    def receive(self, original: Any) -> Callable[[str], Awaitable[Message]]:
        async def receive(channel: str) -> Message:
            message = await (self.receive_named(original, channel) if is_named(channel) else original(channel))
            counts = self.meter.shard().counts
            counts["received"] += 1
            counts["handed"] += 1
            return self.unstamped(message)

        return receive
