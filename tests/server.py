"""Real server processes for a test: Daphne as in production, on a database of their own.

    with running_server(redis_url=redis.url, database_url=postgres.url, processes=2) as server:
        session = server.people["ann"]["session"]  # a cookie for server.urls[0]
        server.kill(1)

Nothing is shared with another test but the program: the database is a copy of a template that is migrated and filled
(tests/world.py) once per run. All processes end with the block, and with the test run however that ends.
"""

import atexit
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any
from unittest import SkipTest
from urllib.parse import urlsplit

import psycopg

from realtime.backing import Missing, PostgresServer, RedisServer, process

ROOT = Path(__file__).resolve().parent.parent
RECORD = re.compile(r"^(?=\d{4}-\d\d-\d\d )", re.MULTILINE)  # each begins with the time
TROUBLE = re.compile(r"\b(ERROR|CRITICAL)\b|^Traceback|^Unhandled", re.MULTILINE)
LEAVE_SECONDS = 10  # how long a process may take to end
RUN_SECONDS = 120  # for a command of ours, on a busy machine
SHOWN = 10_000  # characters of a log, when a test failed

_numbers = count(1)
_making_template = Lock()


class RunningServer:
    """One or more Daphne processes on one database; `i` counts from 0."""

    def __init__(self, processes: list["Daphne"], database: "Database", environment: dict[str, str], world: dict[str, Any]):
        self.processes, self.database, self.environment = processes, database, environment
        self.people: dict[str, dict[str, Any]] = world["people"]  # {"ann": {"id": 1, "session": "..."}, ...}
        self.may_log_errors: list[str] = []  # loggers of others, whose errors the test provokes
        self.rooms: dict[str, dict[str, Any]] = world["rooms"]  # {"lobby": {"id", "feed", "rev", "epoch"}, ...}

    @property
    def urls(self) -> list[str]:
        return [daphne.url for daphne in self.processes]

    @property
    def url(self) -> str:
        return self.processes[0].url

    @property
    def pids(self) -> list[int]:
        return [daphne.pid for daphne in self.processes]

    @property
    def logs(self) -> list[Path]:
        return [daphne.log for daphne in self.processes]

    def kill(self, i: int) -> None:
        """SIGKILL, and wait until it is gone."""
        self.processes[i].kill()

    def terminate(self, i: int) -> int:
        """SIGTERM, as a deploy sends it. The exit status; TimeoutExpired when it does not end in time."""
        return self.processes[i].terminate()

    def stop(self, i: int) -> None:
        """SIGSTOP: its sockets stay open, and it does nothing."""
        self.processes[i].pause()

    def cont(self, i: int) -> None:
        """SIGCONT: it goes on."""
        self.processes[i].resume()

    def restart(self, i: int) -> None:
        """Start again, on the same port, what was killed or terminated. Returns when it answers."""
        self.processes[i].start()

    def run(self, code: str) -> str:
        """Run Python in another process, as `manage.py shell -c` does, on the same database and layer. What it printed."""
        command = [sys.executable, ROOT / "manage.py", "shell", "--no-imports", "-c", code]
        return _run(command, self.environment)

    def rows(self, sql: str) -> list[tuple]:
        """What is in the database now."""
        return self.database.rows(sql)

    def check_logs(self) -> None:
        """AssertionError if a process logged an ERROR or a traceback, other than those of `may_log_errors`."""
        for daphne in self.processes:
            trouble = daphne.trouble(self.may_log_errors)
            assert not trouble, f"The log of {daphne.url} has:\n{trouble}"


@contextmanager
def running_server(
    database_url: str | None = None, redis_url: str | None = None, processes: int = 1, *, checks_logs: bool = True, **env: str
) -> Iterator[RunningServer]:
    """Start Daphne, and end it with the block.

    `database_url` names a PostgreSQL server on which a database is made; without it, it is SQLite. Without `redis_url` the
    layer is in memory. `env` goes into the environment on top, e.g. `LOG_LEVEL="DEBUG"`. When the block fails, the logs are
    printed; when a log has an ERROR or a traceback in the end, the block fails, unless the caller `checks_logs` itself.
    """
    with tempfile.TemporaryDirectory(prefix="suite-server-") as name:
        state = Path(name)
        database, world = _new_database(database_url, state)
        environment = _environment(state, database.url, redis_url) | env
        started = [Daphne(environment) for _ in range(processes)]
        server = RunningServer(started, database, environment, world)
        try:
            _together(Daphne.start, started)
            yield server
            _together(Daphne.stop, started)
            if checks_logs:
                server.check_logs()
        except BaseException:
            for daphne in started:
                sys.stderr.write(f"---- {daphne.url}\n{daphne.text[-SHOWN:]}\n")
            raise
        finally:
            for daphne in started:
                daphne.close()
            database.drop()


@cache
def private_postgres() -> PostgresServer:
    """A PostgreSQL for all tests of this run that break one. Leave it running. Without the program the test is skipped."""
    try:
        server = PostgresServer()
    except Missing as missing:
        raise SkipTest(str(missing)) from None
    atexit.register(server.close)
    server.start()
    return server


def private_redis() -> RedisServer:
    """A context manager. Each test has its own: feeds of the same name, of two databases, would hear each other on one."""
    try:
        return RedisServer()
    except Missing as missing:
        raise SkipTest(str(missing)) from None


