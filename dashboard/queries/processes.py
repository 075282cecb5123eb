"""The processes: who they are, how they fare, which of them are in trouble."""

from typing import Any

from dashboard.backlog import stored_backlog
from dashboard.store import LEASE_SECONDS, QUIET_SECONDS, Store

STALLED_LAG = 2_000_000  # microseconds that an event loop may be late before it counts as stalled


def processes(store: Store) -> list[dict[str, Any]]:
    """All that report, and those lost within the hour, by state and name."""
    rows = [{**row, "state": state_of(row)} for row in with_inboxes(store.processes(), stored_backlog(store))]
    lost = [{**row, "state": "lost", "age": store.now() - row["beat"]} for row in store.gone()]
    order = ["stalled", "live", "lost"]
    found = [summed(row) for row in rows + lost]
    return sorted(found, key=lambda row: (order.index(row["state"]), row["host"], row["role"], row["pid"]))


def with_inboxes(rows: list[dict[str, Any]], backlog: dict[str, Any]) -> list[dict[str, Any]]:
    """How much waits in an inbox is seen in Redis, by the one that leads. It goes into the row of the process."""
    for row in rows:
        for alias, layer in row["layers"].items():
            waiting = backlog.get(alias, {}).get("inboxes", {}).get(layer["inbox"], 0)
            if waiting > layer.get("fullest", 0):
                layer["fullest"] = waiting
                row["gauges"][f"max.fill.{alias}"] = 1000 * waiting // layer["capacity"]
    return rows


def state_of(row: dict[str, Any]) -> str:
    """live: it reports. stalled: its loop is blocked, or it does not report although it is there."""
    if row["age"] > LEASE_SECONDS and not row["vouched"]:
        return "lost"
    is_blocked = row["gauges"].get("max.lag", 0) > STALLED_LAG
    return "stalled" if row["age"] > QUIET_SECONDS or is_blocked else "live"


def summed(row: dict[str, Any]) -> dict[str, Any]:
    gauges = row["gauges"]
    fills = [value for name, value in gauges.items() if name.startswith("max.fill.")]
    return {
        **row,
        "name": f"{row['role']} {row['pid']}",
        "connections": gauges.get("connections", 0),
        "groups": gauges.get("groups", 0),
        "members": gauges.get("members", 0),
        "lag": gauges.get("max.lag", 0) / 1000,
        "fill": max(fills, default=0) / 10,
        "buffer": gauges.get("max.buffer", 0),
        "pending": sum(value for name, value in gauges.items() if name.startswith("pending.")),
        "worst": worst(row, max(fills, default=0) / 1000),
    }


def worst(row: dict[str, Any], fill: float) -> str:
    """The colour of its cell: calm, busy or alarming, by whatever is worst."""
    gauges = row["gauges"]
    lag, buffer = gauges.get("max.lag", 0) / 1e6, gauges.get("max.buffer", 0)
    if row["state"] != "live" or lag > 0.5 or fill >= 0.9 or buffer > 1_000_000:
        return "alarming"
    return "busy" if lag > 0.1 or fill >= 0.5 or buffer > 100_000 else "calm"
