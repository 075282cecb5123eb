"""The processes of the scale test: very many groups in each, and an agent that answers. One of them is

    python -m dashboard.tests.crowd REDIS_URL PREFIX NUMBER GROUPS

`members_of(number, group)` is what everybody knows about it without asking.
"""

import os
import subprocess
import sys
import time

import django
from django.conf import settings

READY_SECONDS = 180  # on a machine with other things to do


class Crowd:
    """All of them, for as long as they are needed."""

    def __init__(self, store, processes: int, groups: int):
        self.store, self.number, self.groups = store, processes, groups
        self.processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "Crowd":
        for number in range(self.number):
            process = subprocess.Popen(
                [sys.executable, "-m", __name__, settings.REDIS_URL, self.store._prefix, str(number), str(self.groups)],
                cwd=settings.BASE_DIR,
                env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            self.processes.append(process)
        for process in self.processes:
            assert process.stdout.readline() == "ready\n"
        deadline = time.monotonic() + READY_SECONDS
        while len(self.store.processes()) < self.number:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        return self

    def __exit__(self, *_) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()

    def spent(self) -> list[float]:
        """Seconds of CPU, of each so far."""
        for process in self.processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return [float(process.stdout.readline()) for process in self.processes]


def members_of(process: int, group: int) -> int:
    """How many members a group has in a process: few groups are large, most are small, and each is missing in some processes."""
    if (group + process) % 4 == 0:
        return 0
    rank = 1 + group * 7919 % 100_003  # of its size
    return 1 + (3_000 + process * 104_729 % 997) // rank


def main(url: str, prefix: str, number: int, groups: int) -> None:
    django.setup()
    from dashboard.agent import Agent
    from dashboard.classes import note_app
    from dashboard.layers import observers
    from dashboard.layers.limited import LimitedObserver
    from dashboard.store.shared import SharedStore

    class Nothing:
        """A layer that nobody uses."""

    observer = observers["crowd"] = LimitedObserver("crowd", Nothing())
    channels = [f"c{channel}" for channel in range(5_000)]
    observer.members = {
        f"crowd.room.{group}": set(channels[:members]) for group in range(groups) if (members := members_of(number, group))
    }
    for group in observer.members:
        note_app(group, "crowd")  # as joining does
    agent = Agent(SharedStore(url, prefix), {})
    agent.start()
    print("ready", flush=True)
    while sys.stdin.readline():
        print(time.process_time(), flush=True)  # what it has spent so far


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
