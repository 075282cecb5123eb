"""The background jobs of `realtime`, if this project has it: what waits, runs and was given up, by kind.

Read from its table, since whoever asked for a job, and whoever was to do it, may be gone. Nothing of `realtime` is imported.
"""

import time
from datetime import timedelta
from typing import Any

from django.apps import apps
from django.db import DatabaseError
from django.db.models import Count, Min, Q
from django.urls import NoReverseMatch, reverse
from django.utils import timezone

LAYER = CHANNEL = "jobs"  # on which workers are woken
FRESH_SECONDS = 5.0  # how old what was read may be, whoever looks
# What is due later than that is no trouble of today: letters of next week. It is longer than what failed is left alone for.
SOON = timedelta(minutes=15)

_read: tuple[float, dict[str, Any] | None] = (0.0, None)


def jobs() -> dict[str, Any] | None:
    """`{"kinds": [{"name", "waiting", "oldest", "running", "again", "dead"}], "url": where they are tried again}`, in seconds.

    None where there are none of these jobs, or where the database cannot say.
    """
    global _read
    at, found = _read
    if not at or time.monotonic() - at > FRESH_SECONDS:
        found = _look()
        _read = (time.monotonic(), found)
    return found


def forget() -> None:
    """What was read is not so any more."""
    global _read
    _read = (0.0, None)


def workers(rows: list[dict[str, Any]]) -> int | None:
    """How many processes wait for jobs; None where the server does them itself."""
    layers = [row["layers"][LAYER] for row in rows if LAYER in row["layers"]]
    if not layers:
        return None
    return sum(layer["named"].get(CHANNEL, {}).get("waiting", 0) > 0 for layer in layers)


def _look() -> dict[str, Any] | None:
    try:
        rows = list(by_kind(apps.get_model("realtime", "Job")))
    except (LookupError, DatabaseError):
        return None
    now = timezone.now()
    for row in rows:
        row["oldest"] = (now - row["oldest"]).total_seconds() if row["oldest"] else None
    try:
        url = reverse("notifications:job_list")
    except NoReverseMatch:
        url = ""
    return {"kinds": sorted(rows, key=lambda row: (-row["waiting"], -row["dead"], row["name"])), "url": url}


def by_kind(model: Any) -> Any:
    """One query, along the index of what workers look for. A worker that has a job moves its time on, so it is not due."""
    now = timezone.now()
    alive, is_due = Q(dead_at=None), Q(run_after__lte=now)
    begun = alive & ~is_due & Q(attempts__gt=0)
    found = model.objects.filter(Q(dead_at=None, run_after__lte=now + SOON) | Q(dead_at__lte=now + SOON)).order_by()
    return found.values("name").annotate(
        waiting=Count("pk", filter=alive & is_due),
        oldest=Min("run_after", filter=alive & is_due),
        running=Count("pk", filter=begun & Q(last_error="")),
        again=Count("pk", filter=begun & ~Q(last_error="")),  # waits for another attempt, or is at it
        dead=Count("pk", filter=~alive),
    )
