"""`realtime`, if this project has it: its hub serves many sockets with one channel, and writes to them without the layer.

Nothing else here knows `realtime`. Where it is not installed, there are no hubs.
"""

import json
from collections.abc import Iterator
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER
from django.apps import apps

from dashboard.connections import user_name
from dashboard.meter import meter_of, sockets
from dashboard.process import is_watched, watch_loop
from dashboard.tap import unpackers

IS_HERE = apps.is_installed("realtime")

if IS_HERE:
    from realtime import layer as realtime_layer
    from realtime.hub import Hub
    from realtime.registry import source_of
    from realtime.servers import text_frame
    from realtime.servers.frames import TEXT, split_frames
    from realtime.traffic import listeners

COUNTED = ("frames_in", "slow", "repairs", "resets", "rate_limited")  # by the hub, under names that are ours too

# Channels of this process, on the layer, that stand for many sockets.
own_channels: set[str] = realtime_layer.own_channels if IS_HERE else set()


def watch_hubs() -> None:
    """Listen to what the hubs of this process write. Doing it twice changes nothing."""
    if IS_HERE and _count not in listeners:
        listeners.append(_count)
        unpackers["realtime.frames"] = _frames_in


def _count(group: str, number: int, size: int) -> None:
    meter_of(DEFAULT_CHANNEL_LAYER).add(group, 0, number, number * size)
    counts = sockets.shard().counts
    counts["frames_out"] += number
    counts["bytes_out"] += number * size


def _frames_in(message: dict[str, Any]) -> list[Any]:
    """A hub's message carries frames for browsers: those are what somebody wants to see."""
    frames = [found for _, frame, _ in message.get("frames", ()) for found in split_frames(bytes(frame))]
    return [json.loads(payload) if kind == TEXT else {"binary": payload} for kind, payload in frames]


def wrapped(group: str, message: dict[str, Any]) -> dict[str, Any]:
    """A message as the members of this group understand it: the hub passes on what is meant for browsers."""
    if not is_topic(group):
        return message
    frame = text_frame(json.dumps(message).encode())
    return {"type": "realtime.frames", "group": group, "frames": [[None, frame, None]], "head": None}


def is_topic(group: str) -> bool:
    """Do hubs carry this group? By its name, because its sockets may all be on other processes."""
    return IS_HERE and (source_of(group) is not None or group.startswith("realtime.user."))


def hub() -> Any:
    """The hub of this process, or None."""
    return Hub.of_process() if IS_HERE else None


def counters() -> dict[str, int]:
    """What the hub counts itself, in our words; numbers only grow."""
    if not (here := hub()):
        return {}
    closes = {f"closed.{code}": number for code, number in here.closes.copy().items()}
    lost = here.counters.get("hints_lost", 0)
    return {
        "opened": here.opened,
        "closed": here.opened - len(here.sockets),
        **{name: here.counters[name] for name in COUNTED},
        **closes,
        **({"hints_lost": lost} if lost else {}),
    }


def feel_pulse() -> None:
    """The hub's event loop is the process's, and no consumer of ours has shown it to us."""
    if (here := hub()) and not is_watched(here.loop):
        here.loop.call_soon_threadsafe(watch_loop)


def hub_sockets() -> list[Any]:
    return list(here.sockets.copy()) if (here := hub()) else []


def groups_of(group: str) -> list[Any]:
    """The sockets of this process that follow the hub's topic of this name."""
    if not (here := hub()) or not (topic := here.topics.get(group)):
        return []
    return [*topic.live.copy(), *topic.joining.copy()]


def user_of(socket: Any) -> str:
    return user_name(socket.user)


def sizes() -> Iterator[tuple[str, int]]:
    """How many sockets follow each topic here."""
    if here := hub():
        for group, topic in here.topics.copy().items():
            yield group, len(topic.live) + len(topic.joining)


def close(socket: Any, code: int) -> None:
    """Close one of the hub's sockets, from any thread."""
    here = hub()
    here.loop.call_soon_threadsafe(lambda: here.run(here.close_socket(socket, code)))


def describe(socket: Any, now: float) -> dict[str, Any]:
    return {
        "id": f"h{socket.id}",
        "consumer": "realtime.consumers.RealtimeConsumer",
        "app": "realtime",
        "user": user_of(socket),
        "path": "/ws/",
        "age": round(now - socket.opened_at, 1),
        "frames_in": None,  # frames are counted by group: counting them for each socket would cost the direct path
        "frames_out": None,
        "bytes_out": None,
        "buffered": socket.writer.queued,
        "groups": len(socket.groups),
    }
