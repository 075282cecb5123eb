"""What a worker does for this app. Each may run twice (realtime/jobs.py), and minds it not."""

from typing import Any

from notifications import services
from realtime.jobs import job


@job("notifications.digest")
def send_digest(payload: dict[str, Any]) -> None:
    services.send_digest(payload["user"])


@job("notifications.webhook")
def call_webhook(payload: dict[str, Any]) -> None:
    services.deliver(payload["user"], payload["notification"])


@job("notifications.announce")
def announce(payload: dict[str, Any]) -> None:
    services.announce_step(payload)


@job("notifications.withdraw")
def withdraw(payload: dict[str, Any]) -> None:
    services.withdraw(None, payload["key"], payload["up_to"])
