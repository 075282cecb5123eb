"""What the operating system says: the CPU and memory of a process, and which cores there are (Linux)."""

import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

TICKS = os.sysconf("SC_CLK_TCK")  # per second, the unit of /proc/<pid>/stat


class Usage(msgspec.Struct, frozen=True):
    """Of some processes together, all their threads included."""

    cpu: float  # seconds, user and system
    memory: int  # bytes resident

    def since(self, earlier: "Usage") -> "Usage":
        return Usage(self.cpu - earlier.cpu, self.memory - earlier.memory)


def usage_of(pids: Iterable[int]) -> Usage:
    cpu, memory = 0, 0
    for pid in pids:
        # The name of the program, in brackets, may hold spaces; fields 14 and 15 of the line are user and system ticks.
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        cpu += int(fields[11]) + int(fields[12])
        memory += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return Usage(cpu / TICKS, memory)


def cores() -> tuple[set[int], int | None]:
    """The cores of the servers and that of the client, which is not among them; None where there is but one core."""
    usable = sorted(os.sched_getaffinity(0))
    return (set(usable[:-1]), usable[-1]) if len(usable) > 1 else (set(usable), None)
