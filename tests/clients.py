"""A tab without a browser: what realtime/socket.js does, in Python, for tests of real servers.

    async with Client(server, "ann", rooms=["lobby"]) as ann:
        await ann.said("hello")          # posted, and acked
        await ann.shows("hello")

It resumes with its cursors after each open, keeps a command until it is acked and sends it again, comes back when it is cut,
and keeps what it would display. What it shows in the end has to be what is in the database: `unlike(rows)` says where not.
"""

import asyncio
import json
import random
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from itertools import cycle
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidMessage

from tests.server import RunningServer

FINAL = {4400, 4401, 4403, 4404, 4409}  # close codes after which coming back cannot help
RETRIED = {"retry_later", "rate_limited"}  # refusals after which the same command is sent again
PING_SECONDS = 15
SILENCE_SECONDS = 40  # a socket that says nothing for so long is dead
OPEN_SECONDS = 5
POLL_SECONDS = 0.02
MESSAGES = "SELECT id, seq, rev, body FROM chat_message WHERE room_id = {} ORDER BY seq"


async def eventually(condition: Callable[[], Any], seconds: float = 10, *, what: str = "") -> Any:
    """What `condition` gives, as soon as it is true. AssertionError if that takes longer. The only place that sleeps."""
    deadline = time.monotonic() + seconds
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"Not so after {seconds} s: {what or getattr(condition, '__name__', condition)}")
        await asyncio.sleep(POLL_SECONDS)
    return result


