"""Load on a running site, for `manage.py load`: ordinary clients, bounded in number, rate and time.

`manage.py bench` measures more exactly, on servers of its own. This one asks a whole deployment (proxy, processes, database) to
bear a known load, and tells what arrived and how late.
"""

import asyncio
import random
import re
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit
from uuid import uuid4

from django.conf import settings
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Origin

from realtime.bench.job import Dialect

CONNECTING = 20  # at the same time
OPEN_SECONDS = 30  # for one socket
DRAIN_SECONDS = 10  # for the last messages to arrive
SENT_AT = re.compile(r"sent at (\d+) by load")  # microseconds on the clock of this process


@dataclass
class Result:
    sockets: int
    posted: int = 0
    accepted: int = 0
    wanted: int = 0  # deliveries, if nothing is lost
    delivered: int = 0
    closed: int = 0  # sockets that the site closed
    milliseconds: list[float] = field(default_factory=list)  # from sending to arrival

    @property
    def is_whole(self) -> bool:
        return self.accepted == self.posted and self.delivered == self.wanted and not self.closed

    def percentile(self, share: float) -> float:
        ordered = sorted(self.milliseconds) or [0.0]
        return ordered[int(share * (len(ordered) - 1))]


@dataclass
class Load:
    url: str
    dialect: Dialect
    cookies: Sequence[str]  # a session for each socket
    rooms: Sequence[str]  # socket i is in room i modulo their number
    per_second: float  # messages, of all together
    seconds: float

    async def run(self) -> Result:
        self.result, self._whole = Result(len(self.cookies)), asyncio.Event()
        at_once = asyncio.Semaphore(CONNECTING)
        sockets = await asyncio.gather(*(self._open(at_once, i) for i in range(len(self.cookies))))
        readers = [asyncio.create_task(self._read(socket)) for socket in sockets]
        try:
            await self._post(sockets)
            self._look()
            with suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await self._whole.wait()
        finally:
            for reader in readers:
                reader.cancel()
            await asyncio.gather(*(socket.close() for socket in sockets), return_exceptions=True)
        return self.result

    async def _open(self, at_once: asyncio.Semaphore, number: int) -> ClientConnection:
        address = urlsplit(self.url)
        room = self.rooms[number % len(self.rooms)]
        async with at_once, asyncio.timeout(OPEN_SECONDS):
            socket = await connect(
                f"{self.url.rstrip('/').replace('http', 'ws', 1)}{self.dialect.path}",
                origin=Origin(f"{address.scheme}://{address.netloc}"),
                additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={self.cookies[number]}"},
                compression=None,
                open_timeout=OPEN_SECONDS,
            )
            for frame in self.dialect.join:
                await socket.send(frame.replace("{room}", room))
            async for text in socket:
                if str(text).startswith(self.dialect.ready):
                    return socket
        raise ConnectionError("The site closed a socket before it was ready.")

    async def _post(self, sockets: Sequence[ClientConnection]) -> None:
        """At an even pace, whatever the site makes of it: an open loop."""
        since = time.monotonic()
        turns = list(range(len(sockets)))
        random.shuffle(turns)
        while (spent := time.monotonic() - since) < self.seconds:
            while self.result.posted < spent * self.per_second:
                number = turns[self.result.posted % len(turns)]
                self.result.posted += 1
                self.result.wanted += len(sockets[number % len(self.rooms) :: len(self.rooms)])
                text = f"sent at {time.time_ns() // 1000} by load"
                frame = self.dialect.post.replace("{room}", self.rooms[number % len(self.rooms)])
                with suppress(ConnectionClosed):
                    await sockets[number].send(frame.replace("{id}", str(uuid4())).replace("{text}", text))
            await asyncio.sleep(0.01)

    async def _read(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            async for data in socket:
                text = str(data)
                if text.startswith(self.dialect.accepted):
                    self.result.accepted += 1
                elif text.startswith(self.dialect.delivered) and (sent := SENT_AT.search(text)):
                    self.result.delivered += 1
                    self.result.milliseconds.append((time.time_ns() // 1000 - int(sent[1])) / 1000)
                self._look()
        self.result.closed += 1

    def _look(self) -> None:
        """Whether nothing is missing at the moment, which counts once all is posted."""
        if self.result.is_whole:
            self._whole.set()
        else:
            self._whole.clear()
