"""Long work, by jobs, with its progress in the feed of whose it is."""

import time
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.translation import gettext_lazy as _

from realtime import jobs
from realtime.broadcast import broadcast
from realtime.protocol import Refusal
from tracker.frames import run_event
from tracker.models import Run, Watch
from tracker.services.areas import watch_of

SECONDS = 20.0  # of one job; what is left is another one, long before the lease of a job is over


def begin(run: Run) -> None:
    """Have a worker do it. Why something was refused is noted in the language of who began it: nobody else reads that."""
    save(run)
    jobs.enqueue("tracker.run", {"id": run.pk, "language": translation.get_language()})


def perform_run(pk: int, language: str | None = None) -> None:
    """The job."""
    with translation.override(language or settings.LANGUAGE_CODE):
        _perform(pk, language)


def _perform(pk: int, language: str | None) -> None:
    from tracker.services import bulk, imports

    run = Run.objects.select_related("owner").filter(pk=pk).first()
    if run is None:
        return
    if not run.is_over:  # or it was cancelled before its turn
        work = imports.read_on if run.kind == Run.Kind.IMPORT else bulk.change_on
        work(run, time.monotonic() + SECONDS)
        run.refresh_from_db()  # another worker may be at it: one that was told to end, and is not gone yet
    if run.is_over:
        imports.drop_file(run)
    else:
        jobs.enqueue("tracker.run", {"id": pk, "language": language}, key=f"tracker.run.{pk}")


def cancel_run(user: Any, pk: int) -> None:
    """What is done stays; the rest is left. Raises `Refusal`."""
    run = Run.objects.filter(pk=pk, owner=user.pk).first()
    if run is None:
        raise Refusal("not_found", _("There is no such work."))
    end(run, Run.Status.CANCELLED)


@transaction.atomic
def end(run: Run, status: str, message: Any = "") -> None:
    """As far as it has come by now. What is over stays as it is."""
    run.refresh_from_db(from_queryset=Run.objects.select_for_update())
    if run.is_over:
        return
    run.status, run.message, run.finished_at = status, str(message)[:300], timezone.now()
    if status == Run.Status.DONE:
        run.percent = 100
    save(run)


@transaction.atomic
def save(run: Run) -> None:
    """With the next revision of its owner's feed, who watches it in the page."""
    watch_of(run.owner)
    watch = Watch.objects.lock(pk=run.owner_id)
    run.rev = watch.advance()
    run.save()
    broadcast(watch.group, run_event(run))
