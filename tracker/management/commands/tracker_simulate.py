"""A live map, believably: incidents that begin, move, get worse and end, sent to the API of a running server."""

import json
import random
import time
from argparse import ArgumentParser
from collections import Counter
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from django.core.management.base import BaseCommand, CommandError

from realtime.limits import unlimited
from realtime.models import AccessToken
from realtime.tokens import revoke
from tracker import services
from tracker.models import AreaOfInterest, Severity
from tracker.robots import SUFFIX, robot
from tracker.simulation import OPEN, World, area_around

AREAS_EACH = 10  # of one simulated watcher
PERIOD_SECONDS = 0.5  # between two requests
TIMEOUT_SECONDS = 30


class Command(BaseCommand):
    help = "Simulate incidents and people who watch areas, on a running server that uses the same database. Stop it with Ctrl-C."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000/")
        parser.add_argument("--rate", type=float, default=20, help="reports a second")
        parser.add_argument("--areas", type=int, default=200, help="areas that somebody watches")
        parser.add_argument("--open", type=int, default=OPEN, help="incidents that go on at the same time")
        parser.add_argument("--seconds", type=float, help="how long; until Ctrl-C if not given")
        parser.add_argument("--seed", type=int, help="the same story again")

    def handle(self, *, url: str, rate: float, areas: int, open: int, seconds: float | None, seed: int | None, **_: Any) -> None:
        if rate <= 0 or open <= 0 or areas < 0:
            raise CommandError("--rate and --open are above 0, --areas is not below.")
        chance = random.Random(seed)
        user = robot("simulator")
        watch_areas(areas, chance)
        token, secret = AccessToken.issue(user, "tracker_simulate", "tracker:write")
        address = f"{url.rstrip('/')}/tracker/api/incidents?source=simulator"
        world = World(chance, run=f"{seed if seed is not None else time.time():.0f}", at_once=open)
        counts: Counter[str] = Counter()
        started = time.monotonic()
        self.stdout.write(f"Reporting {rate:g} a second to {url}; {areas} areas are watched.")
        try:
            run(world, lambda features: counts.update(send(address, secret, features)), rate, seconds)
        except KeyboardInterrupt:
            pass
        finally:
            revoke(token)
        took = time.monotonic() - started
        done = ", ".join(f"{counts[status]:,} {status}" for status in ("created", "changed", "same", "failed"))
        self.stdout.write(f"{done} in {took:.0f} s.")


def run(world: World, send: Any, rate: float, seconds: float | None) -> None:
    """Keep to the rate in the long run, whatever a request takes."""
    started = time.monotonic()
    sent = 0
    while seconds is None or time.monotonic() - started < seconds:
        due = int((time.monotonic() - started) * rate) - sent
        if due > 0:
            send([world.step() for _ in range(min(due, 500))])
            sent += due
        time.sleep(PERIOD_SECONDS)


def send(address: str, secret: str, features: list[dict[str, Any]]) -> dict[str, int]:
    body = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/geo+json"}
    try:
        with urlopen(Request(address, body, headers), timeout=TIMEOUT_SECONDS) as response:
            answer = json.load(response)
    except HTTPError as error:
        raise CommandError(f"The server answers {error.code}: {error.read()[:300].decode(errors='replace')}") from None
    except (URLError, OSError) as error:
        raise CommandError(f"Nobody answers at {address}: {error}") from None
    return {status: answer[status] for status in ("created", "changed", "same", "failed")}


def watch_areas(number: int, chance: random.Random) -> None:
    """As many areas, of people who cannot log in. Those of an earlier run are kept."""
    missing = number - AreaOfInterest.objects.filter(owner__username__endswith=SUFFIX).count()
    with unlimited():
        for index in range(max(0, missing)):
            owner = robot(f"watcher-{index // AREAS_EACH + 1}")
            plan = services.Plan(f"Area {index + 1}", chance.choice(Severity.values), area_around(chance))
            services.save_area(owner, plan)
