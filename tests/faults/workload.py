"""What an app brings to be tested: a class `<Name>Workload` in its `workload.py`, like `chat/workload.py`.

`prepare` and `stored` run in a process of their own, on the database of the servers; all else runs at the clients.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple, Protocol

from django.conf import settings

from realtime.protocol import Command
from realtime.registry import Handler
from tests.server import RunningServer

MARK = "workload: "  # before the answer, on what the other process prints


class Row(NamedTuple):
    """One thing on the screen: `place` orders them, `rev` is that of its last change, `content` is all else that is shown.
    What is gone has no content."""

    id: int
    place: int
    rev: int
    content: str


class Workload(Protocol):
    """It must not send a command that changes nothing: each one that is carried out takes one revision of its own."""

    refusals: frozenset[str]  # error codes that are right now and then, such as for what somebody else has deleted meanwhile

    def commands(self) -> dict[type[Command], Handler]:
        """Commands that only these servers understand, for what comes from elsewhere in life, such as from another app."""

    def prepare(self, people: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Make the feeds, with these users in them: `{name: {"feed": "chat.room.1", "rev": 9, "epoch": "...", ...}}`.

        A feed with `"of": name` is followed by this person alone; one with `"has_presence": False` shows nobody."""

    def stored(self, feed: str) -> dict[str, Any]:
        """`{"rev": head, "changes": [[rev, row id, client id], ...], "rows": [Row, ...]}` as the database has them."""

    def step(self, tab: Any, name: str, chance: random.Random) -> None:
        """Have the person post one command about the feed `name`, and draw by `chance` alone: see `tests/faults/tab.py`."""

    def rows(self, frame: dict[str, Any], shown: Mapping[int, Row]) -> list[Row]:
        """The rows that an event shows, and those on the screen that it changes, as they are from then on."""

    # unpack(data: bytes) -> dict: an app whose changes are binary frames (of one feed) reads them with it.

    def page(self, feed: dict[str, Any], get: Callable[[str], str]) -> list[Row]:
        """After a reset: the rows of fresh pages, which `get(path)` fetches."""


def find_workloads() -> dict[str, Workload]:
    """One of each suite app that has one."""
    modules = {app: import_module(f"{app}.workload") for app in settings.SUITE_APPS if find_spec(f"{app}.workload")}
    return {app: getattr(module, f"{app.title()}Workload")() for app, module in modules.items()}


def prepare(people: Sequence[str]) -> dict[str, dict[str, Any]]:
    """In the other process: the feeds of all apps by name, with their "app" and the "rows" that clients begin with."""
    return {
        name: {**feed, "app": app, "rows": workload.stored(feed["feed"])["rows"]}
        for app, workload in find_workloads().items()
        for name, feed in workload.prepare(people).items()
    }


def stored(feeds: dict[str, str]) -> dict[str, dict[str, Any]]:
    """In the other process: what is stored of each feed; `feeds` says of which app it is."""
    workloads = find_workloads()
    return {feed: workloads[app].stored(feed) for feed, app in feeds.items()}


def ask(server: RunningServer, function: str, argument: Any) -> Any:
    """What one of these two answers in a process of its own, on the database of these servers."""
    code = f"import json; from tests.faults import workload; print({MARK!r} + json.dumps(workload.{function}({argument!r})))"
    return json.loads(server.run(code).rpartition(MARK)[2])
