"""One web process, as a real site runs it. `manage.py runserver` is for writing code."""

import os
from argparse import ArgumentParser
from typing import Any

from daphne.cli import CommandLineInterface
from django.core.management import BaseCommand
from django.db import Error as DatabaseError
from django.db import connections

FRAME_BYTES = "65536"

# Sockets are pinged often enough for any proxy (Heroku cuts what is silent for 55 s); a frame may be as big as the protocol
# says. Quiet: requests are logged by the proxy.
OPTIONS = [
    *("-v", "0", "--no-server-name"),
    *("--ping-interval", "15", "--ping-timeout", "20", "--application-close-timeout", "5"),
    *("--websocket-max-message-size", FRAME_BYTES, "--websocket-max-frame-size", FRAME_BYTES),
]


class Command(BaseCommand):
    help = "Serves pages and sockets with Daphne. One process takes one core: start more on other ports. SIGTERM drains it."
    requires_system_checks: list[str] = []  # see `check_all`

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000), help="$PORT, or 8000")

    def handle(self, *, host: str, port: int, **_: Any) -> None:
        self.check_all()
        # In this process, so that nothing stands between the platform's SIGTERM and the server.
        CommandLineInterface().run([*OPTIONS, "-b", host, "-p", str(port), "config.asgi:application"])

    def check_all(self) -> None:
        """Those of the database too. One that is away is no reason not to start: pages say so until it is back."""
        try:
            self.check(databases=["default"])
        except DatabaseError as error:
            self.stderr.write(f"The database does not answer, so its checks are left out ({error}).")
            self.check()
        finally:
            connections.close_all()  # or this thread, which never needs it again, would keep one of the pool
