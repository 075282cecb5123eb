"""`manage.py protocol`: write the reference of the wire."""

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from realtime import reference


class Command(BaseCommand):
    help = "Write docs/protocol.md and docs/asyncapi.json from the events and commands of all apps."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="Write nothing; fail if the files are out of date.")

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        docs = Path(settings.BASE_DIR) / "docs"
        for path, text in {
            docs / "protocol.md": reference.markdown(),
            docs / "asyncapi.json": reference.asyncapi(),
        }.items():
            if check and (not path.exists() or path.read_text() != text):
                raise CommandError(f"{path.name} is out of date: run `python3 manage.py protocol`.")
            if not check:
                path.write_text(text)
                self.stdout.write(f"Wrote docs/{path.name}.")
