"""A server process to break: start, stop, kill, pause, resume, restart."""

import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from realtime.backing import guard

START_SECONDS = 30
STOP_SECONDS = 10


class Server:
    """What a private Redis and a private PostgreSQL have in common. The port stays the same through every restart."""

    stop_signal = signal.SIGTERM
    host = "127.0.0.1"

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="backing-"))
        self.log = self.directory / "log"
        self.pid_file = self.directory / "pid"  # for the guard
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._guard = subprocess.Popen(
            [sys.executable, "-S", "-E", guard.__file__, self.directory], stdin=subprocess.PIPE, start_new_session=True
        )

    @property
    def url(self) -> str:
        raise NotImplementedError

    def command(self) -> list[str | Path]:
        raise NotImplementedError

    def identity(self) -> dict[str, Any]:
        """Arguments for Popen that say which user to run as; none: the user we are."""
        return {}

    def answers(self) -> bool:
        raise NotImplementedError

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start, and return when it answers. RuntimeError with its log when it does not."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.directory,
                start_new_session=True,  # Ctrl-C in the terminal is not for it
                **self.identity(),
            )
        self.pid_file.write_text(str(self.process.pid))
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.command()[0]} does not start:\n{self.log.read_text()[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """Ask it to end, as an operator does. Its data stays for the next start()."""
        if self.is_running:
            self.resume()
            self._process.send_signal(self.stop_signal)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self.pid_file.unlink(missing_ok=True)  # the number may be somebody else's soon, and the guard would kill them

    def kill(self) -> None:
        """End it without warning, as a crash does."""
        if self.is_running:
            guard.kill_family(self._process.pid)
            self._process.wait()
        self.pid_file.unlink(missing_ok=True)

    def pause(self) -> None:
        """Freeze it: connections stay open and nothing answers, as when its machine hangs."""
        guard.signal_family(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        guard.signal_family(self._process.pid, signal.SIGCONT)

    def restart(self, *, immediate: bool = False) -> None:
        """Stop (immediate: kill) and start again."""
        if immediate:
            self.kill()
        else:
            self.stop()
        self.start()

    def close(self) -> None:
        """End it and remove its directory."""
        self.kill()
        assert self._guard.stdin
        self._guard.stdin.close()
        self._guard.wait()

    @property
    def is_running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    @property
    def _process(self) -> subprocess.Popen[bytes]:
        assert self.process, "start() first"
        return self.process


def free_port() -> int:
    """A port nobody listens on, and below those the system gives to clients: a client that keeps trying a port while the
    server is down can otherwise be given that very port, and then talks to itself and keeps the server out."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
