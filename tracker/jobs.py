"""What a worker does for this app. Each may run twice (realtime/jobs.py), and minds it not."""

from typing import Any

from realtime.jobs import job
from tracker import services


@job("tracker.alert")
def alert(payload: dict[str, Any]) -> None:
    services.settle_later(payload)


@job("tracker.area")
def settle_area(payload: dict[str, Any]) -> None:
    services.settle_area_later(payload)


@job("tracker.run")
def run(payload: dict[str, Any]) -> None:
    services.perform_run(payload["id"], payload.get("language"))
