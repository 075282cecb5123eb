"""Alerts: something is wrong for some seconds, and then it is not. Shown, kept as events, and told to the staff.

Thresholds are the project's: `DASHBOARD = {"ALERTS": {"lost": 0, "lag": 0.5, "p99": None}}`; None switches one off.
"""

import logging
import time
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseError
from django.urls import NoReverseMatch, reverse

from dashboard.conf import option
from dashboard.database import with_connection
from dashboard.queries import numbers
from dashboard.queries.processes import state_of
from dashboard.store import Store

logger = logging.getLogger(__name__)

EVERY_SECONDS = 2.0
QUIET_SECONDS = 30  # an alert ends when it was not true for so long, so that it does not flap
THRESHOLDS: dict[str, float | None] = {
    "lost": 0,  # messages a second, mean of ten seconds
    "lag": 1.0,  # seconds that an event loop is late
    "p99": None,  # milliseconds of latency
    "fill": 0.9,  # of the capacity of an inbox
    "buffer": 1_000_000,  # bytes held for one socket whose browser does not read
    "processes": 0,  # that stand still or were lost within the last minute
}

_looked_at = 0.0


def thresholds() -> dict[str, float | None]:
    return THRESHOLDS | option("ALERTS")


def look(store: Store, rows: list[dict[str, Any]]) -> None:
    """Begin and end alerts. Called by the process that leads."""
    global _looked_at
    if time.monotonic() - _looked_at < EVERY_SECONDS:
        return
    _looked_at = time.monotonic()
    true = judge(store, rows)
    current: dict[str, dict[str, Any]] = store.recall("alerts") or {}
    now = store.now()
    for name, text in true.items():
        if name not in current:
            current[name] = {"since": now}
            store.note("alert", name=name, text=text)
            tell_staff(name, text, now)
        current[name] |= {"text": text, "last": now}
    for name in [name for name, alert in current.items() if now - alert["last"] > QUIET_SECONDS]:
        del current[name]
        store.note("alert ended", name=name)
    store.remember("alerts", current)


def judge(store: Store, rows: list[dict[str, Any]]) -> dict[str, str]:
    """What is wrong now: name of the threshold, and a sentence."""
    limits = thresholds()
    buckets = [bucket for _, bucket in store.series(1, 10)]
    lost = numbers.lost(numbers.merged(buckets)) / 10
    p99 = numbers.percentiles(buckets)["p99"]
    gauges = [row["gauges"] for row in rows]
    fill = max((value for row in gauges for name, value in row.items() if name.startswith("max.fill.")), default=0) / 1000
    dead = [event for event in store.events(20) if event["kind"] == "lost" and store.now() - event["at"] < 60]
    stalled = sum(state_of(row) == "stalled" for row in rows)
    measured: dict[str, tuple[float | None, str]] = {
        "lost": (lost, f"{lost:.1f} messages a second are lost."),
        "lag": (lag := max((row.get("max.lag", 0) for row in gauges), default=0) / 1e6, f"An event loop is {lag:.1f} s late."),
        "p99": (p99, f"The slowest hundredth of the messages takes over {p99} ms."),
        "fill": (fill, f"An inbox is {fill:.0%} full."),
        "buffer": (
            size := max((row.get("max.buffer", 0) for row in gauges), default=0),
            f"{size} bytes wait for one slow browser.",
        ),
        "processes": (stalled + len(dead), in_trouble(stalled, len(dead))),
    }
    return {
        name: text
        for name, (value, text) in measured.items()
        if (limit := limits[name]) is not None and value is not None and value > limit
    }


def in_trouble(stalled: int, lost: int) -> str:
    said = [f"{stalled} {'process stands' if stalled == 1 else 'processes stand'} still"] if stalled else []
    said += [f"{lost} {'process was' if lost == 1 else 'processes were'} lost within a minute"] if lost else []
    return ", ".join(said) + "."


def tell_staff(name: str, text: str, at: float) -> None:
    """Into the inboxes of the staff, where the project has any."""
    logger.warning("Dashboard alert: %s", text)
    if not apps.is_installed("realtime"):
        return
    try:
        with_connection(_notify, name, text, at)
    except (DatabaseError, NoReverseMatch) as error:
        logger.warning("The staff could not be told (%s).", error)


def _notify(name: str, text: str, at: float) -> None:
    from realtime.signals import user_notified

    staff = get_user_model().objects.filter(is_staff=True, is_active=True)
    key = f"dashboard.{name}.{int(at)}"
    user_notified.send(None, users=staff, kind="dashboard.alert", text=text, url=reverse("dashboard:overview"), dedupe_key=key)
