"""What a process answers when it is asked, on its agent's thread. Only it knows its groups and sockets."""

import time
from heapq import nlargest
from typing import Any

from channels import DEFAULT_CHANNEL_LAYER

from dashboard import actions, hubs
from dashboard.connections import all_connections, by_channel
from dashboard.layers import observers
from dashboard.meter import DELIVERIES, LOST, SENDS
from dashboard.own_groups import own_groups, series
from dashboard.tap import Tap, close_old_taps, close_tap, open_tap, taps

ROWS = 5_000  # in one answer
SLOW_BYTES = 65_536  # that wait for a browser; less is an ordinary moment

Details = dict[str, Any]


def answer(what: str, details: Details) -> Any:
    """Never fails on what it does not know: a newer process may ask."""
    questions = {
        "groups": top_groups,
        "rows": rows_of,
        "hashes": hashes,
        "group": group,
        "connections": sockets,
        "tap": tap,
        **actions.ACTIONS,
    }
    return questions[what](details) if what in questions else {"unknown": what}


# Groups


def top_groups(details: Details) -> dict[str, Any]:
    """The first `limit` groups by `sort`, or with `least` all whose value is at least that."""
    groups = own_groups()
    names = _names(details)
    if "least" in details:
        return {"values": groups.at_least(names, details["sort"], details["least"], ROWS)}
    rows = groups.top(names, details["sort"], details.get("descending", True), min(details["limit"], ROWS))
    return {"total": len(names), "rows": rows, "classes": groups.classes()}


def rows_of(details: Details) -> dict[str, Any]:
    """The rows of these groups, as far as they are here."""
    groups = own_groups()
    names = [name for name in details["names"] if name in groups.names]
    found = {"rows": [groups.row(name) for name in names]}
    if details.get("sparks"):
        sparks = {name: series(name, DELIVERIES) for name in names if name in groups.last}
        return found | {"sparks": {name: line for name, line in sparks.items() if any(line)}}
    return found


def hashes(details: Details) -> str:
    return own_groups().hashes(_names(details))


def _names(details: Details) -> Any:
    return own_groups().matching(details.get("search", ""), details.get("class", ""), details.get("app", ""))


# One group


def group(details: Details) -> dict[str, Any]:
    """Members, the last minute by the second, and the tap: `with_values` says that who asks may see them."""
    name, limit, may_peek = details["group"], details.get("limit", 200), details.get("with_values", False)
    now = time.time()
    everyone = _members(name, now)
    everyone.sort(key=lambda member: -member["age"])
    everywhere = list(observers.values())
    close_old_taps()
    tapped = taps.get(name)
    return {
        "total": len(everyone),
        "layers": sorted({member["layer"] for member in everyone}),
        "members": everyone[:limit],
        "ghosts": sum(channel in observer.ghosts for observer in everywhere for channel in list(observer.groups().get(name, ()))),
        "deaf": _deaf(name, details.get("type", "")),
        "sends": series(name, SENDS),
        "deliveries": series(name, DELIVERIES),
        "lost": series(name, LOST),
        "tap": _tapped(tapped, may_peek) if tapped else None,
    }


def _tapped(tap: Tap, may_peek: bool) -> dict[str, Any]:
    with_values = tap.with_values and may_peek
    return {"until": tap.until, "seen": tap.seen, "with_values": with_values, "messages": tap.messages(with_values=with_values)}


def _deaf(name: str, message_type: str) -> int:
    """Members whose consumer has no handler for a type."""
    if not message_type:
        return 0
    connections = by_channel()
    channels = {channel for observer in list(observers.values()) for channel in list(observer.groups().get(name, ()))}
    known = [connections[channel] for channel in channels if channel in connections]
    handler = message_type.replace(".", "_")
    return sum(handler.startswith("_") or not hasattr(connection.consumer, handler) for connection in known)


def _members(name: str, now: float) -> list[dict[str, Any]]:
    """Who listens: what was left behind by consumers that failed is counted apart."""
    members = [{**hubs.describe(socket, now), "layer": DEFAULT_CHANNEL_LAYER} for socket in hubs.groups_of(name)]
    connections = by_channel()
    for alias, observer in list(observers.items()):
        waiting = observer.waiting()
        for channel in list(observer.groups().get(name, ())):
            if channel in hubs.own_channels or channel in observer.ghosts:
                continue
            known = connections.get(channel)
            facts = describe(known, now) if known else _stranger(channel)
            members.append({**facts, "layer": alias, "queue": waiting.get(channel, 0)})
    return members


def _stranger(channel: str) -> dict[str, Any]:
    """A member that is no socket we know: a program's own channel, or one that was left behind."""
    return {"id": "", "channel": channel, "consumer": "", "app": "", "user": "", "path": "", "age": 0, "buffered": 0}


# Sockets


def sockets(details: Details) -> dict[str, Any]:
    """Numbers by app, consumer and path for all; facts of the first `limit` by `sort`."""
    now, search = time.time(), details.get("search", "").lower()
    everyone = [describe(connection, now) for connection in all_connections()]
    everyone += [hubs.describe(socket, now) for socket in hubs.hub_sockets()]
    found = [row for row in everyone if not search or search in f"{row['user']} {row['path']} {row['consumer']}".lower()]
    for name in ("app", "consumer", "user"):
        if wanted := details.get(name):
            found = [row for row in found if row[name] == wanted]
    sort = details.get("sort", "age")
    return {
        "total": len(found),
        "slow": sum((row["buffered"] or 0) > SLOW_BYTES for row in everyone),
        "rows": nlargest(details.get("limit", 100), found, key=lambda row: row.get(sort) or 0),
        "by": {name: _tally(everyone, name) for name in ("app", "consumer", "user")},
    }


def describe(connection: Any, now: float) -> dict[str, Any]:
    return {
        "id": f"c{connection.id}",
        "channel": connection.channel,
        "consumer": connection.name,
        "app": connection.app,
        "user": connection.user,
        "path": connection.path,
        "age": round(now - connection.opened_at, 1),
        "frames_in": connection.frames_in,
        "frames_out": connection.frames_out,
        "bytes_out": connection.bytes_out,
        "buffered": connection.buffered,
    }


def _tally(rows: list[dict[str, Any]], name: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in rows:
        found[row[name]] = found.get(row[name], 0) + 1
    return dict(nlargest(100, found.items(), key=lambda item: item[1]))


# The tap


def tap(details: Details) -> dict[str, Any]:
    if details["is_open"]:
        open_tap(details["group"], details["with_values"])
    else:
        close_tap(details["group"])
    return {"is_open": details["is_open"]}
