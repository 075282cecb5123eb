"""The suite on this machine, in one command: tables, people, something to see, a server, and a little life."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command, get_commands

from config.demo_people import welcome

ANSWER_SECONDS = 60  # for the server to come up, on a slow machine
STOP_SECONDS = 10  # for a child process to say goodbye


class Stop(Exception):
    """Ctrl-C, or a signal that asks us to end."""


class Command(BaseCommand):
    help = "Runs the suite with demo data and prints where to look. Stop it with Ctrl-C."
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--host", default="127.0.0.1", help="0.0.0.0 lets other machines in")
        parser.add_argument("--no-life", action="store_true", help="nobody but you")

    def handle(self, *, host: str, port: int, no_life: bool, **_: Any) -> None:
        if not settings.DEBUG:
            raise CommandError(
                "The demo needs DEBUG=1: its people's passwords are public, so they must not exist on a real site."
            )
        refuse_a_taken_port(host, port)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, raise_stop)
        children: list[subprocess.Popen[bytes]] = []
        try:
            self.prepare()
            self.run(host, port, not no_life, children)
        except Stop:
            self.say("Stopping.")
        finally:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)  # once is enough
            for child in reversed(children):
                end(child)
        self.say("Stopped.")

    def prepare(self) -> None:
        """Tables, people and rows. All of it may be there already."""
        self.say("Bringing the database up to date.")
        call_command("migrate", verbosity=0)
        call_command("seed", stdout=self.stdout)

    def run(self, host: str, port: int, with_life: bool, children: list[subprocess.Popen[bytes]]) -> None:
        own_host = "127.0.0.1" if host == "0.0.0.0" else host
        url = f"http://{own_host}:{port}/"
        self.say("Starting the server.")
        server = start("manage.py", "serve", "--host", host, "--port", str(port))
        children.append(server)
        wait_until_it_answers(own_host, port, server)
        self.say(welcome(url))
        self.say("  Stop with Ctrl-C.\n")
        if with_life and "life" in get_commands():
            children.append(start("manage.py", "life", "--url", url))
        if code := server.wait():
            raise CommandError(f"The server ended by itself, with status {code}.")

    def say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def raise_stop(*_: object) -> None:
    raise Stop


def refuse_a_taken_port(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(f"Cannot listen on port {port} ({error.strerror}): try --port {port + 1}.") from None


def start(*arguments: str) -> subprocess.Popen[bytes]:
    """A Python of ours in a session of its own, so that Ctrl-C reaches only us and we end it in order."""
    environment = {"LOG_LEVEL": "WARNING", **os.environ}
    return subprocess.Popen(
        [sys.executable, *arguments], cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL, start_new_session=True, env=environment
    )


def end(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def wait_until_it_answers(host: str, port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + ANSWER_SECONDS
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise CommandError("The server did not start; what it said is above.")
        try:
            page = http.client.HTTPConnection(host, port, timeout=5)
            page.request("GET", "/")
            if (status := page.getresponse().status) != http.client.OK:
                raise CommandError(f"The server answers with {status}; what it said is above.")
            return
        except OSError:
            time.sleep(0.1)
        finally:
            page.close()
    raise CommandError(f"The server did not answer within {ANSWER_SECONDS} s.")
