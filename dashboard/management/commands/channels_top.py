"""What `htop` is to a machine: the channel layer in a terminal, from the same numbers as the pages."""

import sys
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.core.management.base import no_translations

from dashboard.queries.groups import hottest
from dashboard.queries.overview import overview
from dashboard.store import Unreachable, store
from dashboard.templatetags.dashboard import duration, short

CLEAR = "\x1b[H\x1b[2J"
GROUPS = 15


class Command(BaseCommand):
    help = "Shows processes, rates and the hottest groups, once a second. Ctrl-C ends it."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="print once, and end")

    @no_translations
    def handle(self, *, once: bool, **_: Any) -> None:
        if not store().is_shared:
            raise CommandError("The numbers live in the server's own process: without Redis only its pages can show them.")
        try:
            while True:
                text = "\n".join(screen())
                self.stdout.write(text if once or not sys.stdout.isatty() else CLEAR + text)
                self.stdout.flush()
                if once:
                    return
                time.sleep(1)
        except Unreachable as error:
            raise CommandError(f"The store does not answer: {error}") from None
        except KeyboardInterrupt:
            return


def screen() -> Iterator[str]:
    where = store()
    rows, number = hottest(where)
    facts = overview(where, number)
    yield facts["sentence"]["text"]
    yield ""
    yield "  ".join(f"{tile['label']} {short(tile['value'])}{tile.get('unit', '')}" for tile in facts["tiles"])
    yield ""
    yield f"{'process':<24}{'host':<16}{'state':<9}{'beat':>8}{'sockets':>9}{'groups':>8}{'lag ms':>8}"
    for row in facts["processes"]:
        numbers = f"{duration(row['age']):>8}{row['connections']:>9}{row['groups']:>8}{row['lag']:>8.1f}"
        yield f"{row['name'][:23]:<24}{row['host'][:15]:<16}{row['state']:<9}{numbers}"
    yield ""
    yield f"{'group':<44}{'members':>9}{'sent/s':>9}{'deliv/s':>10}"
    for row in rows[:GROUPS]:
        yield f"{row['name'][:43]:<44}{row['members']:>9}{short(row['sends']):>9}{short(row['deliveries']):>10}"
