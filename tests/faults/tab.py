"""A client that writes down all it does and displays, behind a network of its own."""

import asyncio
import random
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.error import URLError

from tests.clients import FINAL, Client, Feed
from tests.faults.history import History
from tests.faults.workload import Row, Workload
from tests.proxy import Proxy
from tests.server import RunningServer

STEP_SECONDS = (0.2, 0.8)  # between two commands of one person
WAITING = 25  # so many commands in the outbox, and the person stops typing
PAGE_SECONDS = 5
AGAIN_SECONDS = 0.5


class Tab(Client):
    """`feeds` are those of all workloads by name; each has its app's name under "app"."""

    def __init__(
        self, server: RunningServer, person: str, history: History, workloads: dict[str, Workload], networks: list[Proxy], at: int
    ):
        urls = [network.url for network in networks]
        names = [name for name, feed in server.rooms.items() if "app" in feed and feed.get("of", person) == person]
        super().__init__(server, person, rooms=names, urls=urls[at:] + urls[:at])
        self.history, self.workloads, self.networks, self.process = history, workloads, networks, at
        self._processes = {url: i for i, url in enumerate(urls)}
        self.shown = {name: RecordedFeed(self, server.rooms[name]) for name in names}
        self.feeds = {feed.name: feed for feed in self.shown.values()}
        self.memory: dict[Any, Any] = {}  # for workloads
        self._made: dict[tuple[str, str], list[int]] = {}
        self._reached: dict[str, int] = {}  # the revision of the last ack for each feed
        self._commands: dict[str, dict[str, Any]] = {}
        self._is_leaving = False

    # For workloads

    def rows(self, name: str) -> dict[int, Row]:
        """What the tab displays of a feed."""
        return self.shown[name].rows

    def made(self, type: str, name: str) -> list[int]:
        """The ids of what this person's commands of one type have left in a feed, oldest first."""
        return self._made.get((type, self.server.rooms[name]["feed"]), [])

    def sees_own(self, name: str) -> bool:
        """Whether a feed of this person shows what their own commands have done to it: then they know what the next will do."""
        return not self.waiting and self.shown[name].rev >= self._reached.get(self.shown[name].name, 0)

    def unpack(self, data: str | bytes) -> dict[str, Any]:
        """Binary frames come of one feed, that of the app which reads them: they do not say of which."""
        if isinstance(data, str):
            return super().unpack(data)
        for feed in self.shown.values():
            if unpack := getattr(self.workloads[feed.facts["app"]], "unpack", None):
                return {"feed": feed.name, **unpack(data)}
        raise AssertionError("No workload reads binary frames.")

    def post(self, type: str, room: str = "lobby", **fields: Any) -> str:
        client_id = super().post(type, room, **fields)
        command = self._commands[client_id] = self._outbox[client_id]
        self.history.note(self.name, "invoke", client_id=client_id, feed=command["feed"], command=command)
        return client_id

    async def work(self, chance: random.Random) -> None:
        """Do one thing after another, until cancelled. What is drawn does not depend on how the last thing went."""
        names = list(self.shown)
        while True:
            name, pause = chance.choice(names), chance.uniform(*STEP_SECONDS)
            if self.waiting < WAITING:
                self.workloads[self.server.rooms[name]["app"]].step(self, name, chance)
            await asyncio.sleep(pause)

    # The network

    def cut(self) -> None:
        """Reset its connections without a word."""
        self.history.note("nemesis", "cut", client=self.name)
        for network in self.networks:
            network.cut()

    async def black_hole(self, seconds: float) -> None:
        """The server hears the client, and is not heard; then the connection is gone."""
        self.history.note("nemesis", "deaf", client=self.name)
        for network in self.networks:
            network.is_deaf = True
        await asyncio.sleep(seconds)
        self.cut()
        for network in self.networks:
            network.is_deaf = False

    # What is written down

    @property
    def has_given_up(self) -> bool:
        """It was told not to come back, or does not understand what it was told."""
        return self._task is not None and self._task.done() and not self._is_leaving

    async def leave(self) -> None:
        self._is_leaving = True
        await super().leave()

    async def _connect(self, url: str) -> None:
        self.process = self._processes[url]
        opened, closed = self.opened, len(self.closes)
        try:
            await super()._connect(url)
        finally:
            if self.opened > opened and not self._is_leaving:
                code = self.closes[-1] if len(self.closes) > closed else 0  # 0: nothing was heard for too long
                self.history.note(self.name, "close", process=self.process, code=code, is_final=code in FINAL)

    async def _take(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "realtime.hello":
            self.history.note(self.name, "open", process=self.process)
        await super()._take(frame)

    def _settle(self, ack: dict[str, Any]) -> None:
        if ack["client_id"] in self._outbox:
            self.history.note(self.name, "ok", **{name: ack[name] for name in ("client_id", "feed", "rev", "id")})
            command = self._commands[ack["client_id"]]
            self._made.setdefault((command["type"], command["feed"]), []).append(ack["id"])
            self._reached[ack["feed"]] = ack["rev"]
        super()._settle(ack)

    def _refused(self, error: dict[str, Any]) -> None:
        client_id = error.get("client_id")
        is_ours = client_id in self._outbox
        super()._refused(error)
        if is_ours:
            op = "info" if client_id in self._outbox else "fail"
            self.history.note(self.name, op, client_id=client_id, code=error["code"], message=error["message"])

    async def refresh(self, feed: "RecordedFeed") -> None:
        """Fetch the feed's pages, from whatever process answers, for as long as it takes."""
        workload = self.workloads[feed.facts["app"]]
        for url in self._every_url():
            with suppress(OSError, URLError, TimeoutError):
                rows = await asyncio.to_thread(workload.page, feed.facts, partial(self._get, url))
                feed.turn_page(rows)
                return
            await asyncio.sleep(AGAIN_SECONDS)

    def _every_url(self) -> Iterator[str]:
        while True:
            yield from self._processes

    def _get(self, url: str, path: str) -> str:
        request = urllib.request.Request(url + path, headers={"Cookie": f"sessionid={self.person['session']}"})
        with urllib.request.urlopen(request, timeout=PAGE_SECONDS) as page:
            return page.read().decode(errors="surrogateescape")  # one may be binary


class RecordedFeed(Feed):
    def __init__(self, tab: Tab, facts: dict[str, Any]):
        super().__init__(facts)
        self.tab, self.facts, self.name = tab, facts, facts["feed"]
        self.rows: dict[int, Row] = {}
        self.refreshing: asyncio.Task[None] | None = None
        self._meanwhile: list[dict[str, Any]] = []  # what came since the page was asked for: it may not be on it
        self._take_rows(facts["rows"])

    @property
    def has_presence(self) -> bool:
        return self.facts.get("has_presence", True)

    @property
    def is_fresh(self) -> bool:
        return self.is_live and not self.is_refreshing

    @property
    def is_refreshing(self) -> bool:
        return self.refreshing is not None and not self.refreshing.done()

    def take(self, frame: dict[str, Any]) -> None:
        op = frame["type"].removeprefix("realtime.feed.")
        if op in {"live", "reset"}:
            self.tab.history.note(self.tab.name, op, feed=self.name, rev=frame["rev"])
        super().take(frame)
        if op == "reset":
            self.rows.clear()
            self._meanwhile.clear()
            if self.refreshing:
                self.refreshing.cancel()
            self.refreshing = asyncio.create_task(self.tab.refresh(self))

    def turn_page(self, rows: list[Row]) -> None:
        self._take_rows(rows)
        for frame in self._meanwhile:
            self._take_rows(self._rows_of(frame))
        self._meanwhile.clear()
        self.tab.history.note(self.tab.name, "page", feed=self.name, rows=list(self.rows.values()))

    def _rows_of(self, frame: dict[str, Any]) -> list[Row]:
        return self.tab.workloads[self.facts["app"]].rows(frame, self.rows)

    def _show(self, frame: dict[str, Any]) -> None:
        is_repeated = frame["rev"] <= self.rev
        rows = self._rows_of(frame)
        self.tab.history.note(self.tab.name, "show", feed=self.name, rev=frame["rev"], rows=rows, is_repeated=is_repeated)
        super()._show(frame)
        if is_repeated:
            return
        self._take_rows(rows)
        if self.is_refreshing:
            self._meanwhile.append(frame)

    def _take_rows(self, rows: list[Row]) -> None:
        for row in map(Row._make, rows):
            if row.id not in self.rows or self.rows[row.id].rev <= row.rev:
                self.rows[row.id] = row
