"""The Redis beneath the layer: is it well, what does the layer cost it, what do we?"""

import time
from collections.abc import Callable
from typing import Any, cast

from dashboard.store import Store

OWN_SECONDS = 60
_own: dict[str, tuple[float, dict[str, int]]] = {}  # by store: when, and what was counted

COMMANDS = ("publish", "subscribe", "unsubscribe", "zadd", "zrange", "bzpopmin", "zremrangebyscore", "eval", "evalsha", "expire")


def facts(store: Store) -> dict[str, Any]:
    """INFO, clients, slow log and our own keys. Empty where there is no Redis."""
    if not store.is_shared:
        return {}
    from dashboard.store.shared import SharedStore, reaching

    connection = cast(SharedStore, store).redis
    with reaching():
        info: dict[str, Any] = connection.info("all")
        clients = _allowed(lambda: connection.client_list(_type="pubsub"), [])
        slow = _allowed(lambda: connection.slowlog_get(10), [])
        limits = _allowed(lambda: connection.config_get("client-output-buffer-limit"), {})
        own = own_keys(cast(SharedStore, store))
    commands = [
        {
            "name": name,
            "calls": found["calls"],
            "microseconds": found["usec_per_call"],
            "share": found["usec"],
        }
        for name in COMMANDS
        if isinstance(found := info.get(f"cmdstat_{name}"), dict)
    ]
    return {
        "name": store.name,
        "info": info,
        "memory_share": share(info.get("used_memory", 0), info.get("maxmemory", 0)),
        "commands": sorted(commands, key=lambda command: -command["share"]),
        "pubsub_clients": sorted(
            (
                {
                    "name": client.get("name") or client["addr"],
                    "held": int(client.get("omem", 0)),
                    "subscribed": client.get("sub", 0),
                }
                for client in clients
            ),
            key=lambda client: -client["held"],
        )[:20],
        "slow": [
            {"at": entry["start_time"], "milliseconds": entry["duration"] / 1000, "command": text(entry["command"])}
            for entry in slow
        ],
        "limit": limits.get("client-output-buffer-limit", "").rpartition("pubsub ")[2],
        "own": own,
    }


def own_keys(store: Any) -> dict[str, int]:
    """How many keys are ours, and about how much memory they take: the mean of some, times their number.

    To find them every key of that Redis is looked at, so it is done once a minute whoever looks.
    """
    at, found = _own.get(store.name, (0.0, {}))
    if not at or time.monotonic() - at > OWN_SECONDS:
        found = _count_own_keys(store)
        _own[store.name] = (time.monotonic(), found)
    return found


def _count_own_keys(store: Any) -> dict[str, int]:
    keys = list(store.redis.scan_iter(store._prefix.replace("[", "\\[") + "*", count=1000))
    sample = keys[:: max(1, len(keys) // 40)]
    sizes = [store.redis.memory_usage(key) or 0 for key in sample]
    return {"keys": len(keys), "bytes": round(sum(sizes) / len(sizes) * len(keys)) if sizes else 0}


def share(part: int, whole: int) -> float | None:
    return round(100 * part / whole, 1) if whole else None


def text(command: Any) -> str:
    """The first words only: arguments may hold what people wrote."""
    words = command.decode(errors="replace") if isinstance(command, bytes) else str(command)
    return " ".join(words.split()[:2])[:80]


def _allowed(ask: Callable[[], Any], otherwise: Any) -> Any:
    """Hosted Redis often forbids some of these."""
    from redis.exceptions import ResponseError

    try:
        return ask()
    except ResponseError:
        return otherwise
