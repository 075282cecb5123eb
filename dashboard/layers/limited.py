"""The adapter that needs nothing but the public API of a channel layer, and what the others build on."""

import time
from asyncio import CancelledError
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextvars import ContextVar
from typing import Any

from channels.exceptions import ChannelFull

from dashboard.classes import note_app
from dashboard.conf import option
from dashboard.connections import current
from dashboard.meter import meter_of
from dashboard.tap import taps

SENT_AT = "__dashboard_sent_at__"  # a key of messages on their way; consumers never see it

STAMPS = 100  # messages of a second whose time is taken, all of them; of more,
EVERY = 64  # each so many-th

NAMED = 500  # channels with a name that are told apart

Message = dict[str, Any]

# Who wants to know what the current context sends: (alias, method, group or channel, message, when it began).
Listener = Callable[[str, str, str, Any, float], None]
listener: ContextVar[Listener | None] = ContextVar("dashboard_listener", default=None)


class NamedChannel:
    """A channel with a name of its own, such as that of a worker, as this process sees it."""

    def __init__(self) -> None:
        self.sent = self.full = self.received = 0
        self.waiting = 0  # receivers, at this moment


class LimitedObserver:
    """Wraps the public methods of one layer object. What they do, return and raise stays the same."""

    kind = "unknown"
    exactness = "limited"  # what the pages say about it: "full" or "limited"
    can_stamp = False  # may messages carry SENT_AT: only if whoever receives them is known to take it out
    public = ("send", "receive", "group_add", "group_discard", "group_send")
    replaced: tuple[str, ...] = (*public, "flush")  # attributes of the layer that hooking in sets

    def __init__(self, alias: str, layer: Any) -> None:
        self.alias, self.layer = alias, layer
        self.meter = meter_of(alias)
        self.members: dict[str, set[str]] = {}  # group -> channels that joined it here
        self.joined: dict[str, set[str]] = {}  # channel -> groups that it has not left
        self.ghosts: set[str] = set()  # channels whose consumer ended without leaving its groups
        self.named: dict[str, NamedChannel] = {}
        self._other = NamedChannel()
        self._stamps = self.can_stamp and option("STAMP")
        self.stamps_left = STAMPS
        self._unstamped = 0
        self.hook()

    @classmethod
    def differences(cls, layer: Any) -> list[str]:
        """What the adapter needs of the layer and does not find."""
        return [name for name in cls.public if not callable(getattr(layer, name, None))]

    def hook(self) -> None:
        for name in self.public:
            if callable(original := getattr(self.layer, name, None)):
                setattr(self.layer, name, getattr(self, name)(original))
        if callable(flush := getattr(self.layer, "flush", None)):
            self.layer.flush = self.flush(flush)

    # What is asked once a second, or when somebody looks

    def groups(self) -> Mapping[str, Collection[str]]:
        """The members of each group that are of this process, as the layer has them."""
        return self.members.copy()

    def sizes(self, without: set[str]) -> dict[str, int]:
        """How many members each group has here, not counting those channels, nor those that nobody listens to any more."""
        groups = self.groups()
        sizes = {group: len(members) for group, members in groups.items()}
        for channel in without | self.ghosts:
            for group in list(self.joined.get(channel, ())):
                if channel in groups.get(group, ()):
                    sizes[group] -= 1
        return {group: number for group, number in sizes.items() if number}

    def gauges(self) -> dict[str, int]:
        """How much waits, in this process: messages `pending`, the `fullest` queue and its `capacity`."""
        return {}

    def waiting(self) -> dict[str, int]:
        """Messages in the queue of each channel that has any, where that can be seen."""
        return {}

    def ghost_memberships(self) -> int:
        return sum(len(self.joined.get(channel, ())) for channel in self.ghosts.copy())

    # The wrappers

    def group_send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        async def group_send(group: str, message: Message) -> None:
            if group in taps:
                taps[group].take(message)
            hear = listener.get()
            began = time.perf_counter() if hear else 0.0
            try:
                await original(group, self.stamped(message))
            except BaseException as error:
                self.failed(group, error)
                raise
            finally:
                if hear:
                    hear(self.alias, "group_send", group, message, began)
            self.sent_to_group(group)

        return group_send

    def send(self, original: Any) -> Callable[[str, Message], Awaitable[None]]:
        async def send(channel: str, message: Message) -> None:
            hear = listener.get()
            began = time.perf_counter() if hear else 0.0
            try:
                await original(channel, self.stamped(message))
            except BaseException as error:
                self.send_failed(channel, error)
                raise
            finally:
                if hear:
                    hear(self.alias, "send", channel, message, began)
            self.sent(channel)

        return send

    def receive(self, original: Any) -> Callable[[str], Awaitable[Message]]:
        async def receive(channel: str) -> Message:
            self.meter.shard()  # who listens is there, also when nothing comes
            message = await (self.receive_named(original, channel) if is_named(channel) else original(channel))
            self.meter.count("handed")
            return self.unstamped(message)

        return receive

    def group_add(self, original: Any) -> Callable[[str, str], Awaitable[None]]:
        async def group_add(group: str, channel: str) -> None:
            await original(group, channel)
            self.members.setdefault(group, set()).add(channel)
            self.joined.setdefault(channel, set()).add(group)
            note_app(group, connection.app if (connection := current.get()) else "")

        return group_add

    def group_discard(self, original: Any) -> Callable[[str, str], Awaitable[None]]:
        async def group_discard(group: str, channel: str) -> None:
            await original(group, channel)
            self.left(group, channel)

        return group_discard

    def flush(self, original: Any) -> Callable[[], Awaitable[None]]:
        async def flush() -> None:
            await original()
            for forgotten in (self.members, self.joined, self.ghosts):
                forgotten.clear()

        return flush

    # Parts of them

    def left(self, group: str, channel: str) -> None:
        for of, name, index in ((self.members, group, channel), (self.joined, channel, group)):
            if found := of.get(name):
                found.discard(index)
                if not found:
                    of.pop(name, None)
        if channel not in self.joined:
            self.ghosts.discard(channel)

    def ended(self, channel: str) -> None:
        """A consumer ended. If it failed, Channels has not called its `disconnect`, and the layer still has it in its groups."""
        if groups := self.joined.get(channel):
            self.ghosts.add(channel)
            self.meter.count("left_behind", len(groups))

    def stamped(self, message: Message) -> Message:
        """A copy that says when it was sent. The caller's own dict stays as it is."""
        if not self._stamps or type(message) is not dict:
            return message
        self._unstamped += 1
        if self.stamps_left <= 0 and self._unstamped < EVERY:
            return message
        self.stamps_left -= 1
        self._unstamped = 0
        return {**message, SENT_AT: time.time()}

    def unstamped(self, message: Message) -> Message:
        if SENT_AT in message:
            self.meter.took(time.time() - message.pop(SENT_AT))
        return message

    def sent_to_group(self, group: str) -> None:
        self.meter.add(group, 1, 0, 0)

    def sent(self, channel: str) -> None:
        self.meter.count("sends")
        if is_named(channel):
            self.channel(channel).sent += 1

    def channel(self, name: str) -> NamedChannel:
        if found := self.named.get(name):
            return found
        return self.named.setdefault(name, NamedChannel()) if len(self.named) < NAMED else self._other

    def send_failed(self, channel: str, error: BaseException) -> None:
        if is_named(channel) and isinstance(error, ChannelFull):
            self.channel(channel).full += 1
        self.meter.count(outcome_of(error))

    def failed(self, group: str, error: BaseException) -> None:
        """A group send did not come to its end."""
        outcome = outcome_of(error)
        if outcome.startswith("lost."):
            self.meter.add(group, 1, 0, 0, lost=1)
        self.meter.count(outcome)

    async def receive_named(self, original: Any, channel: str) -> Message:
        named = self.channel(channel)
        named.waiting += 1
        try:
            message = await original(channel)
        finally:
            named.waiting -= 1
        named.received += 1
        return message


def is_named(channel: Any) -> bool:
    """Is it a channel with a name of its own, as against one that belongs to a single consumer?"""
    return isinstance(channel, str) and "!" not in channel and "specific." not in channel


def outcome_of(error: BaseException) -> str:
    """What a send that raised counts as. A caller's mistake (a bad name), or its giving up, is no loss of the layer."""
    match error:
        case ChannelFull():
            return "lost.full"
        case CancelledError():
            return "cancelled"
        case TypeError() | AssertionError() | ValueError():
            return "refused"
    return "lost.failed"  # the layer did not answer, and whether it arrived is not known
