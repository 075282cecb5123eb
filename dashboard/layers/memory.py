"""`InMemoryChannelLayer`: everything is in this process, so everything is exact.

A message costs something here, a delivery hardly: as long as no queue can be full, every member gets what is sent to a group, and
all there is to know is how many they are. When a queue may be full, each delivery is looked at.
"""

import inspect
import time
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any

from asgiref.sync import markcoroutinefunction

from dashboard.histogram import bucket_of
from dashboard.hubs import own_channels
from dashboard.layers.fan_out import CarefulFanOut, FanOut, at_work, tell_refusals
from dashboard.layers.limited import SENT_AT, LimitedObserver, Message, is_named, listener
from dashboard.tap import taps

LOOK_AGAIN = 16  # messages after a queue was found that may be full: looking at all of them takes time

# What the layer's `group_send` does, in this order; nothing is awaited in between.
STEPS = ("self._clean_expired()", "self.groups[group].keys()", "self.send(channel, message)")
PUTS = "queue.put_nowait("  # and its `send`, without waiting for anything


class MemoryObserver(LimitedObserver):
    kind, exactness, can_stamp = "in memory", "full", True

    def __init__(self, alias: str, layer: Any) -> None:
        self.send_unwatched = layer.send
        self._fitting = 0  # messages more for which every queue surely has room
        self._looked = 0  # messages ago, if there are none
        self._under_way: set[FanOut] = set()
        super().__init__(alias, layer)

    @classmethod
    def differences(cls, layer: Any) -> list[str]:
        """Its groups and queues must be where we look, and `group_send` must do what we know."""
        missing = super().differences(layer)
        missing += [name for name in ("groups", "channels") if not isinstance(getattr(layer, name, None), dict)]
        group_send, send = inspect.getsource(type(layer).group_send), inspect.getsource(type(layer).send)
        places = [group_send.find(step) for step in STEPS]
        if places != sorted(places) or -1 in places or not is_own(layer.group_send, type(layer).group_send):
            missing.append("group_send as we know it")
        if PUTS not in send or "await" in send or not is_own(layer.send, type(layer).send):
            missing.append("send as we know it")
        return missing

    def groups(self) -> Mapping[str, Collection[str]]:
        return self.layer.groups.copy()

    def gauges(self) -> dict[str, int]:
        depths = [queue.qsize() for queue in self.layer.channels.copy().values()]
        return {"pending": sum(depths), "fullest": max(depths, default=0), "capacity": self.layer.capacity}

    def waiting(self) -> dict[str, int]:
        return {name: queue.qsize() for name, queue in self.layer.channels.copy().items() if queue.qsize()}

    # The wrappers

    def group_send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        send_to_members, add, under_way = original.__func__, self.meter.add, self._under_way

        async def counted(group: str, message: Message) -> None:
            fan_out = FanOut(self, group) if self._has_room() else CarefulFanOut(self, group)
            under_way.add(fan_out)
            token = at_work.set(fan_out)
            try:
                await send_to_members(fan_out, group, self.stamped(message))
            except BaseException as error:
                self._came_short(fan_out, error)
                raise
            finally:
                at_work.reset(token)
                under_way.discard(fan_out)
            add(group, 1, fan_out.delivered, 0, fan_out.refused, fan_out.enqueued)
            if fan_out.refused:
                self.meter.count("lost.full", fan_out.refused)

        attentive = super().group_send(counted)

        def group_send(group: str, message: Message) -> Awaitable[None]:
            """No coroutine of its own, which would cost as much as all of the counting."""
            if group in taps or listener.get() is not None:
                return attentive(group, message)
            return counted(group, message)

        return markcoroutinefunction(group_send)

    def _came_short(self, fan_out: FanOut, error: BaseException) -> None:
        """It was cancelled, when all are sent to that there are; or the message cannot be copied, for anybody."""
        if isinstance(error, Exception):
            fan_out.forget()
        self.count(fan_out)
        fan_out.is_over = True
        self.failed(fan_out.group, error)

    def count(self, fan_out: FanOut) -> None:
        """What a group send came to that did not come to its end."""
        if fan_out.enqueued or fan_out.refused:
            self.meter.add(fan_out.group, 0, fan_out.delivered, 0, fan_out.refused, fan_out.enqueued)
        if fan_out.refused:
            self.meter.count("lost.full", fan_out.refused)
        FanOut.forget(fan_out)

    # `counted` has done what these are for.

    def sent_to_group(self, group: str) -> None: ...

    def send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        observed = super().send(original)

        async def send(channel: str, message: Message) -> None:
            self._fitting -= 1
            self.out_of_turn(channel)
            await observed(channel, message)
            self.meter.shard().enqueued += 1

        return send

    def receive(self, original: Any) -> Callable[[str], Awaitable[Message]]:
        shard_of, own_shard = self.meter.shard, self.meter.own_shard

        async def receive(channel: str) -> Message:
            try:
                shard = own_shard.shard
            except AttributeError:
                shard = shard_of()  # who listens is there, also when nothing comes
            is_specific = type(channel) is str and "!" in channel
            message = await (original(channel) if is_specific else self._receive_named(original, channel))
            shard.received += 1  # and thereby handed over
            if SENT_AT in message:
                shard.times[bucket_of(time.time() - message.pop(SENT_AT))] += 1
            return message

        return receive

    # Parts of them

    def _receive_named(self, original: Any, channel: str) -> Awaitable[Message]:
        received: Awaitable[Message] = self.receive_named(original, channel) if is_named(channel) else original(channel)
        return received

    def is_consumer(self, channel: str) -> bool:
        return channel not in own_channels and channel not in self.ghosts

    def out_of_turn(self, channel: str) -> None:
        """A message is put into a queue at once. Should it take the place that one under way is sure of, that is to be known."""
        queue = self.layer.channels.get(channel) if self._under_way else None
        if queue is not None and queue.maxsize - queue.qsize() <= len(self._under_way):
            tell_refusals(queue, channel)

    def _has_room(self) -> bool:
        """Has every queue room for one message more, whatever else is under way?

        A message adds at most one to a queue: where all have room for some more, they need not be looked at for as many.
        """
        self._fitting -= 1
        if self._fitting < 0 and self._looked == 0:
            self._fitting = self._room() - 1
        if self._fitting >= 0:
            return True
        self._looked = (self._looked + 1) % LOOK_AGAIN
        return False

    def _room(self) -> int:
        """Half of what there is: threads that count at the same time may count one message for two."""
        layer = self.layer
        if layer.channel_capacity:  # any queue may have another one
            return 0
        free = min((queue.maxsize - queue.qsize() for queue in list(layer.channels.values())), default=layer.capacity)
        return (min(free, layer.capacity) - len(self._under_way)) // 2


def is_own(method: Any, function: Any) -> bool:
    """Nobody has put another one in its place."""
    return getattr(method, "__func__", None) is function