class Client:
    """One person's tab. Use it as a context manager; inside the block it has been live once."""

    def __init__(
        self,
        server: RunningServer,
        person: str,
        *,
        rooms: Iterable[str] = ("lobby",),
        at: int | None = None,
        urls: Iterable[str] = (),
    ):
        """`at` is the process it starts with; when it is cut it tries them in turn. `urls` stands for others, e.g. a proxy."""
        self.server, self.name, self.person = server, person, server.people[person]
        self.feeds: dict[str, Feed] = {room["feed"]: Feed(room) for name, room in server.rooms.items() if name in rooms}
        urls = list(urls) or server.urls[at or 0 :] + server.urls[: at or 0]
        self._urls = cycle(urls)
        self.frames: list[dict[str, Any]] = []
        self.closes: list[int] = []  # how each connection ended
        self.opened = 0
        self.acks: dict[str, dict[str, Any]] = {}
        self.ack_seconds: dict[str, float] = {}
        self.errors: list[dict[str, Any]] = []
        self._outbox: dict[str, dict[str, Any]] = {}
        self._outbox_changed = asyncio.Event()
        self._sent_at: dict[str, float] = {}
        self._is_live = asyncio.Event()
        self._pause = 0.0  # seconds that the outbox has been asked to wait
        self._asked_to_wait: float | None = None
        self.socket: ClientConnection | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> "Client":
        self._task = asyncio.create_task(self._run())
        await self.live()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()

    async def leave(self) -> None:
        """Close the tab."""
        if self._task:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    # What a person does

    def say(self, body: str, room: str = "lobby") -> str:
        """Type and press Enter: it is in the outbox now, and will be acked some time. Returns the client id."""
        return self.post("chat.message.post", room, body=body)

    def post(self, type: str, room: str = "lobby", **fields: Any) -> str:
        client_id = str(uuid4())
        self._outbox[client_id] = {"type": type, "client_id": client_id, "feed": self.server.rooms[room]["feed"], **fields}
        self._outbox_changed.set()
        return client_id

    async def acked(self, client_id: str, seconds: float = 10) -> dict[str, Any]:
        """The answer to what was posted, as soon as it is there."""
        return await eventually(lambda: self.acks.get(client_id), seconds, what=f"an ack for {self.name}'s command")

    async def said(self, body: str, room: str = "lobby", seconds: float = 10) -> dict[str, Any]:
        return await self.acked(self.say(body, room), seconds)

    async def send(self, frame: dict[str, Any]) -> None:
        """Something nobody answers for, such as typing."""
        assert self.socket
        await self.socket.send(json.dumps(frame))

    # What a person sees

    @property
    def is_live(self) -> bool:
        return self._is_live.is_set()

    @property
    def waiting(self) -> int:
        """Commands that have not been acked."""
        return len(self._outbox)

    async def live(self, seconds: float = 15) -> None:
        async with asyncio.timeout(seconds):
            await self._is_live.wait()

    def feed(self, room: str = "lobby") -> "Feed":
        return self.feeds[self.server.rooms[room]["feed"]]

    def bodies(self, room: str = "lobby") -> list[str]:
        """The messages on the screen, from the top."""
        return [body for _, _, body in sorted(self.feed(room).messages.values())]

    async def shows(self, body: str, seconds: float = 10, room: str = "lobby") -> None:
        await eventually(lambda: body in self.bodies(room), seconds, what=f"{self.name} sees {body!r}")

    async def hears(self, type: str, seconds: float = 10, since: int = 0, **fields: Any) -> dict[str, Any]:
        """A frame like this one, of those after the first `since`."""
        return await eventually(lambda: self.heard(type, since, **fields), seconds, what=f"{self.name} hears {type} {fields}")

    def heard(self, type: str, since: int = 0, **fields: Any) -> dict[str, Any] | None:
        wanted = {"type": type, **fields}.items()
        return next((frame for frame in self.frames[since:] if wanted <= frame_items(frame)), None)

    def people(self, room: str = "lobby") -> set[str]:
        """Who is here, as the tab shows it."""
        return self.feed(room).people

    def unlike(self, rows: list[tuple], room: str = "lobby") -> str:
        """Where the screen is not what the database has (rows of `MESSAGES`); nothing if it is the same."""
        stored = {pk: (seq, rev, body) for pk, seq, rev, body in rows}
        shown = self.feed(room).messages
        wrong = [pk for pk in stored.keys() | shown.keys() if stored.get(pk) != shown.get(pk)]
        return "\n".join(f"{self.name}: message {pk} is {stored.get(pk)}, shown {shown.get(pk)}" for pk in sorted(wrong))

    # The connection

    async def _run(self) -> None:
        failures = 0
        for url in self._urls:
            opened = self.opened
            with suppress(OSError, InvalidHandshake, InvalidMessage, TimeoutError):  # nobody there; the next one may be
                await self._connect(url)
            if self.closes and self.closes[-1] in FINAL:
                return
            failures = 0 if self.opened > opened else failures + 1
            pause, self._asked_to_wait = self._asked_to_wait, None
            await asyncio.sleep(random.uniform(0, min(2.0, 0.2 * 2**failures)) if pause is None else pause)

    async def _connect(self, url: str) -> None:
        headers = {"Cookie": f"sessionid={self.person['session']}"}
        async with connect(
            url.replace("http", "ws", 1) + "/ws/",
            origin=url,  # type: ignore[arg-type]
            additional_headers=headers,
            compression=None,
            ping_interval=None,
            max_size=None,
            open_timeout=OPEN_SECONDS,
            close_timeout=1,
        ) as self.socket:
            helpers = [asyncio.create_task(self._ping()), asyncio.create_task(self._empty_outbox())]
            try:
                while True:
                    async with asyncio.timeout(SILENCE_SECONDS):
                        await self._take(self.unpack(await self.socket.recv()))
            except ConnectionClosed:
                self.closes.append(self.socket.close_code or 1006)
            finally:
                self._is_live.clear()
                for helper in helpers:
                    helper.cancel()
                await asyncio.gather(*helpers, return_exceptions=True)

    def unpack(self, data: str | bytes) -> dict[str, Any]:
        """A frame. Binary ones are an app's own: who follows such a feed has to read them."""
        return json.loads(data)

    async def _ping(self) -> None:
        while True:
            await asyncio.sleep(PING_SECONDS * random.uniform(0.8, 1.2))
            await self.send({"type": "realtime.ping"})

    async def _take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "realtime.hello":
                self.opened += 1
                for feed in self.feeds.values():
                    feed.is_live = False
                cursors = {name: {"rev": feed.rev, "epoch": feed.epoch} for name, feed in self.feeds.items()}
                await self.send({"type": "realtime.feeds.resume", "version": 1, "feeds": cursors})
            case "realtime.ack":
                self._settle(frame)
            case "realtime.error":
                self.errors.append(frame)
                self._refused(frame)
            case "realtime.bye":
                self._asked_to_wait = frame["reconnect_after"]
            case _ if frame.get("feed") in self.feeds:
                self.feeds[frame["feed"]].take(frame)
                if all(feed.is_live or feed.refused for feed in self.feeds.values()):
                    self._is_live.set()

    # The outbox: one command on its way at a time, which keeps them in order

    async def _empty_outbox(self) -> None:
        await self._is_live.wait()
        while True:
            self._outbox_changed.clear()
            if command := next(iter(self._outbox.values()), None):
                self._sent_at.setdefault(command["client_id"], time.monotonic())
                await self.send(command)
            await self._outbox_changed.wait()
            while self._pause:
                pause, self._pause = self._pause, 0.0
                await asyncio.sleep(pause)

    def _settle(self, ack: dict[str, Any]) -> None:
        client_id = ack["client_id"]
        if client_id in self._outbox:
            del self._outbox[client_id]
            self.acks[client_id] = ack
            self.ack_seconds[client_id] = time.monotonic() - self._sent_at[client_id]
            self._outbox_changed.set()

    def _refused(self, error: dict[str, Any]) -> None:
        if error.get("client_id") not in self._outbox:
            return
        if error["code"] in RETRIED:
            self._pause = error.get("retry_after", 1.0)
        else:
            del self._outbox[error["client_id"]]
        self._outbox_changed.set()


