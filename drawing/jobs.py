"""What a worker does for this app. It may run twice (realtime/jobs.py), and minds it not."""

from typing import Any

from drawing import services
from realtime.jobs import job


@job("drawing.thumbnail")
def draw_thumbnail(payload: dict[str, Any]) -> None:
    services.draw_thumbnail(payload["board"])
