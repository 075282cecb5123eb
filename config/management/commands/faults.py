"""Is anything ever lost? Clients work while everything beneath them breaks, and what they saw is compared with what is stored."""

import json
import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError

from realtime.backing import Missing
from tests.faults.run import Options, run

SECONDS, CLIENTS = (5, 3600), (2, 11)  # at least, at most; tests/world.py has no more people
VIOLATED = 3  # exit status: a run that breaks down itself has another


class Command(BaseCommand):
    help = "Breaks private servers while clients use them, and checks that nothing is lost, doubled or out of order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--seconds", type=float, default=60, help="how long things break")
        parser.add_argument("--seed", type=int, default=7, help="the same seed, the same faults and the same clients")
        parser.add_argument("--clients", type=int, default=6)
        parser.add_argument("--layer", choices=["pubsub", "memory"], default="pubsub", help="memory: one process, on SQLite")
        parser.add_argument("--control", action="store_true", help="switch repair off: this must fail, or the checker is blind")
        parser.add_argument(
            "--deploy", action="store_true", help="nothing breaks; every process is replaced, as a deploy does it"
        )
        parser.add_argument("--json", action="store_true", help="the result as JSON on standard output")

    def handle(self, *, seconds: float, seed: int, clients: int, layer: str, control: bool, **given: Any) -> None:
        if given["deploy"] and layer == "memory":
            raise CommandError("--deploy needs two processes that hear each other: not --layer memory.")
        for name, value, (least, most) in (("seconds", seconds, SECONDS), ("clients", clients, CLIENTS)):
            if not least <= value <= most:
                raise CommandError(f"--{name} is from {least} to {most}.")
        try:
            outcome = run(Options(seconds, seed, layer, control, clients, given["deploy"]), self.tell)
        except Missing as missing:
            raise CommandError(str(missing)) from None
        if given["json"]:
            self.stdout.write(json.dumps(outcome.as_json(), indent=1))
        else:
            self.stdout.write(outcome.table())
            self.stdout.write(outcome.line())
        if control and not (outcome.verdict.holds or outcome.verdict.is_of_loss):
            raise CommandError("The control proves nothing: what it violates is not only what repair would have prevented.")
        sys.exit(0 if outcome.verdict.holds else VIOLATED)

    def tell(self, sentence: str) -> None:
        """Progress, out of the way of results."""
        self.stderr.write(sentence)
        self.stderr.flush()
