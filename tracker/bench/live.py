"""Incidents by the API of a running server, while sockets look at parts of the map: how many a second, how many deliveries."""

import asyncio
import json
import random
import time
from contextlib import AsyncExitStack
from itertools import cycle
from typing import Any
from urllib.request import Request, urlopen

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Origin

from realtime.bench.modes import Metrics, Options
from realtime.bench.site import Site
from tracker.bench.match import count_alerts
from tracker.bench.world import features
from tracker.geo.cells import Box
from tracker.simulation import CITIES

ZOOMS = range(2, 15)  # of the maps that people look at
WIDTH, HEIGHT = 1_280, 720  # px, their windows
QUIET_SECONDS = 1.0  # after the last incident, until all is told
MOST = 20_000  # incidents prepared


def measure(site: Site, options: Options, run: str) -> Metrics:
    return asyncio.run(_measure(site, options, run))


async def _measure(site: Site, options: Options, run: str) -> Metrics:
    feed, token = site.rooms
    chance = random.Random(5)  # the same windows at each scale
    async with AsyncExitStack() as stack:
        watchers = [Watcher(url, cookie) for url, cookie in zip(cycle(site.urls), site.cookies[: options.clients], strict=False)]
        for watcher in watchers:
            await stack.enter_async_context(watcher.looking(feed, window(chance)))
        before = await asyncio.to_thread(count_alerts, site)
        sent, took = await asyncio.to_thread(_ingest, site.urls[0], token, run, options.seconds)
        await asyncio.sleep(QUIET_SECONDS)
        # A window with too much in it reads the map afresh: that is no saving.
        delivered = sum(sent if watcher.is_reset else watcher.heard for watcher in watchers)
    alerts = await asyncio.to_thread(count_alerts, site) - before
    return {
        "incidents_per_second": sent / took,
        "alerts_per_incident": alerts / sent,
        "times_fewer": sent * len(watchers) / max(delivered, 1),
    }


def window(chance: random.Random) -> Box:
    """What somebody's map shows, with the margin that the page asks for: somewhere near a city, at some zoom."""
    lon, lat = chance.choice([*CITIES.values()])
    degrees = 360 / (256 * 2 ** chance.choice(ZOOMS))
    width, height = 2 * WIDTH * degrees, 2 * HEIGHT * degrees
    return Box(lon - width / 2, max(-85.0, lat - height / 2), lon + width / 2, min(85.0, lat + height / 2))


class Watcher:
    """A socket that looks at a part of the map, and counts what it is told of."""

    def __init__(self, url: str, cookie: str):
        self.url, self.cookie, self.heard, self.is_reset = url, cookie, 0, False

    def looking(self, feed: str, box: Box) -> "Watcher":
        self.feed, self.box = feed, box
        return self

    async def __aenter__(self) -> "Watcher":
        origin, cookies = Origin(self.url), {"Cookie": f"sessionid={self.cookie}"}
        address = f"{self.url.replace('http', 'ws', 1)}/ws/"
        self.socket: ClientConnection = await connect(address, origin=origin, additional_headers=cookies, compression=None)
        feeds = {self.feed: {"rev": None, "epoch": ""}}
        await self._send({"type": "realtime.feeds.resume", "version": 1, "feeds": feeds, "heads": []})
        await self._send({"type": "tracker.viewport.set", "feed": self.feed, "bbox": list(self.box)})
        async for text in self.socket:
            if '"tracker.viewport.changed"' in str(text)[:60]:
                break
        self._task = asyncio.create_task(self._count())
        return self

    async def __aexit__(self, *_: Any) -> None:
        self._task.cancel()
        await self.socket.close()

    async def _count(self) -> None:
        async for text in self.socket:
            self.heard += str(text).count('"type":"post_save"')
            self.is_reset |= '"realtime.feed.reset"' in str(text)[:40]

    async def _send(self, frame: dict[str, Any]) -> None:
        await self.socket.send(json.dumps(frame))


def _ingest(url: str, token: str, run: str, seconds: float) -> tuple[int, float]:
    """One body after the other, as one program sends them. Returns how many incidents were taken in, and the seconds."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/geo+json"}
    started, sent = time.perf_counter(), 0
    for body in features(MOST, run):
        request = Request(f"{url}/tracker/api/incidents?source=bench", body.encode(), headers)
        with urlopen(request, timeout=60) as response:
            sent += json.load(response)["created"]
        if time.perf_counter() - started > seconds:
            break
    return sent, time.perf_counter() - started
