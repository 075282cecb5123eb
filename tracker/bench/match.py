"""How long it takes to find the areas of one incident, on the database of a site, in a process of its own."""

import json
import random
import subprocess
import sys
import time

from django.conf import settings

from realtime.bench.modes import Metrics
from realtime.bench.site import Site
from realtime.models import Job
from tracker.models import Alert, Incident
from tracker.services.matching import areas_around

TIMEOUT_SECONDS = 600


def measure(site: Site, seconds: float) -> Metrics:
    return json.loads(run(site, f"from tracker.bench.match import match; match({seconds})"))


def count_alerts(site: Site) -> int:
    """Told, or waiting for a worker."""
    return int(run(site, "from tracker.bench.match import alerts; alerts()"))


def alerts() -> None:
    """In that process."""
    waiting = Job.objects.filter(name="tracker.alert").values_list("payload", flat=True)
    json.dump(Alert.objects.count() + sum(len(payload["pairs"]) for payload in waiting), sys.stdout)


def run(site: Site, code: str) -> str:
    """What it prints, as `manage.py shell -c` on the site's database."""
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(
        command, env=site.environment, cwd=settings.BASE_DIR, capture_output=True, text=True, timeout=TIMEOUT_SECONDS
    )
    if done.returncode:
        raise RuntimeError(f"{code} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def match(seconds: float) -> None:
    """In that process: one incident after the other, as each report does it. Prints the metrics as JSON."""
    incidents = list(Incident.objects.order_by("pk")[:2_000])
    random.Random(1).shuffle(incidents)
    for incident in incidents[:50]:  # what is read first is cold
        areas_around([incident])
    times: list[float] = []
    found, until = 0, time.perf_counter() + seconds
    while (since := time.perf_counter()) < until:
        incident = incidents[len(times) % len(incidents)]
        found += len(areas_around([incident])[incident.pk])
        times.append(time.perf_counter() - since)
    times.sort()
    metrics = {
        "match_p50_ms": 1_000 * times[len(times) // 2],
        "match_p95_ms": 1_000 * times[int(len(times) * 0.95)],
        "areas_found": found / len(times),
    }
    json.dump(metrics, sys.stdout)
