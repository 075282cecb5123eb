"""What a worker does for this app. Each may run twice (realtime/jobs.py), and minds it not."""

from typing import Any

from chat import services
from realtime.jobs import job


@job("chat.hook")
def forward_to_hook(payload: dict[str, Any]) -> None:
    services.forward(payload["hook"])
