"""Where the messages went. What a layer took in must come out, wait, or be a known loss; what is left over is unaccounted for.

What "took in" means differs: in memory one message for each member, on the core layer one for each inbox, on pub/sub one for each
process that Redis says it reached.
"""

from typing import Any

from dashboard.meter import SOCKETS
from dashboard.queries import numbers
from dashboard.store import Bucket, Store

SETTLE_SECONDS = 4  # until everybody has reported what was on its way


def ledger(store: Store) -> dict[str, Any]:
    rows = store.processes()
    totals, settled = store.totals(), unsettled(store)
    backlog, adjusted = store.recall("backlog") or {}, store.recall("adjusted") or {}
    layers = {alias: layer for row in rows for alias, layer in row["layers"].items()}
    recent = numbers.merged(bucket for _, bucket in store.series(1, 300))
    entries = [entry(alias, layers[alias], rows, totals, settled, backlog, adjusted, recent) for alias in sorted(layers)]
    return {"layers": entries, "sockets": socket_entry(totals, recent), "classes": by_class(totals), "kinds": numbers.LOSSES}


def unsettled(store: Store) -> Bucket:
    """What was counted within the last seconds: its other half may not have been reported yet."""
    return numbers.merged(bucket for _, bucket in store.series(1, SETTLE_SECONDS, with_current=True))


def entry(
    alias: str,
    layer: dict[str, Any],
    rows: list[dict[str, Any]],
    totals: Bucket,
    settled: Bucket,
    backlog: dict[str, Any],
    adjusted: dict[str, int],
    recent: Bucket,
) -> dict[str, Any]:
    """One layer: since counting began, and in the last five minutes."""
    start = f"{alias}|"
    own = {name.removeprefix(start): value for name, value in totals.items() if name.startswith(start)}
    late = {name.removeprefix(start): value for name, value in recent.items() if name.startswith(start)}
    losses = {name.removeprefix("lost."): value for name, value in own.items() if name.startswith("lost.")}
    in_redis = backlog.get(alias, {})
    waiting = in_redis.get("inboxes", 0) + sum(channel["length"] for channel in in_redis.get("named", {}).values())
    pending = sum(row["gauges"].get(f"pending.{alias}", 0) for row in rows)
    balance = imbalance(alias, layer["kind"], totals, settled, waiting, pending) - adjusted.get(alias, 0)
    return {
        "alias": alias,
        "kind": layer["kind"],
        "exactness": layer["exactness"],
        "sent": own.get("group_sends", 0) + own.get("sends", 0),
        "enqueued": own.get("enqueued", 0),
        "received": own.get("received", 0),
        "handed": own.get("handed", own.get("received", 0)),
        "waiting": waiting if in_redis else pending,
        "losses": losses,
        "lost": sum(losses.values()),
        "recent_losses": sum(value for name, value in late.items() if name.startswith("lost.")),
        "nobody": own.get("nobody", 0),
        "reconnects": own.get("reconnects", 0),
        "unreported": adjusted.get(alias, 0),
        "gone": max(0, adjusted.get(alias, 0)),
        "strange": max(0, -adjusted.get(alias, 0)),
        "unaccounted": max(0, balance),
        "share": {name: round(1000 * own.get(name, 0) / max(own.get("enqueued", 0), 1)) for name in ("received",)},
    }


def imbalance(alias: str, kind: str, totals: Bucket, late: Bucket, waiting: int, pending: int) -> int:
    """What was taken in a while ago, and has neither come out nor waits: zero if all is well. What is on its way is not due."""
    taken_in = totals.get(f"{alias}|enqueued", 0) - late.get(f"{alias}|enqueued", 0)
    waits = pending if kind == "in memory" else waiting
    come_out = totals.get(f"{alias}|received", 0)
    difference = taken_in - come_out - waits
    return difference if difference > 0 else min(0, difference + late.get(f"{alias}|enqueued", 0))


def socket_entry(totals: Bucket, recent: Bucket) -> dict[str, Any]:
    """What went through the sockets: the last hop."""
    names = ("frames_out", "bytes_out", "frames_in", "opened", "closed", "slow")
    closes = {name.rpartition(".")[2]: value for name, value in totals.items() if name.startswith(f"{SOCKETS}|closed.")}
    return {
        **{name: totals.get(f"{SOCKETS}|{name}", 0) for name in names},
        "hints_lost": totals.get(f"{SOCKETS}|hints_lost", 0),
        "closes": dict(sorted(closes.items(), key=lambda item: -item[1])),
    }


def by_class(totals: Bucket) -> list[dict[str, Any]]:
    """The kinds of groups, by what was delivered to them since counting began."""
    from dashboard.classes import app_of

    found: dict[tuple[str, str], dict[str, Any]] = {}
    for name, value in totals.items():
        if name.startswith("c|"):
            _, alias, group_class, field = name.split("|")
            row = found.setdefault((alias, group_class), {"alias": alias, "class": group_class, "app": app_of(group_class)})
            row[field] = value
    return sorted(found.values(), key=lambda row: -row.get("deliveries", 0))


def settle(store: Store) -> None:
    """A process ended without having reported all: what is missing in the balance by now is put down to it."""
    rows = store.processes()
    totals, late, backlog = store.totals(), unsettled(store), store.recall("backlog") or {}
    adjusted = {}
    for row in rows:
        for alias, layer in row["layers"].items():
            in_redis = backlog.get(alias, {})
            waiting = in_redis.get("inboxes", 0) + sum(channel["length"] for channel in in_redis.get("named", {}).values())
            pending = sum(other["gauges"].get(f"pending.{alias}", 0) for other in rows)
            adjusted[alias] = imbalance(alias, layer["kind"], totals, late, waiting, pending)
    store.remember("adjusted", (store.recall("adjusted") or {}) | adjusted)
