"""Somebody else in the demo, so that a person who looks alone sees things move."""

import asyncio
import signal
from argparse import ArgumentParser
from contextlib import suppress
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError

from config.demo_people import is_demo, make_person


class Command(BaseCommand):
    help = "Simulated visitors: ordinary clients of a running demo. Stops by itself after --seconds, or on SIGTERM."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000/")
        parser.add_argument("--seconds", type=float, help="how long; for ever if not given")

    def handle(self, *, url: str, seconds: float | None, **_: Any) -> None:
        if not is_demo() or settings.DEMO_PASSWORD:
            raise CommandError("Simulated visitors need DEBUG=1, or DEMO=1 without DEMO_PASSWORD: their passwords are public.")
        lives = [import_module(f"{app}.life") for app in settings.SUITE_APPS if find_spec(f"{app}.life")]
        for name in sorted({name for life in lives for name in life.PEOPLE}):
            make_person(name)
        failures: list[Exception] = []
        try:
            with suppress(asyncio.CancelledError, TimeoutError, KeyboardInterrupt):
                asyncio.run(live(lives, url, seconds))
        except* OSError as trouble:
            failures = list(trouble.exceptions)
        if failures:  # raised out here: inside `except*` it would become a group itself
            raise CommandError(str(failures[0]))


async def live(lives: list[ModuleType], url: str, seconds: float | None) -> None:
    """Let every app's visitors go about, in one event loop. One app's bad luck ends all: it is a demo, and it says why."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)  # type: ignore[union-attr]
    async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
        for life in lives:
            group.create_task(life.live(url))
