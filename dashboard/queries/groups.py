"""The groups of all processes, exactly, however many: only what can be on the page is moved.

A group lives in several processes, and each knows its own part. Each names its largest; whatever is among the largest of the
whole must reach a P-th part of the smallest of those in some process, so a second question finds every candidate, and a third
their parts elsewhere (TPUT: Cao and Wang, "Efficient Top-K Query Calculation in Distributed Networks", 2004).
"""

import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from dashboard.answers import ROWS
from dashboard.classes import app_of, class_of
from dashboard.own_groups import COLUMNS, RATE_SECONDS
from dashboard.queries.distinct import Number, distinct
from dashboard.store import Store

PAGE = 50
SORTS = ("name", *COLUMNS)
AT_ONCE = 4 * PAGE  # groups of which all is asked, though not all are shown: that is cheaper than another question

# A member of which its process, perhaps of another version, says less.
UNKNOWN: dict[str, Any] = {"id": "", "channel": "", "user": "", "consumer": "", "age": 0, "queue": 0, "buffered": 0}


@dataclass(frozen=True)
class Query:
    """What somebody wants to see. Anything that makes no sense means the first page."""

    search: str = ""
    group_class: str = ""
    app: str = ""
    sort: str = "members"
    descending: bool = True
    page: int = 1

    @classmethod
    def of(cls, parameters: Any) -> "Query":
        sort = parameters.get("sort", "members")
        sort = sort if sort in SORTS else "members"
        number = parameters.get("page", "1")
        return cls(
            search=parameters.get("q", "").strip()[:100],
            group_class=parameters.get("class", "")[:100],
            app=parameters.get("app", "")[:50],
            sort=sort,
            descending=parameters.get("order", "asc" if sort == "name" else "desc") != "asc",
            page=min(max(int(number), 1), ROWS // PAGE) if number.isdecimal() and len(number) < 6 else 1,
        )

    def link(self, **changes: Any) -> str:
        """The query string of a page like this one, with changes."""
        wanted = {"q": self.search, "class": self.group_class, "app": self.app, "sort": self.sort, "page": self.page}
        wanted |= {"order": "desc" if self.descending else "asc"} | changes
        return "?" + urlencode({name: value for name, value in wanted.items() if value not in ("", None)})

    @property
    def details(self) -> dict[str, Any]:
        return {
            "search": self.search,
            "class": self.group_class,
            "app": self.app,
            "sort": self.sort,
            "descending": self.descending,
            "limit": self.page * PAGE,
        }


@dataclass
class Page:
    query: Query
    rows: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0  # at least so many, if `counted_ago` is None
    counted_ago: float | None = 0.0  # seconds
    is_exact: bool = True
    answered: int = 0
    asked: int = 0
    classes: list[dict[str, Any]] = field(default_factory=list)
    milliseconds: float = 0.0

    @property
    def reachable(self) -> int:
        """How many of them the pages lead to."""
        return min(self.total, ROWS)

    @property
    def pages(self) -> int:
        return max(1, -(-self.reachable // PAGE))


def groups(store: Store, query: Query) -> Page:
    """One page of groups, exact over all processes that answer."""
    started = time.perf_counter()
    page = Page(query, asked=len(store.processes()))
    answers = store.ask("groups", query.details)
    page.answered = len(answers)
    names, merged, is_exact = _winners(store, query, Merged(answers), max(1, len(answers)))
    page.rows = [row_of(name, merged) for name in names[(query.page - 1) * PAGE :]]
    page.is_exact = is_exact and page.answered >= page.asked
    page.classes = _classes(answers)
    page.total, page.counted_ago = distinct(store, query.details, [answer["total"] for answer in answers.values()])
    page.total = max(page.total, len(names))
    page.milliseconds = round((time.perf_counter() - started) * 1000, 1)
    return page


def hottest(store: Store) -> tuple[list[dict[str, Any]], Number]:
    """The groups with most deliveries now, among those that rest what was sent to last; and how many groups there are."""
    page = groups(store, Query(sort="deliveries"))
    rows = sorted(page.rows, key=lambda row: (-row["deliveries"], -row["last"], -row["members"], row["name"]))
    return rows, Number(page.total, page.counted_ago)


class Merged:
    """The rows of several processes, added up."""

    def __init__(self, answers: dict[str, Any]):
        self.rows: dict[str, list[Any]] = {}
        self.processes: dict[str, int] = {}
        self.sparks: dict[str, list[int]] = {}
        for answer in answers.values():
            self.add(answer)

    def add(self, answer: dict[str, Any]) -> None:
        for name, *values in answer.get("rows", ()):
            if name in self.rows:
                mine = self.rows[name]
                self.rows[name] = [*(a + b for a, b in zip(mine[:-1], values[:-1], strict=True)), max(mine[-1], values[-1])]
            else:
                self.rows[name] = values
            self.processes[name] = self.processes.get(name, 0) + 1
        for name, series in answer.get("sparks", {}).items():
            mine = self.sparks.get(name, [0] * len(series))
            self.sparks[name] = [a + b for a, b in zip(mine, series, strict=True)]

    def sorted(self, sort: str, descending: bool) -> list[str]:
        if sort == "name":
            return sorted(self.rows, reverse=descending)
        column = COLUMNS.index(sort)
        return sorted(self.rows, key=lambda name: (self.rows[name][column], name), reverse=True)


def _winners(store: Store, query: Query, merged: Merged, processes: int) -> tuple[list[str], Merged, bool]:
    """The names of the first groups, in order; all about those of the page; and whether that is exact.

    Nobody wants the smallest of 100,000.
    """
    limit, is_exact = query.page * PAGE, True
    names = merged.sorted(query.sort, query.descending)
    if processes > 1 and query.sort not in ("name", "last"):
        names, is_exact = _candidates(store, query, merged, limit, processes)
        are_few = len(names) <= AT_ONCE
        merged = Merged(store.ask("rows", {"names": names, "sparks": are_few}))
        names = merged.sorted(query.sort, True)
        if are_few:
            return names[:limit], merged, is_exact
    shown = names[limit - PAGE : limit]
    return names[:limit], Merged(store.ask("rows", {"names": shown, "sparks": True}) if shown else {}), is_exact


def _candidates(store: Store, query: Query, merged: Merged, limit: int, processes: int) -> tuple[list[str], bool]:
    """Every group that can be among the first. Not exact only if a process has more than ROWS of them."""
    column = COLUMNS.index(query.sort)
    order = merged.sorted(query.sort, True)
    floor = merged.rows[order[limit - 1]][column] if len(order) >= limit else 0
    if floor <= 0:  # everything above nothing is on the page already
        return order, True
    least = floor / processes
    answers = store.ask("groups", {**query.details, "least": least})
    known: dict[str, float] = {}
    told: dict[str, int] = {}
    for answer in answers.values():
        for name, value in answer["values"]:
            known[name] = known.get(name, 0) + value
            told[name] = told.get(name, 0) + 1
    surely = sorted(known.values(), reverse=True)
    floor = max(floor, surely[limit - 1] if len(surely) >= limit else 0)
    # Processes that said nothing of a group have less than `least` of it.
    names = [name for name, value in known.items() if value + (processes - told[name]) * least >= floor]
    return names, all(len(answer["values"]) < ROWS for answer in answers.values())


def _classes(answers: dict[str, Any]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for answer in answers.values():
        for name, (app, groups, members, deliveries) in answer["classes"].items():
            entry = found.setdefault(name, {"name": name, "app": app, "groups": 0, "members": 0, "deliveries": 0})
            entry["groups"] = max(entry["groups"], groups)
            entry["members"] += members
            entry["deliveries"] += deliveries
    return sorted(found.values(), key=lambda entry: -entry["members"])


def row_of(name: str, merged: Merged) -> dict[str, Any]:
    values = dict(zip(COLUMNS, merged.rows.get(name, [0] * len(COLUMNS)), strict=True))
    rates = {column: values[column] / RATE_SECONDS for column in ("sends", "deliveries", "bytes", "lost")}
    return {
        "name": name,
        "class": class_of(name),
        "app": app_of(class_of(name)),
        "members": values["members"],
        **rates,
        "last": values["last"],
        "processes": merged.processes.get(name, 0),
        "spark": merged.sparks.get(name, []),
    }


def group(store: Store, name: str, *, with_values: bool = False) -> dict[str, Any]:
    """One group: its members, its last minute, its tap; with the values that are tapped only for who may see them."""
    asked = {row["boot"]: row for row in store.processes()}
    answers = store.ask("group", {"group": name, "with_values": with_values})
    members = [
        {**UNKNOWN, **member, "boot": boot, "process": _label(asked.get(boot))}
        for boot, answer in answers.items()
        for member in answer["members"]
    ]
    series = {
        field: [sum(values) for values in zip(*(answer[field] for answer in answers.values()), strict=True)]
        for field in ("sends", "deliveries", "lost")
    }
    return {
        "name": name,
        "class": class_of(name),
        "app": app_of(class_of(name)),
        "total": sum(answer["total"] for answer in answers.values()),
        "ghosts": sum(answer.get("ghosts", 0) for answer in answers.values()),
        "members": sorted(members, key=lambda member: -member["age"]),
        "by_process": [
            {"boot": boot, "name": _label(asked.get(boot)), "members": answer["total"]}
            for boot, answer in answers.items()
            if answer["total"]
        ],
        "series": series,
        "tap": _tap([answer["tap"] for answer in answers.values() if answer["tap"]]),
        "answered": len(answers),
        "asked": len(asked),
    }


def _tap(taps: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not taps:
        return None
    messages = sorted((message for tap in taps for message in tap["messages"]), key=lambda message: -message["at"])
    return {
        "until": max(tap["until"] for tap in taps),
        "with_values": any(tap["with_values"] for tap in taps),
        "seen": sum(tap["seen"] for tap in taps),
        "messages": messages[:50],
    }


def _label(row: dict[str, Any] | None) -> str:
    return f"{row['role']} {row['pid']}" if row else ""