class Worker(process.Server):
    """`manage.py runworker` in the environment of a `RunningServer`."""

    def __init__(self, environment: dict[str, str]):
        super().__init__()
        self.environment = environment

    def command(self) -> list[str | Path]:
        return [sys.executable, ROOT / "manage.py", "runworker"]

    def identity(self) -> dict[str, Any]:
        return {"env": self.environment}

    def answers(self) -> bool:
        return "Worker for channels" in self.log.read_text()


class Daphne(process.Server):
    """One server process. It may be killed, paused and started again; its port stays."""

    def __init__(self, environment: dict[str, str]):
        super().__init__()
        self.environment = environment

    @property
    def url(self) -> str:
        return f"http://{self.host}:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def command(self) -> list[str | Path]:
        return [sys.executable, "-m", "daphne", "-b", self.host, "-p", str(self.port), "config.asgi:application"]

    def identity(self) -> dict[str, Any]:
        return {"env": self.environment}

    def answers(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex((self.host, self.port)) == 0

    def terminate(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(LEAVE_SECONDS)

    def abort(self) -> None:
        """End it; with PYTHONFAULTHANDLER=1 the log says what each thread was doing."""
        self._process.send_signal(signal.SIGABRT)
        self._process.wait(LEAVE_SECONDS)

    @property
    def text(self) -> str:
        """The log."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def trouble(self, may_log_errors: Sequence[str] = ()) -> str:
        """What the log has of errors and tracebacks, without those of some loggers."""
        records = [record for record in RECORD.split(self.text) if TROUBLE.search(record)]
        return "".join(record for record in records if not any(f" {name}: " in record for name in may_log_errors))

    @property
    def memory(self) -> int:
        """Bytes of RAM in use (Linux)."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    @property
    def open_files(self) -> int:
        """Sockets, pipes and files (Linux)."""
        return len(os.listdir(f"/proc/{self.pid}/fd"))


class SqliteDatabase:
    def __init__(self, path: Path):
        self.path, self.url = path, f"sqlite:///{path}"

    def rows(self, sql: str) -> list[tuple]:
        with closing(sqlite3.connect(self.path, timeout=10)) as connection:
            return connection.execute(sql).fetchall()

    def copy(self, state: Path) -> "SqliteDatabase":
        copy = SqliteDatabase(state / "db.sqlite3")
        with closing(sqlite3.connect(self.path)) as connection:
            connection.execute("VACUUM INTO ?", [str(copy.path)])
        return copy

    def drop(self) -> None:
        """It goes with its directory."""


class PostgresDatabase:
    def __init__(self, server: str, name: str):
        self.server, self.name = server, name
        self.url = urlsplit(server)._replace(path=f"/{name}").geturl()

    @classmethod
    def new(cls, server: str, *, template: str = "template1") -> "PostgresDatabase":
        database = cls(server, f"suite_{os.getpid()}_{next(_numbers)}")
        database._admin(f'CREATE DATABASE "{database.name}" TEMPLATE "{template}"')
        # A copied sequence believes that its next numbers are logged. They are not, in the copy, and a crash would bring them
        # again; after a checkpoint it logs anew.
        with suppress(psycopg.errors.InsufficientPrivilege):  # then it is nobody's to crash, either
            database._admin("CHECKPOINT")
        return database

    def rows(self, sql: str) -> list[tuple]:
        with psycopg.connect(self.url, connect_timeout=5) as connection:
            return connection.execute(sql).fetchall()

    def copy(self, state: Path) -> "PostgresDatabase":
        return self.new(self.server, template=self.name)

    def drop(self) -> None:
        with suppress(psycopg.OperationalError):  # a private server may be gone by now
            self._admin(f'DROP DATABASE IF EXISTS "{self.name}" WITH (FORCE)')

    def _admin(self, sql: str) -> None:
        maintenance = urlsplit(self.server)._replace(path="/postgres").geturl()
        with psycopg.connect(maintenance, autocommit=True, connect_timeout=5) as connection:
            connection.execute(sql)


Database = SqliteDatabase | PostgresDatabase


def _new_database(server: str | None, state: Path) -> tuple[Database, dict[str, Any]]:
    with _making_template:  # who starts at the same time shares one
        template, world = _template(server)
    return template.copy(state), world


@cache
def _template(server: str | None) -> tuple[Database, dict[str, Any]]:
    """A migrated database with people in it. Made once per run and server, as it takes seconds."""
    directory = tempfile.TemporaryDirectory(prefix="suite-template-")
    atexit.register(directory.cleanup)
    state = Path(directory.name)
    template = PostgresDatabase.new(server) if server else SqliteDatabase(state / "template.sqlite3")
    atexit.register(template.drop)
    world = _run([sys.executable, "-m", "tests.world"], _environment(state, template.url, None))
    return template, json.loads(world)


def _environment(state: Path, database_url: str, redis_url: str | None) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if name not in {"MEDIA_ROOT", "DATABASE_THREADS"}}
    return inherited | {
        "DEBUG": "1",
        "DEBUG_TOOLBAR": "0",  # it asks the server for what happened, and complains when the page is left meanwhile
        "STATE_DIR": str(state),
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url or "",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep),
        "PYTHONUNBUFFERED": "1",
    }


def _run(command: list[Any], environment: dict[str, str]) -> str:
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=RUN_SECONDS)
    if done.returncode:
        raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def _together(function: Any, servers: list[Daphne]) -> None:
    """Starting and ending take seconds; several processes do it at the same time."""
    with ThreadPoolExecutor(len(servers)) as pool:
        list(pool.map(function, servers))
