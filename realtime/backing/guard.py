"""Ends a server with the process that wanted it, however that one ends: `python guard.py DIRECTORY`, with a pipe as stdin.

The pipe closes when its owner closes it, exits or is killed. Then the process in DIRECTORY/pid goes, with its children, and the
directory too. Linux could do it without a process (PR_SET_PDEATHSIG), but for the thread that started the server, not for its
process, and a test's threads come and go.
"""

import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path


def family(pid: int) -> list[int]:
    """The process and, on Linux, its children: PostgreSQL has one process for each connection."""
    with suppress(OSError):
        return [pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]
    return [pid]


def signal_family(pid: int, number: int) -> None:
    for member in family(pid):
        with suppress(ProcessLookupError):
            os.kill(member, number)


def main(directory: Path) -> None:
    sys.stdin.read()
    with suppress(FileNotFoundError):
        signal_family(int((directory / "pid").read_text()), signal.SIGKILL)
    shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
