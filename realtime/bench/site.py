"""The servers that are measured: real processes, on a database of their own, gone with the benchmark."""

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from django.conf import settings

from realtime.backing import process

FILL_SECONDS = 3_600  # for a world with a million of something
DAPHNE = ["-m", "daphne", "-v", "0", "--no-server-name", "-b", "127.0.0.1", "-p"]
UVICORN = ["-m", "uvicorn", "--log-level", "warning", "--no-access-log", "--host", "127.0.0.1", "--port"]


@dataclass(frozen=True)
class Program:
    """A Django project to measure, and the module that says what its rooms are."""

    settings: str
    application: str
    rooms: str


def suite_program(module: str) -> Program:
    """The suite itself; `module` is the `bench.py` of the app whose rooms are wanted."""
    return Program(os.environ["DJANGO_SETTINGS_MODULE"], ":".join(settings.ASGI_APPLICATION.rsplit(".", 1)), module)


@dataclass(frozen=True)
class Backing:
    """What the servers stand on, equally for all."""

    server: str
    processes: int
    database: str  # the URL of a PostgreSQL; empty: SQLite
    redis: str  # its URL; empty: the layer in memory


class Site:
    """So many processes of one program on one database."""

    def __init__(self, servers: list["WebServer"], world: dict[str, Any], environment: dict[str, str]):
        self._servers = servers
        self.environment = environment  # for another process on the same database
        self.cookies: list[str] = world["cookies"]
        self.rooms: list[str] = world["rooms"]

    @property
    def urls(self) -> list[str]:
        return [f"http://{server.host}:{server.port}" for server in self._servers]

    @property
    def pids(self) -> list[int]:
        return [server.process.pid for server in self._servers if server.process]

    def manage(self, *command: str) -> None:
        """Run a command of manage.py in the site's settings, such as `collectstatic`, which pages need and sockets do not."""
        subprocess.run(
            [sys.executable, "-m", "django", *command],
            cwd=settings.BASE_DIR,
            env=self.environment,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=120,
        )

    def restart(self) -> None:
        """New processes, which owe nothing to what was measured before."""
        for server in self._servers:
            server.restart()


@contextmanager
def running_site(
    program: Program, *, server: str, processes: int, cores: set[int], database: str, redis: str, rooms: int, people: int
) -> Iterator[Site]:
    """Start them. `database` is the URL of a PostgreSQL, or empty for SQLite; `redis` empty is the layer in memory."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, _new_database(database, Path(name)) as url:
        environment = _environment(program, Path(name), url, redis)
        world = _fill(program, environment, rooms, people)
        servers = [WebServer(program, environment, server, cores) for _ in range(processes)]
        try:
            for one in servers:
                one.start()
            yield Site(servers, world, environment)
        finally:
            for one in servers:
                one.close()


class WebServer(process.Server):
    """One process of Daphne or uvicorn, on cores that the client does not use."""

    def __init__(self, program: Program, environment: dict[str, str], server: str, cores: set[int]):
        super().__init__()
        self._program, self._environment, self._server, self._cores = program, environment, server, cores

    def command(self) -> list[str | Path]:
        options = DAPHNE if self._server == "daphne" else UVICORN
        return [sys.executable, *options, str(self.port), self._program.application]

    def identity(self) -> dict[str, Any]:
        return {"env": self._environment}

    def start(self) -> None:
        ours = os.sched_getaffinity(0)
        os.sched_setaffinity(0, self._cores)  # inherited by the process and its threads
        try:
            super().start()
        finally:
            os.sched_setaffinity(0, ours)

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0


def _environment(program: Program, state: Path, database: str, redis: str) -> dict[str, str]:
    """As in production: no DEBUG. Limits are looked at and let everything pass; the client is one very fast person."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"MEDIA_ROOT", "DATABASE_THREADS"}}
    return inherited | {
        "DJANGO_SETTINGS_MODULE": program.settings,
        "DEBUG": "0",
        "SECRET_KEY": "a key for some seconds, of a site that only this machine can reach",
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "0",
        "RATE_LIMITS": "off",
        "LOG_LEVEL": "WARNING",
        "STATE_DIR": str(state),
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "REDIS_PREFIX": f"bench-{secrets.token_hex(4)}",
        "PYTHONPATH": os.pathsep.join([str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
    }


def _fill(program: Program, environment: dict[str, str], rooms: int, people: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "realtime.bench.world", program.rooms, str(rooms), str(people)]
    filled = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, timeout=FILL_SECONDS)
    if filled.returncode:
        raise RuntimeError(f"The database could not be filled:\n{filled.stderr}")
    return json.loads(filled.stdout)


@contextmanager
def _new_database(server: str, state: Path) -> Iterator[str]:
    if not server:
        yield f"sqlite:///{state / 'db.sqlite3'}"
        return
    name = f"bench_{os.getpid()}_{secrets.token_hex(3)}"
    maintenance = urlsplit(server)._replace(path="/postgres").geturl()
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"')
        try:
            yield urlsplit(server)._replace(path=f"/{name}").geturl()
        finally:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
