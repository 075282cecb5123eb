"""So much load on a running site, for so long; and how the site bore it."""

import asyncio
import sys
from argparse import ArgumentParser
from typing import Any
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management import BaseCommand, CommandError

from config.demo_people import is_demo
from config.load import Load, Result
from realtime.bench.runner import bench_modules
from realtime.bench.world import make_sessions

MOST = {"sockets": 5_000, "rooms": 1_000, "rate": 1_000, "seconds": 3_600}
PER_PERSON = 0.5  # messages a second that nobody is refused


class Command(BaseCommand):
    help = "People of its own write to each other on a running demo site, and what arrives is counted. Afterwards they are gone."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000/")
        parser.add_argument("--sockets", type=int, default=200)
        parser.add_argument("--rooms", type=int, default=20)
        parser.add_argument("--rate", type=float, default=20, help="messages a second, of all together")
        parser.add_argument("--seconds", type=float, default=60)

    def handle(self, *, url: str, **given: Any) -> None:
        self.refuse(**{name: given[name] for name in MOST})
        bench = next((module for module in bench_modules() if hasattr(module, "DIALECT")), None)
        if bench is None:
            raise CommandError("No app of the suite has a bench.py that says how to talk to its rooms.")
        mark = uuid4().hex[:8]
        people = User.objects.bulk_create([User(username=f"load-{mark}-{i}", password="!") for i in range(given["sockets"])])
        try:
            rooms = bench.make_rooms(people, given["rooms"])
            load = Load(url, bench.DIALECT, make_sessions(people), rooms, given["rate"], given["seconds"])
            self.stderr.write(f"{given['sockets']} sockets at {url} for {given['seconds']:.0f} s.")
            result = asyncio.run(load.run())
        except (OSError, TimeoutError) as trouble:
            raise CommandError(f"{url} does not let us in: {trouble or type(trouble).__name__}") from None
        finally:
            User.objects.filter(username__startswith=f"load-{mark}-").delete()
        self.tell(result)
        sys.exit(0 if result.is_whole else 1)

    def refuse(self, **given: float) -> None:
        if not is_demo():
            raise CommandError("Load is for a site that one can throw away: DEBUG=1, or DEMO=1.")
        for name, value in given.items():
            if not 0 < value <= MOST[name]:
                raise CommandError(f"--{name} is more than 0 and at most {MOST[name]}.")
        if given["rate"] > given["sockets"] * PER_PERSON:
            raise CommandError(f"--rate is at most {PER_PERSON} for each socket, or people are refused for being too fast.")

    def tell(self, result: Result) -> None:
        self.stdout.write(f"{'messages':12} {result.posted:8} posted, {result.accepted} accepted")
        self.stdout.write(f"{'deliveries':12} {result.delivered:8} of {result.wanted}")
        late = ", ".join(f"{name} {result.percentile(share):.0f} ms" for name, share in (("p50", 0.5), ("p99", 0.99)))
        self.stdout.write(f"{'latency':12} {late}")
        self.stdout.write(f"{'sockets':12} {result.sockets:8}, {result.closed or 'none'} closed by the site")
