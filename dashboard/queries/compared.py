"""The tiles beside what they were an hour ago: the last minute with the minute then, both as means."""

from typing import Any
from weakref import WeakKeyDictionary

from dashboard.queries import numbers
from dashboard.store import Bucket, Store

MINUTE, MINUTES = 60, 60
GAUGES = ("connections", "groups", "members")
MUCH = 10  # times: more is said so, not in percent

_then: WeakKeyDictionary[Store, tuple[int, Bucket]] = WeakKeyDictionary()


def with_an_hour_ago(store: Store, series: list[tuple[int, Bucket]]) -> dict[str, dict[str, Any]]:
    """By tile: `before` and `now`, and the `change` in words. Nothing where there is no history of that age."""
    then = hour_ago(store)
    latest = [bucket for _, bucket in series[-MINUTE:] if bucket]
    if not then or not latest:
        return {}
    before, now = measured([then], MINUTE), measured(latest, len(latest))
    return {
        name: {"before": before[name], "now": value, "change": change(before[name], value)}
        for name, value in now.items()
        if value is not None and before[name] is not None
    }


def hour_ago(store: Store) -> Bucket:
    """The minute that ended an hour ago or a little less. Read once a minute, whoever looks; {} if nobody reported in it."""
    minute = int(store.now()) // MINUTE
    if (kept := _then.get(store)) and kept[0] == minute:
        return kept[1]
    _, bucket = store.series(MINUTE, MINUTES)[0]
    _then[store] = (minute, bucket)
    return bucket


def measured(buckets: list[Bucket], seconds: int) -> dict[str, Any]:
    """What the tiles show, of these buckets, which are of so many seconds together. None where it was not measured."""
    whole = numbers.merged(buckets)
    found: dict[str, Any] = {}
    for name in GAUGES:
        values = [bucket[f"g:{name}"] for bucket in buckets if f"g:{name}" in bucket]
        found[name] = sum(values) / len(values) if values else None
    rates = {"sent": numbers.sent(whole), "delivered": numbers.delivered(whole), "lost": numbers.lost(whole)}
    return found | {name: number / seconds for name, number in rates.items()} | {"p50": numbers.percentiles([whole])["p50"]}


def change(before: float, now: float) -> str:
    """+12 %, −3 %, ×20; from nothing there are no percents, so the number itself. "" if it is the same."""
    if not before:
        return f"+{now:.2g}" if now else ""
    if now >= MUCH * before:
        return f"×{now / before:.0f}"
    percent = round(100 * (now - before) / before)
    return f"{'+' if percent > 0 else '−'}{abs(percent)} %" if percent else ""
