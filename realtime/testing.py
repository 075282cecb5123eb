"""For tests of all apps: a browser that is a user with pages and a socket, and a test case whose commits commit."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock
from uuid import uuid4

from channels.testing import ApplicationCommunicator
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import AsyncClient, TestCase

from realtime import consumers
from realtime.hub import Hub
from realtime.limits import Limit

ANSWER_SECONDS = 15.0  # how long a frame may take in a test before it counts as missing


class RealtimeTestCase(TestCase):
    """Rolled back like Django's, but what waits for a commit happens when the outermost transaction of the code ends."""

    def setUp(self) -> None:
        super().setUp()
        self.enterContext(commits_that_commit())


class Browser:
    """One user with an HTTP client and a socket of the suite, in the test's own event loop."""

    def __init__(self, user: Any, http: AsyncClient, socket: ApplicationCommunicator):
        self.user, self.http, self.socket = user, http, socket
        self.frames: list[dict[str, Any]] = []

    @classmethod
    async def open(cls, user: Any, **headers: str) -> "Browser":
        browser = await cls.connect(user, **headers)
        await browser.expect("realtime.hello")
        return browser

    @classmethod
    async def connect(cls, user: Any, **headers: str) -> "Browser":
        """Like `open`, but whatever the server answers is left to the test."""
        http = AsyncClient()
        if user is not None:
            await http.aforce_login(user)
        cookies = "; ".join(f"{name}={morsel.value}" for name, morsel in http.cookies.items())
        shown = {"host": "testserver", "origin": "http://testserver", "cookie": cookies} | headers
        scope = {
            "type": "websocket",
            "path": "/ws/",
            "scheme": "ws",
            "headers": [(name.encode(), value.encode()) for name, value in shown.items() if value],
        }
        socket = ApplicationCommunicator(consumers.RealtimeConsumer.as_asgi(), scope)
        await socket.send_input({"type": "websocket.connect"})
        return cls(user, http, socket)

    async def send(self, frame: dict[str, Any] | str) -> None:
        text = frame if isinstance(frame, str) else json.dumps(frame)
        await self.socket.send_input({"type": "websocket.receive", "text": text})

    async def next(self) -> dict[str, Any]:
        """The next frame, or `{"type": "websocket.close", "code": ...}`."""
        while True:
            message = await self.socket.receive_output(ANSWER_SECONDS)
            if message["type"] == "websocket.send":
                frame = json.loads(message["text"])
                self.frames.append(frame)
                return frame
            if message["type"] == "websocket.close":
                return message

    async def expect(self, *types: str) -> dict[str, Any]:
        """The next frame of one of these types; others are passed over (they stay in `frames`)."""
        while True:
            frame = await self.next()
            if frame["type"] in types:
                return frame
            if frame["type"] == "websocket.close":
                raise AssertionError(f"closed with {frame.get('code')} while waiting for {types}")

    async def nothing(self, *types: str) -> None:
        """Assert that no frame of these types is on its way: all that was sent before the answer to a ping is here."""
        seen = len(self.frames)
        await self.send({"type": "realtime.ping"})
        await self.expect("realtime.pong")
        unexpected = [frame for frame in self.frames[seen:] if frame["type"] in types]
        assert not unexpected, unexpected

    async def resume(self, **cursors: int | None) -> dict[str, Any]:
        """Join feeds, named with underscores for dots: `resume(chat_room_7=12)`. Returns the last `live` or `reset`."""
        feeds = {name.replace("_", "."): {"rev": rev} for name, rev in cursors.items()}
        await self.send({"type": "realtime.feeds.resume", "feeds": feeds})
        frame = {}
        for _ in feeds:
            frame = await self.expect("realtime.feed.live", "realtime.feed.reset", "realtime.feed.refused")
        return frame

    async def post(self, type: str, feed: str, **fields: Any) -> dict[str, Any]:
        """Send a durable command and return its answer."""
        client_id = fields.pop("client_id", None) or str(uuid4())
        await self.send({"type": type, "client_id": client_id, "feed": feed, **fields})
        while True:
            answer = await self.expect("realtime.ack", "realtime.error")
            if answer.get("client_id") in {client_id, None}:
                return answer

    async def __aenter__(self) -> "Browser":
        return self

    async def __aexit__(self, *exception: Any) -> None:
        await self.close()

    async def close(self) -> None:
        """Go away as a browser does, and wait until the server has cleaned up."""
        if not self.socket.future.done():
            await self.socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.socket.wait(ANSWER_SECONDS)
        await rest()


def forget_limits() -> None:
    """Every bucket is full again, in the middle of a test."""
    for limit in Limit.all:
        limit.clear()


async def rest() -> None:
    """When the last socket is gone, end what the hub would do a little later: the test's event loop is about to end."""
    hub = Hub.here()
    if not hub.sockets:
        for task in hub._background:
            task.cancel()
        await asyncio.gather(*hub._background, return_exceptions=True)
        await hub.presence.stop()


@contextmanager
def commits_that_commit() -> Iterator[None]:
    """Inside TestCase's transaction, run `on_commit` callbacks where the code under test would have committed."""
    base = len(connection.savepoint_ids)
    savepoint_commit, on_commit = BaseDatabaseWrapper.savepoint_commit, BaseDatabaseWrapper.on_commit

    def run(wrapper: BaseDatabaseWrapper) -> None:
        while len(wrapper.savepoint_ids) <= base and wrapper.run_on_commit:
            callbacks, wrapper.run_on_commit = wrapper.run_on_commit, []
            for entry in callbacks:  # (savepoint ids, callback, robust)
                entry[1]()

    def savepoint_commit_and_run(wrapper: BaseDatabaseWrapper, sid: str) -> None:
        savepoint_commit(wrapper, sid)
        run(wrapper)

    def on_commit_or_now(wrapper: BaseDatabaseWrapper, callback: Any, robust: bool = False) -> None:
        on_commit(wrapper, callback, robust)
        run(wrapper)

    with (
        mock.patch.object(BaseDatabaseWrapper, "savepoint_commit", savepoint_commit_and_run),
        mock.patch.object(BaseDatabaseWrapper, "on_commit", on_commit_or_now),
    ):
        yield
