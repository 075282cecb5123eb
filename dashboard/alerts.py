"""Alerts: something is wrong for some seconds, and then it is not. Shown, kept as events, and told to the staff.

What is kept are facts: `sentence` says them in the language of whoever reads it.

Thresholds are the project's: `DASHBOARD = {"ALERTS": {"lost": 0, "lag": 0.5, "p99": None}}`; None switches one off.
"""

import json
import logging
import time
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import Error as DatabaseError
from django.urls import NoReverseMatch, reverse
from django.utils import translation
from django.utils.functional import lazy
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.conf import option
from dashboard.database import with_connection
from dashboard.queries import numbers
from dashboard.queries.processes import state_of
from dashboard.store import Store
from dashboard.words import pointed

logger = logging.getLogger(__name__)

Facts = dict[str, Any]

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
    for name, facts in true.items():
        if name not in current:
            current[name] = {"since": now}
            store.note("alert", name=name, facts=json.dumps(facts))
            tell_staff(name, facts, now)
        current[name] |= {"facts": facts, "last": now}
    for name in [name for name, alert in current.items() if now - alert["last"] > QUIET_SECONDS]:
        del current[name]
        store.note("alert ended", name=name)
    store.remember("alerts", current)


def judge(store: Store, rows: list[dict[str, Any]]) -> dict[str, Facts]:
    """What is wrong now: name of the threshold, and what `sentence` needs to say it."""
    limits = thresholds()
    buckets = [bucket for _, bucket in store.series(1, 10)]
    lost = numbers.lost(numbers.merged(buckets)) / 10
    p99 = numbers.percentiles(buckets)["p99"]
    gauges = [row["gauges"] for row in rows]
    fill = max((value for row in gauges for name, value in row.items() if name.startswith("max.fill.")), default=0) / 1000
    dead = [event for event in store.events(20) if event["kind"] == "lost" and store.now() - event["at"] < 60]
    stalled = sum(state_of(row) == "stalled" for row in rows)
    measured: dict[str, tuple[float | None, Facts]] = {
        "lost": (lost, {"rate": lost}),
        "lag": (lag := max((row.get("max.lag", 0) for row in gauges), default=0) / 1e6, {"seconds": lag}),
        "p99": (p99, {"milliseconds": p99}),
        "fill": (fill, {"share": fill}),
        "buffer": (size := max((row.get("max.buffer", 0) for row in gauges), default=0), {"bytes": size}),
        "processes": (stalled + len(dead), {"stalled": stalled, "lost": len(dead)}),
    }
    return {
        name: facts
        for name, (value, facts) in measured.items()
        if (limit := limits[name]) is not None and value is not None and value > limit
    }


def sentence(alert: dict[str, Any]) -> str:
    """An alert in words, by its `name` and `facts`. One that an older version kept has its `text`."""
    facts: Facts = alert.get("facts") or {}
    match alert["name"] if facts else "":
        case "lost":
            return _("%(rate)s messages a second are lost.") % {"rate": pointed(f"{facts['rate']:.1f}")}
        case "lag":
            return _("An event loop is %(seconds)s s late.") % {"seconds": pointed(f"{facts['seconds']:.1f}")}
        case "p99":
            milliseconds = pointed(str(facts["milliseconds"]))
            return _("The slowest hundredth of the messages takes over %(number)s ms.") % {"number": milliseconds}
        case "fill":
            return _("An inbox is %(percent)s%% full.") % {"percent": f"{100 * facts['share']:.0f}"}
        case "buffer":
            return _("%(bytes)s bytes wait for one slow browser.") % facts
        case "processes":
            return in_trouble(facts["stalled"], facts["lost"])
    return str(alert.get("text", ""))


def in_trouble(stalled: int, lost: int) -> str:
    said = []
    if stalled:
        standing = ngettext("%(number)s process stands still", "%(number)s processes stand still", stalled)
        said.append(standing % {"number": stalled})
    if lost:
        gone = ngettext("%(number)s process was lost within a minute", "%(number)s processes were lost within a minute", lost)
        said.append(gone % {"number": lost})
    return ", ".join(said) + "."


def tell_staff(name: str, facts: Facts, at: float) -> None:
    """Into the inboxes of the staff, where the project has any."""
    alert = {"name": name, "facts": facts}
    with translation.override(None):
        logger.warning("Dashboard alert: %s", sentence(alert))
    if not apps.is_installed("realtime"):
        return
    try:
        with_connection(_notify, name, lazy(sentence, str)(alert), at)
    except (DatabaseError, NoReverseMatch) as error:
        logger.warning("The staff could not be told (%s).", error)


def _notify(name: str, text: Any, at: float) -> None:
    from realtime.signals import user_notified

    staff = get_user_model().objects.filter(is_staff=True, is_active=True)
    key = f"dashboard.{name}.{int(at)}"
    user_notified.send(None, users=staff, kind="dashboard.alert", text=text, url=reverse("dashboard:overview"), dedupe_key=key)
