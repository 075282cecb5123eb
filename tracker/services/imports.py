"""Files, read by a job: so many rows in one transaction, and how far it has come. Killed, it goes on from there."""

import hashlib
import io
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any, BinaryIO

from django.db import transaction
from django.utils import timezone

from realtime import jobs
from realtime.broadcast import broadcast
from realtime.limits import Limit
from realtime.protocol import Refusal
from tracker.formats import READERS, Broken, Row, guess
from tracker.frames import import_event
from tracker.models import NAME_LENGTH, SOURCE_LENGTH, Import, Watch
from tracker.observations import Outcome
from tracker.services.areas import watch_of
from tracker.services.ingest import ingest

FILE_BYTES = 5_000_000
ROWS = 10_000  # of a file that is uploaded
TOGETHER = 200  # rows in one transaction
FAILURES = 100  # that are remembered with their reasons
SECONDS = 20.0  # of one job; what is left is another one, long before the lease of a job is over

imports_per_person = Limit("imports", burst=4, per_second=2 / 600)


def upload(user: Any, file: Any, *, format: str = "", source: str = "", is_dry_run: bool = False) -> Import:
    """Keep a file, and have it read by a job. Raises `Refusal`."""
    if file.size > FILE_BYTES:
        raise Refusal(
            "too_long", f"A file may have {FILE_BYTES // 1_000_000} MB; larger ones: manage.py tracker_import.", field="file"
        )
    content = file.read()
    run = new_import(user, file.name, content, format=format, source=source, is_dry_run=is_dry_run)
    imports_per_person.spend(user.pk)
    with transaction.atomic():
        file.seek(0)
        run.file = file
        save(run)
        jobs.enqueue("tracker.import", {"id": run.pk})
    return run


def new_import(user: Any, name: str, content: bytes, *, format: str, source: str, is_dry_run: bool) -> Import:
    """Not saved yet. Raises `Refusal`."""
    format = format or guess(name, content[:2_000])
    if format not in READERS:
        raise Refusal("bad_value", "This looks neither like GeoJSON nor CAP nor CSV. Choose the format.", field="format")
    source = source.strip() or format
    if len(source) > SOURCE_LENGTH or not source.isprintable():
        raise Refusal("bad_value", f"A source has a name of at most {SOURCE_LENGTH} characters.", field="source")
    name = "".join(letter for letter in name.rpartition("/")[2] if letter.isprintable())[:NAME_LENGTH] or "file"
    digest = hashlib.sha256(content).hexdigest()
    return Import(owner=user, name=name, format=format, source=source, digest=digest, is_dry_run=is_dry_run)


def run_import(pk: int) -> None:
    """The job. A time's worth of the file; the rest is the next job's."""
    run = Import.objects.filter(pk=pk).first()
    if run is None or run.status in {Import.Status.DONE, Import.Status.FAILED, Import.Status.CANCELLED}:
        return
    deadline = time.monotonic() + SECONDS
    with run.file.open("rb") as file:
        for _ in steps(run, file.file, rows=ROWS):
            if time.monotonic() > deadline:
                jobs.enqueue("tracker.import", {"id": pk})
                return
    run.file.delete(save=False)
    Import.objects.filter(pk=pk).update(file="")


def steps(run: Import, file: BinaryIO, rows: int | None = None) -> Iterator[Import]:
    """Read on from where the import is, and store some rows with each step. It ends as done, failed, or cancelled."""
    counted = Counted(file)
    try:
        reading = READERS[run.format](counted)  # type: ignore[arg-type]
        skipped = sum(1 for _ in islice(reading, run.position))
        while chunk := list(islice(reading, TOGETHER)):
            if rows is not None and skipped + len(chunk) > rows:
                raise Broken(f"A file may have {rows:,} rows; larger ones: manage.py tracker_import.")
            if not _store(run, chunk, skipped, counted.percent):
                return
            skipped += len(chunk)
            yield run
        _end(run, Import.Status.DONE)
    except Broken as broken:
        _end(run, Import.Status.FAILED, str(broken))
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
def _store(run: Import, chunk: list[Row], position: int, percent: int) -> bool:
    """These rows and the position after them, or neither. False when somebody else has done them, or cancelled."""
    now = Import.objects.select_for_update().get(pk=run.pk)
    if now.position != position or now.status == Import.Status.CANCELLED:
        return False
    outcomes = _try(run, chunk) if run.is_dry_run else ingest(run.owner, run.source, chunk)
    run.status, run.percent, run.position = Import.Status.RUNNING, percent, position + len(chunk)
    for number, outcome in enumerate(outcomes, position + 1):
        _count(run, number, outcome)
    save(run)
    return True


def _try(run: Import, chunk: list[Row]) -> list[Outcome]:
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


def _count(run: Import, number: int, outcome: Outcome) -> None:
    field = f"{outcome.status}_count"
    setattr(run, field, getattr(run, field) + 1)
    if outcome.refusal and len(run.failures) < FAILURES:
        run.failures.append({"row": number, "message": outcome.refusal.message, "field": outcome.refusal.field})


@transaction.atomic
def _end(run: Import, status: str, message: str = "") -> None:
    if status == Import.Status.DONE and not run.position:
        status, message = Import.Status.FAILED, "There is no incident in it."
    run.status, run.message, run.finished_at = status, message[:300], timezone.now()
    if status == Import.Status.DONE:
        run.percent = 100
    save(run)


@transaction.atomic
def cancel_import(user: Any, pk: int) -> None:
    """What is stored stays; the rest is not read. Raises `Refusal`."""
    run = Import.objects.select_for_update().filter(pk=pk, owner=user.pk).first()
    if run is None:
        raise Refusal("not_found", "There is no such import.")
    if run.status in {Import.Status.WAITING, Import.Status.RUNNING}:
        run.status, run.finished_at = Import.Status.CANCELLED, timezone.now()
        save(run)


@transaction.atomic
def save(run: Import) -> None:
    """With the next revision of its owner's feed, who watches it in the page."""
    watch_of(run.owner)
    watch = Watch.objects.lock(pk=run.owner_id)
    run.rev = watch.advance()
    run.save()
    broadcast(watch.group, import_event(run))
