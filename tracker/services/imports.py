"""Files, read by a job: so many rows in one transaction, and how far it has come. Killed, it goes on from there."""

import hashlib
import io
import logging
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from django.db import transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext, gettext_lazy

from realtime.limits import Limit
from realtime.protocol import Refusal
from tracker.formats import READERS, Broken, Row, guess
from tracker.models import NAME_LENGTH, SOURCE_LENGTH, Run
from tracker.observations import Outcome
from tracker.services import runs
from tracker.services.ingest import ingest
from tracker.words import grouped

FILE_BYTES = 5_000_000
ROWS = 10_000  # of a file that is uploaded
TOGETHER = 200  # rows in one transaction
FAILURES = 100  # that are remembered with their reasons

logger = logging.getLogger(__name__)
imports_per_person = Limit("imports", burst=4, per_second=2 / 600)


def upload(user: Any, file: Any, *, format: str = "", source: str = "", is_dry_run: bool = False) -> Run:
    """Keep a file, and have it read by a job. Raises `Refusal`."""
    if file.size > FILE_BYTES:
        message = gettext_lazy("A file may have {limit} MB; larger ones: manage.py tracker_import.")
        raise Refusal("too_long", format_lazy(message, limit=FILE_BYTES // 1_000_000), field="file")
    content = file.read()
    run = new_import(user, file.name, content, format=format, source=source, is_dry_run=is_dry_run)
    imports_per_person.spend(user.pk)
    with transaction.atomic():
        file.seek(0)
        run.file = file
        runs.begin(run)
    return run


def new_import(user: Any, name: str, content: bytes, *, format: str, source: str, is_dry_run: bool) -> Run:
    """Not saved yet. Raises `Refusal`."""
    format = format or guess(name, content[:2_000])
    if format not in READERS:
        message = gettext_lazy("This looks neither like GeoJSON nor CAP nor CSV. Choose the format.")
        raise Refusal("bad_value", message, field="format")
    source = source.strip() or format
    if len(source) > SOURCE_LENGTH or not source.isprintable():
        too_long = format_lazy(gettext_lazy("A source has a name of at most {limit} characters."), limit=SOURCE_LENGTH)
        raise Refusal("bad_value", too_long, field="source")
    name = "".join(letter for letter in name.rpartition("/")[2] if letter.isprintable())[:NAME_LENGTH] or gettext("file")
    digest = hashlib.sha256(content).hexdigest()
    return Run(owner=user, name=name, format=format, source=source, digest=digest, is_dry_run=is_dry_run)


def read_on(run: Run, deadline: float) -> None:
    """What there is time for."""
    try:
        with run.file.open("rb") as file:
            for _ in steps(run, file.file, rows=ROWS):
                if time.monotonic() > deadline:
                    return
    except OSError as error:
        logger.warning("Import %s cannot be read: %s", run.pk, error)
        message = gettext("The worker cannot read the file. Send it again; if that fails too, tell staff.")
        runs.end(run, Run.Status.FAILED, message)


def drop_file(run: Run) -> None:
    """What was in it is stored, or is not to be."""
    if run.file:
        run.file.delete(save=False)
        Run.objects.filter(pk=run.pk).update(file="")


def steps(run: Run, file: BinaryIO, rows: int | None = None) -> Iterator[Run]:
    """Read on from where the import is, and store some rows with each step. It ends as done, failed, or cancelled."""
    counted = Counted(file)
    try:
        reading = READERS[run.format](counted)  # type: ignore[arg-type]
        skipped = sum(1 for _ in islice(reading, run.position))
        while chunk := list(islice(reading, TOGETHER)):
            if rows is not None and skipped + len(chunk) > rows:
                message = gettext("A file may have {limit} rows; larger ones: manage.py tracker_import.")
                raise Broken(message.format(limit=grouped(rows)))
            if not _store(run, chunk, skipped, counted.percent):
                return
            skipped += len(chunk)
            yield run
        if run.position:
            runs.end(run, Run.Status.DONE)
        else:
            runs.end(run, Run.Status.FAILED, gettext("There is no incident in it."))
    except Broken as broken:
        runs.end(run, Run.Status.FAILED, str(broken))
    yield run


class Counted(io.RawIOBase):
    """A file that knows how much of it has been read. What reads it may close it; the file below stays open."""

    def __init__(self, file: BinaryIO):
        self._file = file
        self._size = max(file.seek(0, io.SEEK_END), 1)
        file.seek(0)

    @property
    def percent(self) -> int:
        return min(99, 100 * self._file.tell() // self._size)

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def readinto(self, buffer: Any) -> int:
        data = self._file.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, position: int, whence: int = 0) -> int:
        return self._file.seek(position, whence)

    def tell(self) -> int:
        return self._file.tell()


@transaction.atomic
def _store(run: Run, chunk: list[Row], position: int, percent: int) -> bool:
    """These rows and the position after them, or neither. False when somebody else has done them, or cancelled."""
    now = Run.objects.select_for_update().get(pk=run.pk)
    if now.position != position or now.is_over:
        return False
    outcomes = _try(run, chunk) if run.is_dry_run else ingest(run.owner, run.source, chunk)
    run.status, run.percent, run.position = Run.Status.RUNNING, percent, position + len(chunk)
    for number, outcome in enumerate(outcomes, position + 1):
        _count(run, number, outcome)
    runs.save(run)
    return True


def _try(run: Run, chunk: list[Row]) -> list[Outcome]:
    """The same, and then undone."""
    outcomes: list[Outcome] = []

    class Undo(Exception):
        pass

    try:
        with transaction.atomic():
            outcomes = ingest(run.owner, run.source, chunk)
            raise Undo
    except Undo:
        return outcomes


def _count(run: Run, number: int, outcome: Outcome) -> None:
    field = f"{outcome.status}_count"
    setattr(run, field, getattr(run, field) + 1)
    if outcome.refusal and len(run.failures) < FAILURES:
        run.failures.append({"row": number, "message": outcome.refusal.message, "field": outcome.refusal.field})
