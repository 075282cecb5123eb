"""The sockets of all processes: how many by app, consumer and person, and those that somebody asks for."""

from typing import Any
from urllib.parse import urlencode

from django.utils.translation import gettext_lazy as _

from dashboard.meter import SOCKETS
from dashboard.queries import numbers
from dashboard.store import Store

SHOWN = 100
SORTS = ("age", "frames_in", "frames_out", "bytes_out", "buffered")


def connections(store: Store, parameters: Any) -> dict[str, Any]:
    sort = parameters.get("sort", "age")
    details = {
        "search": parameters.get("q", "").strip()[:100],
        "sort": sort if sort in SORTS else "age",
        "limit": SHOWN,
        **{name: parameters[name][:200] for name in ("app", "consumer", "user") if parameters.get(name)},
    }
    rows = {row["boot"]: row for row in store.processes()}
    wanted = parameters.get("process", "")
    answers = store.ask("connections", details, wanted if wanted in rows else "")
    found = [
        {**row, "boot": boot, "process": f"{rows[boot]['role']} {rows[boot]['pid']}"}
        for boot, answer in answers.items()
        if boot in rows
        for row in answer["rows"]
    ]
    found.sort(key=lambda row: -(row.get(details["sort"]) or 0))
    totals = store.totals()
    recent = numbers.merged(bucket for _at, bucket in store.series(1, 60))
    return {
        "wanted": details | {"process": wanted},
        "total": sum(answer["total"] for answer in answers.values()),
        "connections": found[:SHOWN],
        "by": {name: _tally(answers, name) for name in ("app", "consumer", "user")},
        "by_process": [
            {"boot": boot, "name": f"{row['role']} {row['pid']}", "number": row["gauges"].get("connections", 0)}
            for boot, row in rows.items()
            if row["gauges"].get("connections", 0)
        ],
        "slow": sum(answer.get("slow", 0) for answer in answers.values()),
        "links": {name: _link(parameters, name) for name in SORTS},
        "closes": _closes(totals, recent),
        "rates": {name: numbers.of_sockets(recent, name) / 60 for name in ("opened", "closed", "frames_in", "frames_out")},
    }


def _link(parameters: Any, sort: str) -> str:
    """The query string of the same list, sorted otherwise."""
    kept = {name: parameters[name] for name in ("q", "app", "consumer", "user", "process") if parameters.get(name)}
    return "?" + urlencode(kept | {"sort": sort})


def _tally(answers: dict[str, Any], name: str) -> list[tuple[str, int]]:
    found: dict[str, int] = {}
    for answer in answers.values():
        for value, number in answer["by"][name].items():
            found[value] = found.get(value, 0) + number
    return sorted(found.items(), key=lambda item: -item[1])[:20]


CODES = {
    1000: _("normal"),
    1001: _("page left"),
    1005: _("without a code"),
    1006: _("connection lost"),
    1011: _("consumer failed"),
    1012: _("restart"),
    4012: _("restart: come back"),
    4400: _("bad frames"),
    4401: _("logged out"),
    4403: _("closed by the staff, or not allowed"),
    4404: _("not found"),
    4408: _("too slow"),
    4429: _("too many"),
}


def _closes(totals: dict[str, int], recent: dict[str, int]) -> list[dict[str, Any]]:
    start = f"{SOCKETS}|closed."
    found: list[dict[str, Any]] = [
        {"code": int(code), "meaning": CODES.get(int(code), ""), "number": value, "recent": recent.get(start + code, 0)}
        for name, value in totals.items()
        if name.startswith(start) and (code := name.removeprefix(start)).isdigit()
    ]
    return sorted(found, key=lambda row: -row["number"])[:20]
