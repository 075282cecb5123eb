"""What a process answers when it is asked, on its agent's thread. Only it knows its groups and sockets."""

import base64
import time
from array import array
from heapq import nlargest, nsmallest
from typing import Any
from zlib import adler32, crc32

from dashboard import actions, hubs
from dashboard.classes import app_of, class_of
from dashboard.connections import all_connections, by_channel
from dashboard.layers import observers
from dashboard.meter import BYTES, DELIVERIES, LOST, SENDS, merged, meters
from dashboard.report import group_sizes
from dashboard.tap import close_old_taps, close_tap, open_tap, taps

RATE_SECONDS = 10  # what a rate is the mean of
ROWS = 5_000  # in one answer
COLUMNS = ("members", "sends", "deliveries", "bytes", "lost", "last")  # of a group, after its name

Row = list[Any]  # [name, members, sends, deliveries, bytes, lost, last]; sends to lost of the last RATE_SECONDS
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
    rows = _matching(details.get("search", ""), details.get("class", ""), details.get("app", ""))
    if "least" in details:
        column = 1 + COLUMNS.index(details["sort"])
        return {"rows": nlargest(ROWS, (row for row in rows if row[column] >= details["least"]), key=lambda row: row[column])}
    limit = min(details["limit"], ROWS)
    if details["sort"] == "name":
        pick = nlargest if details.get("descending") else nsmallest
        top = pick(limit, rows, key=lambda row: row[0])
    else:
        column = 1 + COLUMNS.index(details["sort"])
        top = nlargest(limit, rows, key=lambda row: (row[column], row[0]))
    return {"total": len(rows), "rows": top, "classes": _classes(rows)}


def rows_of(details: Details) -> dict[str, Any]:
    """The rows of these groups, as far as they are here."""
    names = set(details["names"])
    sparks = [meter.recent for meter in list(meters.values())] if details.get("sparks") else []
    return {
        "rows": [row for row in _matching("", "", "") if row[0] in names],
        "sparks": {name: series for name in names if any(series := _series(name, sparks, DELIVERIES))},
    }


def hashes(details: Details) -> str:
    """A number of 64 bits for each group here, so that groups that live in several processes are counted once."""
    names = [row[0].encode() for row in _matching(details.get("search", ""), details.get("class", ""), details.get("app", ""))]
    return base64.b64encode(array("Q", [crc32(name) << 32 | adler32(name) for name in names]).tobytes()).decode()


def _matching(search: str, group_class: str, app: str) -> list[Row]:
    """All groups with members here, or to which something was sent lately."""
    sizes, search = group_sizes(), search.lower()
    active: dict[str, list[int]] = {}
    last: dict[str, int] = {}
    for meter in list(meters.values()):
        active = merged([active, meter.activity(RATE_SECONDS)])
        last |= meter.last
    rows = []
    for name in sizes.keys() | active.keys() | taps.keys():
        if search and search not in name.lower():
            continue
        if (group_class or app) and not _is_of(name, group_class, app):
            continue
        row = active.get(name, (0, 0, 0, 0))
        rows.append([name, sizes.get(name, 0), row[SENDS], row[DELIVERIES], row[BYTES], row[LOST], last.get(name, 0)])
    return rows


def _is_of(name: str, group_class: str, app: str) -> bool:
    own = class_of(name)
    return (not group_class or own == group_class) and (not app or app_of(own) == app)


def _classes(rows: list[Row]) -> dict[str, list[Any]]:
    """[app, groups, members, deliveries] of each class."""
    found: dict[str, list[Any]] = {}
    for name, members, _, deliveries, *_ in rows:
        own = class_of(name)
        entry = found.get(own) or found.setdefault(own, [app_of(own), 0, 0, 0])
        entry[1] += 1
        entry[2] += members
        entry[3] += deliveries
    return found


def _series(group: str, recents: list[Any], field: int) -> list[int]:
    series = [0] * 60
    for recent in recents:
        for index, second in enumerate(reversed(list(recent))):
            if row := second.get(group):
                series[59 - index] += row[field]
    return series


# One group


def group(details: Details) -> dict[str, Any]:
    """Members, the last minute by the second, and the tap."""
    name, limit = details["group"], details.get("limit", 200)
    now = time.time()
    everyone = _members(name, now)
    everyone.sort(key=lambda member: -member["age"])
    recents = [meter.recent for meter in list(meters.values())]
    everywhere = list(observers.values())
    tapped = taps.get(name)
    return {
        "total": len(everyone),
        "members": everyone[:limit],
        "ghosts": sum(channel in observer.ghosts for observer in everywhere for channel in list(observer.groups().get(name, ()))),
        "deaf": _deaf(name, details.get("type", "")),
        "sends": _series(name, recents, SENDS),
        "deliveries": _series(name, recents, DELIVERIES),
        "lost": _series(name, recents, LOST),
        "tap": {"until": tapped.until, "seen": tapped.seen, "with_values": tapped.with_values, "messages": tapped.messages()}
        if tapped
        else None,
    }


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
    members = [hubs.describe(socket, now) for socket in hubs.groups_of(name)]
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
    close_old_taps()
    if details["is_open"]:
        open_tap(details["group"], details["with_values"])
    else:
        close_tap(details["group"])
    return {"is_open": details["is_open"]}
