"""What waits in Redis for `RedisChannelLayer`: the inboxes of the processes, and the channels of workers.

Looked at by the one process that leads, on connections of its own. Keys are asked for by name, never searched for.
"""

import time
from typing import Any
from weakref import WeakKeyDictionary

import redis

from dashboard.layers import observers
from dashboard.store import Store
from dashboard.store.hosts import connect

NAMES = 200  # in one look
KEY = "backlog by inbox"  # another name when its form changes: during a deploy the one that leads may run other code than we do


def look(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """For each core layer: `{"inboxes": {inbox: messages}, "named": {channel: {"length", "oldest"}}}`, ages in seconds."""
    found = {}
    for alias, observer in list(observers.items()):
        if not hasattr(observer, "inbox"):
            continue
        layers = [row["layers"][alias] for row in rows if alias in row["layers"]]
        prefix = observer.layer.prefix
        inboxes = [(layer["inbox"], f"{prefix}specific.{layer['inbox']}") for layer in layers if layer["inbox"]]
        named = sorted({name for layer in layers for name in layer["named"]})[:NAMES]
        try:
            found[alias] = _look(observer.layer, inboxes, [(name, prefix + name) for name in named])
        except redis.RedisError:
            continue
    return found


def stored_backlog(store: Store) -> dict[str, Any]:
    """What the one that leads saw last, as `look` returns it."""
    found: dict[str, Any] | None = store.recall(KEY)
    return found or {}


def _look(layer: Any, inboxes: list[tuple[str, str]], named: list[tuple[str, str]]) -> dict[str, Any]:
    lengths: dict[str, int] = {name: 0 for name, _ in named}
    oldest: dict[str, float] = {}
    in_inboxes: dict[str, int] = {inbox: 0 for inbox, _ in inboxes}
    for connection in connections(layer):
        with connection.pipeline(transaction=False) as pipe:
            for _, key in inboxes:
                pipe.zcard(key)
            for _, key in named:
                pipe.zcard(key)
                pipe.zrange(key, 0, 0, withscores=True)
            answers = pipe.execute()
        for (inbox, _), length in zip(inboxes, answers, strict=False):
            in_inboxes[inbox] += length
        rest = answers[len(inboxes) :]
        for (name, _), length, first in zip(named, rest[::2], rest[1::2], strict=True):
            lengths[name] += length
            if first:
                oldest[name] = min(oldest.get(name, first[0][1]), first[0][1])
    now = time.time()
    return {
        "inboxes": in_inboxes,
        "named": {
            name: {"length": lengths[name], "oldest": max(0.0, now - oldest[name]) if name in oldest else 0} for name in lengths
        },
    }


def connections(layer: Any) -> list[Any]:
    """A client of our own for each host of a core layer, made once."""
    if layer not in _connections:
        _connections[layer] = [connect(host) for host in layer.hosts]
    return _connections[layer]


_connections: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()
