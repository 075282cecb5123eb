"""What one group send of the in-memory layer comes to."""

from asyncio import Queue, QueueFull
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from channels.exceptions import ChannelFull

from dashboard.hubs import own_channels

if TYPE_CHECKING:
    from dashboard.layers.limited import Message
    from dashboard.layers.memory import MemoryObserver


class FanOut:
    """The layer as its own `group_send` sees it for one message: members are counted, and sent to without a wrapper between."""

    __slots__ = (
        "_layer",
        "delivered",
        "enqueued",
        "group",
        "groups",
        "is_over",
        "observer",
        "refused",
        "require_valid_group_name",
        "send",
    )

    def __init__(self, observer: "MemoryObserver", group: str) -> None:
        layer = self._layer = observer.layer
        self.observer, self.group, self.groups = observer, group, layer.groups
        self.require_valid_group_name, self.send = layer.require_valid_group_name, observer.send_unwatched
        self.enqueued = self.delivered = self.refused = 0  # delivered: of those enqueued, to consumers
        self.is_over = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    def _clean_expired(self) -> None:
        self._layer._clean_expired()
        if members := self.groups.get(self.group):
            self.enqueued = self.delivered = len(members)
            for others in (own_channels, self.observer.ghosts):
                if others:
                    self.delivered -= len(members.keys() & others)

    def refuse(self, channel: str) -> None:
        self.enqueued -= 1
        self.refused += 1
        self.delivered -= self.observer.is_consumer(channel)

    def forget(self) -> None:
        """It failed for every member: what fails is copying the message."""
        self.enqueued = self.delivered = self.refused = 0


class CarefulFanOut(FanOut):
    """The same, when the queue of a member may be full: `group_send` says nothing of that."""

    __slots__ = ()

    def __init__(self, observer: "MemoryObserver", group: str) -> None:
        super().__init__(observer, group)
        self.send = self._send

    def _clean_expired(self) -> None:
        self._layer._clean_expired()

    async def _send(self, channel: str, message: "Message") -> None:
        observer = self.observer
        observer.out_of_turn(channel)
        try:
            await observer.send_unwatched(channel, message)
        except ChannelFull:
            self.refused += 1
            raise
        else:
            self.enqueued += 1
            self.delivered += observer.is_consumer(channel)
        finally:
            if self.is_over:  # `group_send` was cancelled, and what it began goes on
                observer.count(self)

    def forget(self) -> None:
        """What it came to is known."""


at_work: ContextVar[FanOut | None] = ContextVar("dashboard_memory", default=None)  # the group send of this context


def tell_refusals(queue: "Queue[Any]", channel: str) -> None:
    """From now on this queue says whom it refused."""
    if "put_nowait" in vars(queue):
        return
    put = queue.put_nowait

    def put_nowait(item: Any) -> None:
        try:
            put(item)
        except QueueFull:
            if type(fan_out := at_work.get()) is FanOut:  # a careful one sees it for itself
                fan_out.refuse(channel)
            raise

    queue.put_nowait = put_nowait  # type: ignore[method-assign]
