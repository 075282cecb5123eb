"""This process: who it is, and how it fares."""

import asyncio
import os
import platform
import socket
import sys
import time
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from uuid import uuid4
from weakref import WeakKeyDictionary

import django

from dashboard.conf import option

TICK_SECONDS = 0.25  # how often an event loop shows that it runs
PACKAGES = ["channels", "channels-redis", "daphne", "uvicorn", "redis"]
_BLOCK = 4096

boot_id = uuid4().hex[:12]
started_at = time.time()


class Pulse:
    """How late an event loop runs what is due."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._due = loop.time() + TICK_SECONDS
        self._worst = 0.0
        loop.call_at(self._due, self._tick)

    def _tick(self) -> None:
        now = self._loop.time()
        self._worst = max(self._worst, now - self._due)
        self._due = now + TICK_SECONDS
        self._loop.call_at(self._due, self._tick)

    def take(self) -> float:
        """Seconds of lag: the worst since it was last taken, or how long the loop has been silent now."""
        worst, self._worst = self._worst, 0.0
        return max(worst, self._loop.time() - self._due, 0.0)


_pulses: "WeakKeyDictionary[asyncio.AbstractEventLoop, Pulse]" = WeakKeyDictionary()


def watch_loop() -> None:
    """Feel the pulse of the running event loop from now on."""
    loop = asyncio.get_running_loop()
    if loop not in _pulses:
        _pulses[loop] = Pulse(loop)


def is_watched(loop: asyncio.AbstractEventLoop) -> bool:
    return loop in _pulses


def lag() -> float:
    """Seconds by which the slowest event loop of this process was late since the last call."""
    return max((pulse.take() for loop, pulse in list(_pulses.items()) if loop.is_running()), default=0.0)


def renew() -> None:
    """A fork is another process."""
    global boot_id, started_at
    boot_id, started_at = uuid4().hex[:12], time.time()
    _pulses.clear()
    identity.cache_clear()


@cache
def identity() -> dict[str, Any]:
    return {
        "boot": boot_id,
        "host": socket.gethostname(),
        "machine": _machine(),
        "pid": os.getpid(),
        "born": birth_of(os.getpid()),
        "role": _role(),
        "started": started_at,
        "version": option("VERSION") or _git_revision(),
        "versions": {"python": platform.python_version(), "django": django.get_version()} | _packages(),
    }


def vitals() -> dict[str, Any]:
    """What changes: CPU seconds spent so far, resident bytes, open files."""
    spent = os.times()
    return {"cpu": round(spent.user + spent.system, 3), "rss": _resident(), "files": _open_files()}


def birth_of(pid: int) -> str:
    """When a process of this machine began, in ticks; "" if it is gone. A pid alone is soon given to another."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if fields[0] in "ZX" else fields[19]


def _machine() -> str:
    """Where a pid means the same process: this boot of this kernel, and the namespace of pids. Host names may be alike."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip() + os.readlink("/proc/self/ns/pid")
    except OSError:
        return socket.gethostname()


def _role() -> str:
    """What it was started as: daphne, uvicorn, runserver, runworker, ..."""
    program = Path(sys.argv[0] or "python").name
    if program == "__main__.py":
        program = Path(sys.argv[0]).parent.name
    if program in {"manage.py", "django-admin", "django"} and len(sys.argv) > 1:
        return sys.argv[1]
    return {"-": "python", "-c": "python", "": "python"}.get(program, program)


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _git_revision() -> str:
    """The commit that is checked out where the process was started, without calling git."""
    try:
        git = Path(".git")
        if git.is_file():
            git = Path(git.read_text().removeprefix("gitdir:").strip())
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head[:10]
        common = git / "commondir"
        places = [git, (git / common.read_text().strip()) if common.exists() else git]
        return next(path.read_text()[:10] for place in places if (path := place / head[5:]).exists())
    except (OSError, StopIteration):
        return ""


def _resident() -> int:
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * _BLOCK
    except OSError:
        return 0


def _open_files() -> int:
    try:
        return len(os.listdir("/proc/self/fd"))
    except OSError:
        return 0
