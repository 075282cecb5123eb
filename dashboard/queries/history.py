"""The past: an hour by tens of seconds, a day by minutes, a week by tens of minutes, with what happened in it."""

import json
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from dashboard import alerts
from dashboard.queries.numbers import point
from dashboard.store import Store

RANGES = {
    "1h": (10, 360, gettext_lazy("The last hour")),
    "24h": (60, 1440, gettext_lazy("The last day")),
    "7d": (600, 1008, gettext_lazy("The last week")),
}
MARKS = {"deploy", "lost", "alert"}


def history(store: Store, name: str) -> dict[str, Any]:
    """Points for the charts, and marks."""
    step, number, _label = RANGES.get(name, RANGES["1h"])
    points = [point(at, bucket, step) for at, bucket in store.series(step, number)]
    first = next((index for index, found in enumerate(points) if len(found) > 1), len(points))
    return {"points": points[max(0, first - 1) :], "marks": marks(store, points[0]["t"] if points else 0)}


def marks(store: Store, since: float) -> list[dict[str, Any]]:
    return [
        {"t": event["at"], "kind": event["kind"], "text": describe(event)}
        for event in store.events(200)
        if event["kind"] in MARKS and event["at"] >= since
    ]


def describe(event: dict[str, Any]) -> str:
    """What happened, in words."""
    match event["kind"]:
        case "deploy":
            return _("New version %(version)s") % {"version": event.get("version", "")}
        case "started":
            return _("%(process)s started") % {"process": event.get("who", event.get("boot", ""))}
        case "stopped":
            return _("%(process)s stopped") % {"process": event.get("who", event.get("boot", ""))}
        case "lost":
            return _("Process %(process)s was lost") % {"process": event.get("who") or event.get("boot", "")}
        case "returned":
            return _("Process %(process)s was silent, and is back") % {"process": event.get("boot", "")}
        case "alert":
            return alerts.sentence(event | {"facts": json.loads(event.get("facts", "{}"))})
        case "alert ended":
            return _("Alert “%(name)s” is over") % {"name": event.get("name", "")}
    return str(event["kind"])


def happened(store: Store, number: int = 50) -> list[dict[str, Any]]:
    return [{"at": event["at"], "kind": event["kind"], "text": describe(event)} for event in store.events(number)]
