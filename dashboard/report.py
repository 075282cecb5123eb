"""What a process says about itself once a second: counters that only grow, gauges of this moment, and a row of facts."""

import time
from dataclasses import dataclass, field
from typing import Any

from dashboard import hubs, process
from dashboard.connections import all_connections
from dashboard.layers import canary, observers
from dashboard.layers.limited import STAMPS
from dashboard.meter import SOCKETS, meters

MANY_GROUPS, RARELY_SECONDS = 20_000, 4.0

_sizes: dict[str, int] = {}
_sizes_until = 0.0


@dataclass(slots=True)
class Report:
    """Counters: `<alias>|<name>`, and `c|<alias>|<class>|<field>`, which are not kept by the second.

    Gauges: `<name>` is summed over processes, `max.<name>` is the largest of all. Whole numbers, all of them.
    """

    boot: str
    seq: int
    counters: dict[str, int] = field(default_factory=dict)
    gauges: dict[str, int] = field(default_factory=dict)
    row: dict[str, Any] = field(default_factory=dict)


FORMAT = 1  # of a row; another one when something in it gets another meaning
EMPTY: dict[str, Any] = {
    **dict.fromkeys(("boot", "host", "machine", "born", "role", "version"), ""),
    **dict.fromkeys(("pid", "started", "cpu", "rss", "files", "own", "offset", "round_trip"), 0),
    **{name: {} for name in ("versions", "gauges", "layers", "apps")},
}
IDENTITY = ("boot", "host", "machine", "born", "role", "version", "pid", "started")


def understood(row: dict[str, Any]) -> dict[str, Any]:
    """A row of a process that may run other code, as during a deploy: of another format, only who it is."""
    if row.get("format") != FORMAT:
        row = {name: row[name] for name in IDENTITY if name in row}
    return EMPTY | row


def make_report(seq: int, own_cost: float) -> Report:
    """Everything about this process, as of now."""
    for meter in list(meters.values()):
        meter.beat()
    for observer in list(observers.values()):
        observer.stamps_left = STAMPS
    report = Report(process.boot_id, seq, counters=counters())
    report.gauges = gauges()
    report.row = {
        "format": FORMAT,
        **process.identity(),
        **process.vitals(),
        "gauges": report.gauges,
        "layers": layers(),
        "apps": by_app(),
        "own": round(own_cost, 6),
    }
    return report


def counters() -> dict[str, int]:
    found: dict[str, int] = {}
    for alias, meter in list(meters.items()):
        found |= {f"{alias}|{name}": number for name, number in meter.counters().items()}
        for name, (sends, deliveries, size, lost) in meter.by_class().items():
            start = f"c|{alias}|{name}"
            found |= {f"{start}|sends": sends, f"{start}|deliveries": deliveries, f"{start}|bytes": size, f"{start}|lost": lost}
    for name, number in hubs.counters().items():
        name = f"{SOCKETS}|{name}"
        found[name] = found.get(name, 0) + number
    return found


def gauges() -> dict[str, int]:
    hubs.feel_pulse()
    connections, hub_sockets = all_connections(), hubs.hub_sockets()
    sizes = group_sizes()
    buffers = [connection.buffered for connection in connections] + [socket.writer.queued for socket in hub_sockets]
    found = {
        "connections": len(connections) + len(hub_sockets),
        "groups": len(sizes),
        "members": sum(sizes.values()),
        "buffered": sum(buffers),
        "max.buffer": max(buffers, default=0),
        "max.lag": int(process.lag() * 1e6),  # microseconds
    }
    for alias, observer in list(observers.items()):
        own = observer.gauges()
        if heard := [took for took in canary.heard(alias).values() if took is not None]:
            found[f"max.canary.{alias}"] = int(max(heard) * 1000)  # microseconds
        found["ghosts"] = found.get("ghosts", 0) + observer.ghost_memberships()
        found[f"pending.{alias}"] = own.get("pending", 0)
        found[f"max.fullest.{alias}"] = own.get("fullest", 0)
        if capacity := own.get("capacity"):
            found[f"max.fill.{alias}"] = 1000 * own.get("fullest", 0) // capacity  # thousandths
    return found


def group_sizes() -> dict[str, int]:
    """Members of each group that are of this process: consumers by the layer, and sockets of the hub.

    With very many groups it is looked at every few seconds only, or it would cost more than the layer.
    """
    global _sizes, _sizes_until
    if time.monotonic() >= _sizes_until:
        _sizes = _count_members()
        _sizes_until = time.monotonic() + (RARELY_SECONDS if len(_sizes) > MANY_GROUPS else 0.0)
    return _sizes


def _count_members() -> dict[str, int]:
    parts = [observer.sizes(hubs.own_channels) for observer in list(observers.values())]
    sizes = parts[0] if parts else {}
    for more in [*parts[1:], dict(hubs.sizes())]:
        for group, number in more.items():
            if number:
                sizes[group] = sizes.get(group, 0) + number
    return sizes


def layers() -> dict[str, Any]:
    """Which channel layers this process has, and what waits in their named channels."""
    return {
        alias: {
            "kind": observer.kind,
            "exactness": observer.exactness,
            "inbox": getattr(observer, "inbox", ""),
            "members": len(observer.joined),  # channels of this process that are in groups
            **observer.gauges(),
            "canary": canary.heard(alias),
            "named": {
                name: {"sent": named.sent, "full": named.full, "received": named.received, "waiting": named.waiting}
                for name, named in list(observer.named.items())[:50]
            },
        }
        for alias, observer in list(observers.items())
    }


def by_app() -> dict[str, int]:
    """Sockets by the app that serves them."""
    found: dict[str, int] = {}
    for connection in all_connections():
        found[connection.app] = found.get(connection.app, 0) + 1
    if number := len(hubs.hub_sockets()):
        found["realtime"] = number
    return found
