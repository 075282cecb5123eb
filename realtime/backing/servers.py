"""A private Redis and a private PostgreSQL."""

import os
import pwd
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import redis

from realtime.backing.process import Server
from realtime.backing.programs import find_postgres_programs, find_redis_program


class RedisServer(Server):
    """Redis or Valkey, keeping nothing on disk: after a restart it is empty."""

    def __init__(self) -> None:
        self.program = find_redis_program()
        super().__init__()

    @property
    def url(self) -> str:
        return f"redis://{self.host}:{self.port}/0"

    def command(self) -> list[str | Path]:
        return [self.program, "--bind", self.host, "--port", str(self.port), "--save", "", "--appendonly", "no"]

    def answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, socket_timeout=1) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False


QUIT_SECONDS = 5  # for PostgreSQL to end its sessions in an immediate shutdown


class PostgresServer(Server):
    """PostgreSQL with a new cluster. Its superuser `postgres` needs no password from this machine."""

    stop_signal = signal.SIGINT  # "fast": ends the sessions; SIGTERM would wait for them

    def __init__(self, *, is_durable: bool = False) -> None:
        programs = find_postgres_programs()
        self.fsync = "on" if is_durable else "off"
        super().__init__()
        self.data = self.directory / "data"
        self.programs = programs
        if user := self.identity():
            shutil.chown(self.directory, user["user"], user["group"])
            if not _may_run(programs / "postgres", user):
                self.programs = _copy(programs, self.directory)

    @property
    def url(self) -> str:
        return f"postgres://postgres@{self.host}:{self.port}/postgres"

    def identity(self) -> dict[str, Any]:
        """PostgreSQL refuses to run as root, so root runs it as somebody else."""
        if os.getuid() != 0:
            return {}
        for name in ("postgres", "nobody"):
            with suppress(KeyError):
                user = pwd.getpwnam(name)
                return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        raise RuntimeError("PostgreSQL does not run as root, and there is no user `postgres` or `nobody`")

    def start(self) -> None:
        if not self.data.exists():
            options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync"]
            initdb: list[str | Path] = [self.programs / "initdb", "-D", self.data, *options]
            made = subprocess.run(initdb, capture_output=True, text=True, cwd=self.directory, **self.identity())
            if made.returncode:
                raise RuntimeError(f"initdb failed:\n{made.stdout}{made.stderr}")
        super().start()

    def kill(self) -> None:
        """As a crash: nothing is written any more. SIGQUIT first, so that no session outlives the server and commits."""
        if self.is_running:
            self._process.send_signal(signal.SIGQUIT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(QUIT_SECONDS)
        super().kill()

    def command(self) -> list[str | Path]:
        options = {"listen_addresses": self.host, "unix_socket_directories": "", "fsync": self.fsync, "max_connections": "200"}
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return [self.programs / "postgres", "-D", self.data, "-p", str(self.port), *settings]

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True


def _may_run(program: Path, user: dict[str, Any]) -> bool:
    return subprocess.run(["test", "-x", program], **user).returncode == 0


def _copy(programs: Path, directory: Path) -> Path:
    """A copy of a wheel's PostgreSQL that lies where only root may go. It finds its libraries by relative path."""
    version = programs.parent
    package = version.parent
    shutil.copytree(version, directory / package.name / version.name, symlinks=True)
    for libraries in package.parent.glob(f"{package.name}.libs"):
        shutil.copytree(libraries, directory / libraries.name)
    return directory / package.name / version.name / "bin"
