import time
from pathlib import Path
from typing import Any

from django.apps import AppConfig

LONGEST_SECONDS = 60


class SlowJobsConfig(AppConfig):
    name = "tests.slow_jobs"

    def ready(self) -> None:
        from realtime.jobs import job

        job("tests.slow")(wait_for_gate)


def wait_for_gate(payload: dict[str, Any]) -> None:
    """Write a line "begun" to `payload["log"]`, wait until the file `payload["gate"]` exists, write "done"."""
    log, gate = Path(payload["log"]), Path(payload["gate"])
    _write(log, "begun")
    deadline = time.monotonic() + LONGEST_SECONDS
    while not gate.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    _write(log, "done")


def _write(log: Path, word: str) -> None:
    with log.open("a") as file:
        file.write(f"{word}\n")
