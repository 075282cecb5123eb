"""One process of the scale test: very many groups, and an agent that answers.

    python -m dashboard.tests.crowd REDIS_URL PREFIX NUMBER GROUPS

`members_of(number, group)` is what everybody knows about it without asking.
"""

import sys

import django


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
    sys.stdin.readline()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
