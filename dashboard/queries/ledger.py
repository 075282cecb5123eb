"""Where the messages went. What a layer took in must come out, wait, or be a known loss; what is left over is unaccounted for.

What "took in" means differs: in memory one message for each member, on the core layer one for each inbox, on pub/sub one for each
process that Redis says it reached.
"""

from typing import Any

from dashboard.classes import app_of
from dashboard.meter import SOCKETS
from dashboard.queries import numbers
from dashboard.store import Bucket, Store

SETTLE_SECONDS = 4  # until everybody has reported what was on its way


def ledger(store: Store) -> dict[str, Any]:
    totals, rows = store.totals(), store.processes()
    balances, adjusted = imbalances(store, totals, rows), store.recall("adjusted") or {}
    waits = waiting(store, rows)
    entries = [
        entry(alias, layer, totals, waits[alias], balances[alias], adjusted.get(alias, 0))
        for alias, layer in sorted(layers_of(rows).items())
    ]
    return {"layers": entries, "sockets": socket_entry(totals), "classes": by_class(totals)}


def layers_of(rows: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {alias: layer for row in rows for alias, layer in row["layers"].items()}


def waiting(store: Store, rows: list[dict[str, Any]]) -> dict[str, int]:
    """Messages that a layer has taken in and nobody has received: in Redis by its backlog, in memory in the processes."""
    backlog = store.recall("backlog") or {}
    found = {}
    for alias in layers_of(rows):
        if in_redis := backlog.get(alias):
            found[alias] = in_redis["inboxes"] + sum(channel["length"] for channel in in_redis["named"].values())
        else:
            found[alias] = sum(row["gauges"].get(f"pending.{alias}", 0) for row in rows)
    return found


def imbalances(store: Store, totals: Bucket, rows: list[dict[str, Any]]) -> dict[str, int]:
    """For each layer what was taken in a while ago, and has neither come out nor waits: zero if all is well.

    What is on its way is not due. Below zero: something came out that nobody has reported to have put in.
    """
    late = numbers.merged(bucket for _, bucket in store.series(1, SETTLE_SECONDS, with_current=True))
    waits, found = waiting(store, rows), {}
    for alias, layer in layers_of(rows).items():
        # On pub/sub nothing waits: what the processes hold has come out.
        waits_there = 0 if layer["kind"] == "Redis pub/sub" else waits[alias]
        on_its_way = late.get(f"{alias}|enqueued", 0)
        missing = totals.get(f"{alias}|enqueued", 0) - on_its_way - totals.get(f"{alias}|received", 0) - waits_there
        found[alias] = missing if missing > 0 else min(0, missing + on_its_way)
    return found


def entry(alias: str, layer: dict[str, Any], totals: Bucket, waits: int, balance: int, adjusted: int) -> dict[str, Any]:
    """One layer, since counting began. `adjusted` is the part of the balance that is put down to processes that ended."""
    start = f"{alias}|"
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
        "gone": max(0, adjusted),
        "strange": max(0, -adjusted),
        "unaccounted": max(0, balance - adjusted),
    }


def socket_entry(totals: Bucket) -> dict[str, int]:
    """What went through the sockets: the last hop."""
    return {
        name: totals.get(f"{SOCKETS}|{name}", 0) for name in ("frames_out", "bytes_out", "frames_in", "opened", "closed", "slow")
    }


def by_class(totals: Bucket) -> list[dict[str, Any]]:
    """The kinds of groups, by what was delivered to them since counting began."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, value in totals.items():
        if name.startswith("c|"):
            _, alias, group_class, field = name.split("|")
            row = found.setdefault((alias, group_class), {"alias": alias, "class": group_class, "app": app_of(group_class)})
            row[field] = value
    return sorted(found.values(), key=lambda row: -row.get("deliveries", 0))


def settle(store: Store) -> None:
    """A process ended without having reported all: what is missing in the balance by now is put down to it."""
    adjusted = imbalances(store, store.totals(), store.processes())
    store.remember("adjusted", (store.recall("adjusted") or {}) | adjusted)
