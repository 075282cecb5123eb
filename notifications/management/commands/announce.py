"""Tell many people something."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from notifications import services
from realtime.protocol import Refusal


class Command(BaseCommand):
    help = 'Announce something to everyone, to staff, or to a room: manage.py announce "Maintenance at 22:00" --to room:3'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("text")
        parser.add_argument("--to", default="everyone", help="everyone, staff or room:ID")
        parser.add_argument("--url", default="", help="where it leads")
        parser.add_argument(
            "--key", default="", help="run it again with the same key after an interruption: nobody hears it twice"
        )

    def handle(self, *, text: str, to: str, url: str, key: str, **_: Any) -> None:
        done = 0
        try:
            for done, total in services.announce(text, to, url=url, key=key):
                self.stdout.write(f"{done} of {total}", ending="\r" if self.stdout.isatty() else "\n")
                self.stdout.flush()
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{done} told.   ")
