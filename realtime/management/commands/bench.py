"""What the suite costs, measured on real servers beside the consumer of the Channels tutorial."""

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from realtime.backing import Missing, find_postgres, find_redis
from realtime.bench import chart, report
from realtime.bench.modes import MODES, Metrics, Mode, Options, OwnMode
from realtime.bench.runner import measure, own_modes, targets
from realtime.bench.site import Backing

LIMITS = {"clients": 10_000, "rooms": 2_000, "in_flight": 1_000, "processes": 16, "rounds": 20, "seconds": 60}


class Command(BaseCommand):
    help = "Measures fan-out, ingest, connecting, idle sockets, or what an app measures, on servers that end with it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("mode", choices=[*MODES, *own_modes()])
        parser.add_argument("--clients", type=int, help="sockets, a person each")
        parser.add_argument("--rooms", type=int)
        parser.add_argument("--in-flight", type=int, help="messages under way at the same time")
        parser.add_argument("--processes", type=int, default=1, help="of the server")
        parser.add_argument("--rounds", type=int, help="of which the medians are taken")
        parser.add_argument("--seconds", type=float, help="of each measurement")
        parser.add_argument("--layer", choices=["pubsub", "memory"], default="pubsub")
        parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
        parser.add_argument("--server", choices=["daphne", "uvicorn"], default="daphne")
        parser.add_argument(
            "--baseline",
            nargs="?",
            const="default",
            default="",
            choices=["default", "chat", "storing", "numbering"],
            help="measure the tutorial's consumer by turns, and print ratios; with a name, another one of its consumers",
        )
        parser.add_argument("--json", action="store_true", help="results as JSON on standard output")
        parser.add_argument("--chart", type=Path, help="draw the medians into this SVG file")

    def handle(self, *, mode: str, server: str, processes: int, layer: str, database: str, baseline: str, **given: Any) -> None:
        if not sys.platform.startswith("linux"):
            raise CommandError("The benchmark reads /proc, which only Linux has.")
        if not (find_spec("picows") and find_spec("uvloop")):
            raise CommandError("The client of the benchmark is not installed: pip install -r requirements-dev.txt")
        plan = MODES.get(mode) or own_modes()[mode]
        options = options_from(plan, given, processes)
        if layer == "memory" and processes > 1:
            raise CommandError("The layer in memory is for one process.")
        if isinstance(plan, OwnMode) and (baseline or given["chart"]):
            raise CommandError("The tutorial has nothing to compare with, and there is no chart of this.")
        try:
            backing = Backing(
                server,
                processes,
                database=find_postgres(is_durable=True).url if database == "postgres" else "",
                redis=find_redis().url if layer == "pubsub" else "",
            )
        except Missing as missing:
            raise CommandError(str(missing)) from None
        summary = report.summarise(self.measure(plan, options, backing, baseline))
        facts = {"mode": mode, "server": server, "processes": processes, "layer": layer, "database": database, **asdict(options)}
        if path := given["chart"]:
            path.write_text(chart.draw(mode, facts, summary))
        if given["json"]:
            self.stdout.write(json.dumps({"options": facts, "versions": report.versions(), **summary}, indent=1))
        else:
            self.stdout.write(", ".join(f"{name} {value}" for name, value in facts.items()))
            self.stdout.write(report.table(summary, plan.units if isinstance(plan, OwnMode) else report.UNITS))

    def measure(self, plan: Mode | OwnMode, options: Options, backing: Backing, baseline: str) -> dict[str, list[Metrics]]:
        if isinstance(plan, OwnMode):
            return plan.measure(options, backing, self.tell)
        found = targets(plan.baseline if baseline == "default" else baseline)
        return measure(plan, options, found, backing, self.tell)

    def tell(self, sentence: str) -> None:
        """Progress, out of the way of results."""
        self.stderr.write(sentence, self.style.NOTICE)
        self.stderr.flush()


def options_from(mode: Mode | OwnMode, given: dict[str, Any], processes: int) -> Options:
    """The mode's own options with what was given. Bounded: nobody benches a machine to death by a typo."""
    chosen = {name: given[name] for name in asdict(mode.defaults) if given.get(name) is not None}
    for name, value in [*chosen.items(), ("processes", processes)]:
        if not 0 < value <= LIMITS[name]:
            raise CommandError(f"--{name.replace('_', '-')} is more than 0 and at most {LIMITS[name]}.")
    options = replace(mode.defaults, **chosen)
    return replace(options, rooms=min(options.rooms, options.clients))
