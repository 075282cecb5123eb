"""How much machine so many people need: a model of costs, for `manage.py capacity` and docs/scaling.md.

Constants were measured on one core of an AMD EPYC with Python 3.11, unless they say otherwise (docs/performance.md and
docs/scaling.md tell how), so results are for such cores and for plans, not for promises. The arithmetic is in `plan_cell`.
"""

from dataclasses import dataclass, replace
from math import ceil

# CPU of a web process, microseconds
DELIVERY_US = 5.0  # to write one frame to one socket
MESSAGE_US = 1_000.0  # to accept one message: check, store with others, render, publish
HEAR_US = 150.0  # to take one message from the layer, in each process that has somebody in the room
CONNECT_US = 2_240.0  # to open one socket, with session and rights
HEARTBEAT_US = 125.0  # for one socket's ping and pong, ours and the protocol's
HEARTBEAT_SECONDS = 15.0
# Memory
PROCESS_MIB = 80.0  # of a web process without sockets
SOCKET_KIB = 23.2
# What they stand on
POSTGRES_US = 500.0  # CPU for one message
PUBLISH_US = 12.5  # CPU of Redis to take one message of the layer
FORWARD_US = 8.0  # and to pass it on to one process
FRAME_BYTES = 1_100  # one chat message on the layer
ROOM_PER_SECOND = 1_782  # messages that one room can take: they are written one batch after another, under its lock

USE = 0.5  # of each core, so that a busy minute and the loss of a machine are no event
SPARE = 2  # web processes at least, so that one may go
JOBS_PER_WORKER = 20.0  # per second, not measured: four at a time that wait 0.2 s each for somebody else's server


@dataclass(frozen=True)
class Load:
    """What people do."""

    sockets: int
    rooms: int
    per_minute: float = 1.0  # messages that one person writes
    follows: float = 1.0  # rooms that one socket has open
    back_within: float = 60.0  # seconds in which all must be able to come back after all were lost
    jobs: float = 0.01  # background jobs for each message (e-mails, webhooks)

    @property
    def members(self) -> float:
        """Sockets in one room."""
        return self.sockets * self.follows / self.rooms

    @property
    def messages(self) -> float:
        """Per second."""
        return self.sockets * self.per_minute / 60

    @property
    def deliveries(self) -> float:
        """Per second."""
        return self.messages * self.members

    def share(self, cells: int) -> "Load":
        """What one of so many cells bears: its own rooms, with the people in them."""
        return replace(self, sockets=ceil(self.sockets / cells), rooms=ceil(self.rooms / cells))


@dataclass(frozen=True)
class Limits:
    """What one cell (one Redis deployment, one PostgreSQL primary and the web processes on them) can grow to."""

    processes: int = 400  # connections to PostgreSQL, through a pooler, and to each shard
    shards: int = 16  # Redis servers that groups are spread over
    postgres_cores: int = 32


@dataclass(frozen=True)
class Cell:
    """What one cell needs."""

    processes: int
    hearers: float  # processes that one message reaches
    web_cores_busy: float
    memory_gib: float
    workers: int
    shards: int
    redis_megabits: float  # per second, out
    postgres_cores: int
    storm_seconds: float  # until all sockets are back


@dataclass(frozen=True)
class Plan:
    load: Load
    cells: int
    cell: Cell
    limit: str  # what made one cell too small, or is nearest to doing so


class TooMuch(Exception):
    """No number of cells helps; the message says what must change."""


def plan(load: Load, limits: Limits | None = None) -> Plan:
    """The fewest cells that bear the load. Raises `TooMuch`."""
    limits = limits or Limits()
    per_room = load.messages / load.rooms
    if per_room > ROOM_PER_SECOND:
        raise TooMuch(
            f"{per_room:,.0f} messages a second in one room, and its lock lets {ROOM_PER_SECOND:,} through: split the room."
        )
    cells, limit = 1, ""
    while True:
        cell = plan_cell(load.share(cells))
        exceeded = _exceeded(cell, limits)
        if not exceeded:
            return Plan(load, cells, cell, limit or _nearest(cell, limits))
        limit = exceeded
        if cells >= load.rooms:
            raise TooMuch(f"One room alone is too much for a cell ({limit}): relay it between cells, or split it.")
        cells = min(load.rooms, cells + max(1, cells // 20))


def plan_cell(load: Load) -> Cell:
    """What the load needs in one cell.

    Whoever adds a process adds one that hears, too. Where each message reaches every process, all of them are busy hearing
    at `USE / HEAR_US` = 3,333 messages a second, however many they are: near that, their number grows without sense.
    """
    fixed = (
        load.messages * MESSAGE_US + load.deliveries * DELIVERY_US + load.sockets * HEARTBEAT_US / HEARTBEAT_SECONDS
    ) / 1e6  # cores
    processes = max(SPARE, ceil(load.sockets * CONNECT_US / 1e6 / load.back_within))
    while True:
        hearers = hearers_of(load.members, processes)
        busy = fixed + load.messages * hearers * HEAR_US / 1e6
        if busy <= processes * USE:
            break
        processes = max(processes + 1, ceil(busy / USE))
    redis_busy = load.messages * (PUBLISH_US + hearers * FORWARD_US) / 1e6
    return Cell(
        processes=processes,
        hearers=hearers,
        web_cores_busy=busy,
        memory_gib=(processes * PROCESS_MIB + load.sockets * SOCKET_KIB / 1024) / 1024,
        workers=max(1, ceil(load.messages * load.jobs / JOBS_PER_WORKER)),
        shards=max(1, ceil(redis_busy / USE)),
        redis_megabits=load.messages * hearers * FRAME_BYTES * 8 / 1e6,
        postgres_cores=max(1, ceil(load.messages * POSTGRES_US / 1e6 / USE)),
        storm_seconds=load.sockets * CONNECT_US / 1e6 / processes,
    )


def hearers_of(members: float, processes: int) -> float:
    """Processes with at least one of so many sockets, which the load balancer has dealt out at random."""
    return processes * (1 - (1 - 1 / processes) ** members)


def _exceeded(cell: Cell, limits: Limits) -> str:
    return next((name for name, use in _uses(cell, limits).items() if use > 1), "")


def _nearest(cell: Cell, limits: Limits) -> str:
    uses = _uses(cell, limits)
    return max(uses, key=lambda name: uses[name])


def _uses(cell: Cell, limits: Limits) -> dict[str, float]:
    """How much of each limit is used."""
    return {
        "PostgreSQL: cores of one primary": cell.postgres_cores / limits.postgres_cores,
        "web processes of one cell": cell.processes / limits.processes,
        "Redis: shards of one layer": cell.shards / limits.shards,
    }
