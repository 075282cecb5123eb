"""Simulated visitors of a running site, for demos: a session by the log-in form, and sockets as a browser opens them."""

import asyncio
import json
import urllib.parse
import urllib.request
from contextlib import suppress
from http.cookiejar import CookieJar

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Origin

PING_SECONDS = 15
AGAIN_SECONDS = 5  # after a connection was lost


class Visitor:
    """One person with one browser. All they know is what any page gets to know."""

    def __init__(self, url: str, name: str):
        self.url, self.name = url.rstrip("/"), name
        self._cookies = CookieJar()

    def log_in(self) -> None:
        """With the name as the password. Raises `PermissionError`."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self._cookies))
        page = f"{self.url}/accounts/login/"
        browser.open(page, timeout=20).close()
        form = {"username": self.name, "password": self.name, "csrfmiddlewaretoken": self._cookie("csrftoken")}
        browser.open(page, urllib.parse.urlencode(form).encode(), timeout=20).close()
        if not self._cookie("sessionid"):
            raise PermissionError(f"{self.name} could not log in at {self.url}.")

    async def stay(self) -> None:
        """Keep a socket open until cancelled."""
        while True:
            with suppress(OSError, ConnectionClosed, InvalidHandshake, TimeoutError):
                await self.visit()
            await asyncio.sleep(AGAIN_SECONDS)

    async def visit(self) -> None:
        """Open a socket, and hear what it says until it closes."""
        raise NotImplementedError

    def connect(self, path: str) -> connect:
        """`async with visitor.connect("/ws/") as socket: ...`"""
        origin = Origin("{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(self.url)))
        cookies = {"Cookie": "; ".join(f"{cookie.name}={cookie.value}" for cookie in self._cookies)}
        return connect(self.url.replace("http", "ws", 1) + path, origin=origin, additional_headers=cookies)

    def _cookie(self, name: str) -> str:
        return next((str(cookie.value) for cookie in self._cookies if cookie.name.endswith(name)), "")


async def ping(socket: ClientConnection) -> None:
    """A sign of life every 15 seconds, until cancelled."""
    while True:
        await asyncio.sleep(PING_SECONDS)
        with suppress(ConnectionClosed):
            await socket.send(json.dumps({"type": "realtime.ping"}))