class Feed:
    """A feed as the tab has it."""

    def __init__(self, room: dict[str, Any]):
        self.rev, self.epoch = room["rev"], room["epoch"]
        self.messages: dict[int, tuple[int, int, str]] = {}  # {id: (seq, rev, body)}
        self.order: list[int] = []  # the revisions, as they were shown
        self.repeated = 0  # changes that were sent though the tab had them
        self.skipped = 0  # changes that were not the next one, while live
        self.resets = 0
        self.refused = ""  # the code
        self.people: set[str] = set()
        self.is_live = False

    def take(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "realtime.feed.live":
                self.rev, self.epoch, self.is_live, self.refused = frame["rev"], frame["epoch"], True, ""
            case "realtime.feed.reset":
                self.rev, self.epoch, self.is_live = frame["rev"], frame["epoch"], True
                self.resets += 1
            case "realtime.feed.refused":
                self.refused, self.is_live = frame["code"], False
            case "realtime.presence.snapshot":
                self.people = names(frame["people"])
            case "realtime.presence.changed":
                self.people = (self.people | names(frame["joined"])) - names(frame["left"])
            case _ if "rev" in frame:
                self._show(frame)

    def _show(self, frame: dict[str, Any]) -> None:
        if frame["rev"] <= self.rev:
            self.repeated += 1
            return
        if self.is_live and frame["rev"] != self.rev + 1:
            self.skipped += 1
        self.rev = frame["rev"]
        self.order.append(frame["rev"])
        if frame["type"].startswith("chat.message."):
            self.messages[frame["id"]] = (frame["seq"], frame["rev"], frame.get("body", ""))


def names(people: list[dict[str, Any]]) -> set[str]:
    return {person["name"] for person in people}


def frame_items(frame: dict[str, Any]) -> Any:
    """The frame's items, for a subset test; values that cannot be in a set are left out."""
    return {name: value for name, value in frame.items() if not isinstance(value, list | dict)}.items()
