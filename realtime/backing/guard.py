"""Ends a server with the process that wanted it, however that one ends: `python guard.py DIRECTORY`, with a pipe as stdin.

The pipe closes when its owner closes it, exits or is killed. Then the process in DIRECTORY/pid goes, with its children, and the
directory too. Linux could do it without a process (PR_SET_PDEATHSIG), but for the thread that started the server, not for its
process, and a test's threads come and go.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and, on Linux, its children: PostgreSQL has one process for each connection."""
    with suppress(OSError):
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return [pid]


def signal_family(pid: int, number: int) -> list[int]:
    members = family(pid)
    for member in members:
        with suppress(ProcessLookupError):
            os.kill(member, number)
    return members


def kill_family(pid: int) -> None:
    """Kill them all, and return when all are dead: PostgreSQL does not start while a child of the last one lives."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)  # so that no child is born while we look
    for member in signal_family(pid, signal.SIGKILL):
        while is_alive(member):
            time.sleep(0.005)


def is_alive(pid: int) -> bool:
    """Whether it runs. On Linux not one that only waits for its parent to take note of its death."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    return False


def main(directory: Path) -> None:
    sys.stdin.read()
    with suppress(FileNotFoundError):
        kill_family(int((directory / "pid").read_text()))
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
