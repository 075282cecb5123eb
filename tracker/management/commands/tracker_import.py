"""Read a file of any size into incidents: GeoJSON, USGS earthquakes, CAP 1.2 alerts, CSV.

Stopped at any moment it goes on where it was when it is called again; what is known already is not there twice.
"""

import hashlib
import sys
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, BinaryIO

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError

from realtime.protocol import Refusal
from tracker.formats import READERS
from tracker.models import Run
from tracker.services import imports, runs

BAR = 30  # characters
SAMPLES = Path(__file__).resolve().parents[2] / "samples"


class Command(BaseCommand):
    help = "Import incidents from a file. Files that show each format: tracker/samples/."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", help="a path, or the name of a bundled sample")
        parser.add_argument("--format", choices=READERS, default="", help="found out if not given")
        parser.add_argument("--source", default="", help="who says so; the name of the format if not given")
        parser.add_argument("--user", default="", help="in whose name; the first superuser if not given")
        parser.add_argument("--dry-run", action="store_true", help="store nothing")
        parser.add_argument("--again", action="store_true", help="from the beginning, although part of it was read")

    def handle(self, *, file: str, format: str, source: str, user: str, dry_run: bool, again: bool, **_: Any) -> None:
        path = find(file)
        owner = find_user(user)
        with path.open("rb") as stream:
            run = self.begin(stream, path.name, owner, format, source, dry_run, again)
            for _step in imports.steps(run, stream):
                self.show(run)
        self.finish(run)

    def begin(self, stream: BinaryIO, name: str, owner: User, format: str, source: str, is_dry_run: bool, again: bool) -> Run:
        """The import that this file has begun, or a new one."""
        beginning = stream.read(2_000)
        stream.seek(0)
        try:
            run = imports.new_import(owner, name, beginning, format=format, source=source, is_dry_run=is_dry_run)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        run.digest = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        begun = Run.objects.filter(owner=owner, digest=run.digest, source=run.source, is_dry_run=False, status="running")
        if not again and not is_dry_run and (earlier := begun.order_by("-pk").first()):
            self.stdout.write(f"Going on after row {earlier.position:,}.")
            return earlier
        runs.save(run)
        return run

    def show(self, run: Run) -> None:
        if sys.stderr.isatty():
            done = BAR * run.percent // 100
            bar = f"{'█' * done}{'·' * (BAR - done)}"
            self.stderr.write(f"\r{bar} {run.percent:3} %  {run.position:,} rows ", ending="")
            self.stderr.flush()

    def finish(self, run: Run) -> None:
        if sys.stderr.isatty():
            self.stderr.write("")
        for failure in run.failures:
            self.stderr.write(f"Row {failure['row']}: {failure['message']}")
        if run.failed_count > len(run.failures):
            self.stderr.write(f"… and {run.failed_count - len(run.failures):,} more.")
        counts = (
            f"{run.created_count:,} new, {run.changed_count:,} changed, {run.same_count:,} known, {run.failed_count:,} refused"
        )
        self.stdout.write(f"{'Only tried: ' if run.is_dry_run else ''}{run.position:,} rows: {counts}.")
        if run.status == Run.Status.FAILED:
            raise CommandError(run.message)


def find(name: str) -> Path:
    for path in (Path(name), SAMPLES / name):
        if path.exists() and not path.is_dir():
            return path
    samples = ", ".join(sorted(path.name for path in SAMPLES.iterdir()))
    raise CommandError(f"There is no file {name}. Bundled samples: {samples}.")


def find_user(name: str) -> User:
    found = User.objects.filter(username=name) if name else User.objects.filter(is_superuser=True, is_active=True)
    user = found.order_by("pk").first()
    if user is None:
        raise CommandError(f"There is nobody called {name}." if name else "Say in whose name: --user NAME.")
    return user
