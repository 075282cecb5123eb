"""Somebody else in the demo: a person who reports what happens in the world, by the API, at the pace of a person."""

import asyncio
import json
import random
import time
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from django.contrib.auth.models import User

from realtime.models import AccessToken
from realtime.threads import in_database
from tracker.simulation import World

PEOPLE = ("lee",)
PAUSE_SECONDS = (6, 16)  # between two reports
CALMER_EVERY_SECONDS = 15 * 60  # pauses double, treble...: a demo that runs overnight must not fill the map
AT_ONCE = 30  # incidents that go on
TIMEOUT_SECONDS = 20


async def live(url: str) -> None:
    """Report to the site at `url` until cancelled."""
    secret = await in_database(make_token, PEOPLE[0])
    chance = random.Random()
    world = World(chance, run=f"life-{time.time():.0f}", at_once=AT_ONCE)
    started = time.monotonic()
    while True:
        calm = 1 + (time.monotonic() - started) / CALMER_EVERY_SECONDS
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS) * calm)
        await asyncio.to_thread(report, url, secret, world.step())


def make_token(name: str) -> str:
    """A token for this run; those of earlier ones end."""
    user = User.objects.get(username=name)
    AccessToken.objects.filter(user=user, name="life").delete()
    return AccessToken.issue(user, "life", "tracker:write")[1]


def report(url: str, secret: str, feature: dict[str, Any]) -> None:
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/geo+json"}
    address = f"{url.rstrip('/')}/tracker/api/incidents?source=people"
    try:
        with urlopen(Request(address, json.dumps(feature).encode(), headers), timeout=TIMEOUT_SECONDS) as response:
            response.read()
    except HTTPError as error:  # too fast, or something that is not to be: the next one may be
        error.close()
