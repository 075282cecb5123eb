"""Where the messages went. What a layer took in must come out, wait, or be a known loss; what is left over is unaccounted for.

What "took in" means differs: in memory one message for each member, on the core layer one for each inbox, on pub/sub one for each
process that Redis says it reached.
"""

from typing import Any, NamedTuple

from dashboard.backlog import stored_backlog
from dashboard.classes import app_of
from dashboard.meter import SOCKETS
from dashboard.queries import numbers
from dashboard.store import Bucket, Store

SETTLE_SECONDS = 4  # until everybody has reported what was on its way


def ledger(store: Store) -> dict[str, Any]:
    totals, rows = store.totals(), store.processes()
    missing, adjusted = imbalances(store, totals, rows), store.recall("adjusted") or {}
    waits = waiting(store, rows)
    entries = [
        entry(alias, layer, totals, waits[alias], missing[alias], adjusted.get(alias, 0))
        for alias, layer in sorted(layers_of(rows).items())
    ]
    return {"layers": entries, "sockets": socket_entry(totals), "classes": by_class(totals)}


def layers_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {alias: layer for row in rows for alias, layer in row["layers"].items()}


def waiting(store: Store, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Messages that a layer has taken in and nobody has received: in Redis by its backlog, in memory in the processes."""
    backlog = stored_backlog(store)
    found = {}
    for alias in layers_of(rows):
        if in_redis := backlog.get(alias):
            found[alias] = sum(in_redis["inboxes"].values()) + sum(channel["length"] for channel in in_redis["named"].values())
        else:
            found[alias] = sum(row["gauges"].get(f"pending.{alias}", 0) for row in rows)
    return found


class Missing(NamedTuple):
    """What was taken in, and has neither come out nor waits: exact when nothing is on its way, else somewhere between.

    Below zero: something came out that nobody has reported to have put in.
    """

    least: int
    most: int

    @property
    def surely(self) -> int:
        """Of all that it may be, what is nearest to all is well."""
        return max(self.least, min(0, self.most))


def imbalances(store: Store, totals: Bucket, rows: list[dict[str, Any]]) -> dict[str, Missing]:
    """For each layer. What was put in lately is not due, and what came out lately may be of what is not reported yet."""
    late = numbers.merged(bucket for _, bucket in store.series(1, SETTLE_SECONDS, with_current=True))
    waits, found = waiting(store, rows), {}
    for alias, layer in layers_of(rows).items():
        # On pub/sub nothing waits: what the processes hold has come out.
        waits_there = 0 if layer["kind"] == "Redis pub/sub" else waits[alias]
        difference = totals.get(f"{alias}|enqueued", 0) - totals.get(f"{alias}|received", 0) - waits_there
        least, most = difference - late.get(f"{alias}|enqueued", 0), difference + late.get(f"{alias}|received", 0)
        found[alias] = Missing(least, most)
    return found


def entry(alias: str, layer: dict[str, Any], totals: Bucket, waits: int, missing: Missing, adjusted: int) -> dict[str, Any]:
    """One layer, since counting began. Of what is missing, up to `adjusted` is put down to processes that ended."""
    start = f"{alias}|"
    theirs = min(missing.surely, adjusted)
    own = {name.removeprefix(start): value for name, value in totals.items() if name.startswith(start)}
    losses = {name.removeprefix("lost."): value for name, value in own.items() if name.startswith("lost.")}
    return {
        "alias": alias,
        "kind": layer["kind"],
        "exactness": layer["exactness"],
        "sent": own.get("group_sends", 0) + own.get("sends", 0),
        "enqueued": own.get("enqueued", 0),
        "received": own.get("received", 0),
        "handed": own.get("handed", own.get("received", 0)),
        "waiting": waits,
        "losses": losses,
        "lost": sum(losses.values()),
        "nobody": own.get("nobody", 0),
        "reconnects": own.get("reconnects", 0),
        "gone": max(0, theirs),
        "strange": max(0, -theirs),
        "unaccounted": max(0, missing.surely - adjusted),
    }


def socket_entry(totals: Bucket) -> dict[str, int]:
    """What went through the sockets: the last hop."""
    names = ("frames_out", "bytes_out", "frames_in", "opened", "closed", "slow", "repairs", "resets", "rate_limited")
    return {name: totals.get(f"{SOCKETS}|{name}", 0) for name in names}


def by_class(totals: Bucket) -> list[dict[str, Any]]:
    """The kinds of groups, by what was delivered to them since counting began."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, value in totals.items():
        if name.startswith("c|"):
            _, alias, group_class, field = name.split("|")
            row = found.setdefault((alias, group_class), {"alias": alias, "class": group_class, "app": app_of(group_class)})
            row[field] = value
    return sorted(found.values(), key=lambda row: -row.get("deliveries", 0))


def settle(store: Store) -> bool:
    """A process ended without having reported all: what may be missing by now is put down to it. Is that exact?"""
    missing = imbalances(store, store.totals(), store.processes())
    adjusted = {alias: found.most for alias, found in missing.items()}
    store.remember("adjusted", (store.recall("adjusted") or {}) | adjusted)
    return all(found.least == found.most for found in missing.values())
