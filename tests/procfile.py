"""The Procfile run for real by honcho, in production settings: what a platform does with it.

with running_procfile(web=2, worker=1) as site:
    ann = site.log_in("ann")           # by the form, as a person does
    site.urls, site.rows(sql), site.terminate()
"""

import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from realtime.backing.process import free_port
from tests.server import ROOT, PostgresDatabase
from tests.visitors import HTTP_SECONDS, Visitors

BIN = Path(sys.executable).parent
READY_SECONDS = 60
LEAVE_SECONDS = 10  # after SIGTERM, for all processes
COMMAND_SECONDS = 120


class Site(Visitors):
    def __init__(self, environment: dict[str, str], database: PostgresDatabase, state: Path, urls: list[str]):
        super().__init__(urls)
        self.environment, self.database, self.state = environment, database, state
        self.log = state / "honcho.log"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def text(self) -> str:
        return self.log.read_text(errors="replace") if self.log.exists() else ""

    def rows(self, sql: str) -> list[tuple]:
        return self.database.rows(sql)

    def manage(self, *arguments: str) -> str:
        """The output of a management command; RuntimeError if it fails."""
        return self._run(str(BIN / "python"), str(ROOT / "manage.py"), *arguments)

    def honcho(self, *arguments: str) -> str:
        return self._run(str(BIN / "honcho"), "-f", str(ROOT / "Procfile"), *arguments)

    def start(self, port: int, **processes: int) -> None:
        """`honcho start`, and return when every web process is ready."""
        numbers = ",".join(f"{name}={number}" for name, number in processes.items())
        command = [BIN / "honcho", "-f", ROOT / "Procfile", "start", "-p", str(port), "-c", numbers, *processes]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log)
        deadline = time.monotonic() + READY_SECONDS
        while not all(status(f"{url}/readyz") == 200 for url in self.urls):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"honcho start does not get ready:\n{self.text[-4000:]}")
            time.sleep(0.05)

    def terminate(self) -> float:
        """SIGTERM, as a platform sends it. Returns the seconds until all was gone; TimeoutExpired if that takes too long."""
        assert self.process
        began = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(LEAVE_SECONDS)
        return time.monotonic() - began

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{command} failed:\n{done.stdout}{done.stderr}")
        return done.stdout


@contextmanager
def production_site(postgres_url: str, redis_url: str, urls: list[str], **env: str) -> Iterator[Site]:
    """A database and a directory of its own, and the environment that a platform would set. Nothing runs yet."""
    with tempfile.TemporaryDirectory(prefix="suite-procfile-") as name:
        database = PostgresDatabase.new(postgres_url)
        try:
            yield Site(_environment(Path(name), database.url, redis_url) | env, database, Path(name), urls)
        finally:
            database.drop()


@contextmanager
def running_procfile(postgres_url: str, redis_url: str, **processes: int) -> Iterator[Site]:
    """Release, then start. All processes end with the block; if it fails, what they logged is printed."""
    port = _free_ports(processes["web"])
    urls = [f"http://127.0.0.1:{port + number}" for number in range(processes["web"])]
    settings = "tests.settings_slow_jobs"
    with production_site(postgres_url, redis_url, urls, DJANGO_SETTINGS_MODULE=settings) as site:
        site.manage("collectstatic", "--noinput")
        site.honcho("start", "release")
        try:
            site.start(port, **processes)
            yield site
        except BaseException:
            sys.stderr.write(f"---- honcho\n{site.text[-10_000:]}\n")
            raise
        finally:
            _end(site)


def status(url: str) -> int:
    """0 if nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=HTTP_SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def pids_of(site: Site, name: str) -> list[int]:
    """The processes of one kind, as honcho says."""
    return [int(pid) for pid in re.findall(rf"{name}\.\d+ started \(pid=(\d+)\)", site.text)]


def _environment(state: Path, database_url: str, redis_url: str) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name in {"HOME", "LANG", "TMPDIR"}}
    return ours | {
        "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "ALLOWED_HOSTS": "127.0.0.1",
        "SECURE_SSL_REDIRECT": "0",
        "DEMO": "1",
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "STATE_DIR": str(state),
        "LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
    }


def _free_ports(number: int) -> int:
    """The first of so many free ports in a row: honcho counts up."""
    while True:
        port = free_port()
        if all(status(f"http://127.0.0.1:{port + i}/") == 0 for i in range(1, number)):
            return port


def _end(site: Site) -> None:
    if site.process and site.process.poll() is None:
        try:
            site.terminate()
        except subprocess.TimeoutExpired:
            site.process.kill()
            site.process.wait()
