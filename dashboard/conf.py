"""What a deployer may set: one dict, `DASHBOARD`, in the project's settings. Everything has a default that is safe."""

from typing import Any

from django.conf import settings

DEFAULTS: dict[str, Any] = {
    "WATCH": True,  # False takes every hook out: the pages are there, and nothing is counted in this process
    "AGENT": True,  # a thread in each process reports once a second; without it the pages have nothing to show
    "REDIS": None,  # where reports go; None: the Redis of the first channel layer that has one, else this process
    "PREFIX": None,  # of our keys there; None: made from the layer's prefix
    "BASE_TEMPLATE": "dashboard/standalone.html",  # what the pages extend; its blocks: title, head, content
    "HOME_URL": "/",
    "GROUP_CLASSES": [],  # [(regular expression, class)], before the built-in rule (chat.room.42 is a chat.room.*)
    "STAMP": True,  # put the time of sending into messages, for the latency; taken out before a consumer sees them
    "METRICS_TOKEN": "",  # who shows it as a bearer token may read /metrics without being logged in
    "TAP_VALUES": True,  # may people with the permission `peek` see values at all
    "REDACT": None,  # dotted path of redact(name, value) -> value, for the tap
    "VERSION": "",  # of the deployed code; a new one leaves a mark in the charts
    "CANARY": True,  # each process sends itself a message over each layer every ten seconds; never where the agent rests
    "ALERTS": {},  # thresholds, see alerts.py
}


def option(name: str) -> Any:
    """The value of one option. KeyError for a name that is not one."""
    return getattr(settings, "DASHBOARD", {}).get(name, DEFAULTS[name])
