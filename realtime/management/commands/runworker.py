"""Channels' `runworker`, with the suite's jobs: it also polls, survives a layer that goes away, and ends in order."""

import asyncio
import atexit
import logging
import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from channels.layers import get_channel_layer
from channels.management.commands.runworker import Command as ChannelsCommand
from channels.routing import get_default_application
from channels.worker import Worker
from django.conf import settings

from realtime import jobs
from realtime.registry import channels

logger = logging.getLogger(__name__)

PAUSE_SECONDS = 1.0  # before listening again to a layer that failed
ALIVE_SECONDS = 5.0  # between two signs of life


class JobsWorker(Worker):
    """Listens on channels as any worker, and does jobs whether or not anything is said there."""

    alive: Path | None = None

    def run(self) -> None:
        asyncio.run(self.work())

    async def work(self) -> None:
        told_to_end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, told_to_end.set)
        runner = jobs.Runner.here()
        tasks = [asyncio.create_task(self.listen(channel)) for channel in self.channels]
        tasks.append(asyncio.create_task(self.application_checker()))
        if self.alive:
            tasks.append(asyncio.create_task(self.show_that_it_lives(self.alive)))
        await told_to_end.wait()
        for task in tasks:
            task.cancel()
        await runner.stop()
        logger.info("The worker has ended.")

    async def show_that_it_lives(self, path: Path) -> None:
        while True:
            await asyncio.to_thread(path.touch)
            await asyncio.sleep(ALIVE_SECONDS)

    async def listen(self, channel: str) -> None:
        """Channels' own listener ends at the first trouble, and the worker with it."""
        while True:
            try:
                await self.listener(channel)
            except Exception as error:  # each layer raises its own; polling goes on meanwhile
                logger.warning("Channel %s: %s: %s; listening again.", channel, type(error).__name__, error)
                await asyncio.sleep(PAUSE_SECONDS)


class Command(ChannelsCommand):
    help = "Does background jobs. Start as many as you like; SIGTERM lets it finish what it is at."
    worker_class = JobsWorker

    def add_arguments(self, parser: ArgumentParser) -> None:
        layer = jobs.LAYER if jobs.LAYER in settings.CHANNEL_LAYERS else "default"
        parser.add_argument("--layer", default=layer, help="Alias in CHANNEL_LAYERS.")
        parser.add_argument("--once", action="store_true", help="Do what is due now, then end.")
        parser.add_argument("--alive", type=Path, metavar="FILE", help="Touched every few seconds, for a health check.")
        parser.add_argument("channels", nargs="*", default=[jobs.CHANNEL, *channels()], help="Channels to listen on.")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["once"]:
            self.stdout.write(f"{jobs.run_due()} done.")
            return
        logger.info("Worker for channels %s", ", ".join(options["channels"]))
        layer = get_channel_layer(options["layer"])
        worker = JobsWorker(get_default_application(), options["channels"], layer)
        worker.alive = options["alive"]
        worker.run()
        # A job that was given back may still run in its thread, which Python would wait for, and the platform would not.
        atexit._run_exitfuncs()  # but what is to be done at the end of a process is done
        os._exit(0)
