"""What is measured. Each mode is a plan for the client and a reading of what it brings back.

fanout   one room, one message after another to all its sockets: CPU microseconds of the server per delivery; deliveries
         per second at saturation; latency at half of that; then the same while some sockets do not read
ingest   50 rooms of 10: messages per second that are stored, accepted and delivered; CPU microseconds for each
connect  handshake, session, permission, resume: CPU microseconds per socket
idle     sockets that only stay: KiB of memory each, and what they cost while nothing happens
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from realtime.bench.job import Outcome, Phase
from realtime.bench.site import Backing

Metrics = dict[str, float]
SLOW = 5  # sockets that do not read


@dataclass(frozen=True)
class Options:
    """What the command line says; None leaves it to the mode."""

    clients: int
    rooms: int
    in_flight: int
    seconds: float
    rounds: int


@dataclass(frozen=True)
class Mode:
    name: str
    defaults: Options
    baseline: str  # the consumer of the tutorial's project that does the same
    phases: Callable[[Options], list[Phase]]
    read: Callable[[Outcome, Options], Metrics]
    restarts: bool = False  # new processes for each round: memory that was once used would be used again
    warm: int = 0


@dataclass(frozen=True)
class OwnMode:
    """What only one app can measure: `OWN_MODE` in its `bench.py`, run by `manage.py bench <app>`.

    `measure(options, backing, tell)` gives the metrics of each round by target, as `runner.measure` does; it starts what it needs
    with `running_site(suite_program("<app>.bench"), ...)`. `units` says what its metrics are, for the table.
    """

    defaults: Options
    units: dict[str, str]
    measure: Callable[[Options, Backing, Callable[[str], None]], dict[str, list[Metrics]]]


def fanout_phases(options: Options) -> list[Phase]:
    half = Phase("rate", options.seconds, share=0.5)
    return [
        Phase("window", options.seconds, in_flight=options.in_flight),
        half,
        Phase("slow", options.seconds, share=0.5, slow=SLOW),
    ]


def read_fanout(outcome: Outcome, options: Options) -> Metrics:
    full, half, slow = outcome.phases
    return {
        "us_per_delivery": microseconds(full.usage.cpu, full.deliveries),
        "deliveries_per_second": full.deliveries / full.seconds,
        "p50_ms": half.latencies[0],
        "p99_ms": half.latencies[1],
        "slow_p99_ms": slow.latencies[1],
        "slow_growth_mib": slow.usage.memory / 2**20,
        "slow_cut_off": slow.cut_off,
        "client_load": full.client_cpu / full.seconds,
    }


def ingest_phases(options: Options) -> list[Phase]:
    return [Phase("window", options.seconds, in_flight=options.in_flight)]


def read_ingest(outcome: Outcome, options: Options) -> Metrics:
    (full,) = outcome.phases
    return {
        "messages_per_second": full.messages / full.seconds,
        "us_per_message": microseconds(full.usage.cpu, full.messages),
        "p50_ms": full.latencies[0],
        "p99_ms": full.latencies[1],
        "client_load": full.client_cpu / full.seconds,
    }


def read_connect(outcome: Outcome, options: Options) -> Metrics:
    connected = outcome.connected
    return {
        "us_per_connect": microseconds(connected.usage.cpu, connected.sockets),
        "connects_per_second": connected.sockets / connected.seconds,
    }


def idle_phases(options: Options) -> list[Phase]:
    return [Phase("idle", options.seconds)]


def read_idle(outcome: Outcome, options: Options) -> Metrics:
    connected, (idle,) = outcome.connected, outcome.phases
    return {
        "kib_per_socket": connected.usage.memory / connected.sockets / 1024,
        "idle_cpu_percent": 100 * idle.usage.cpu / idle.seconds,
    }


def microseconds(seconds: float, count: int) -> float:
    """For each of `count`; where none came at all, what one would have cost at least."""
    return seconds * 1e6 / max(count, 1)


def medians(rounds: list[Metrics]) -> Metrics:
    return {name: median(one[name] for one in rounds) for name in rounds[0]}


MODES = {
    mode.name: mode
    for mode in (
        Mode("fanout", Options(500, 1, 8, 2, 3), "chat", fanout_phases, read_fanout),
        Mode("ingest", Options(500, 50, 64, 3, 3), "storing", ingest_phases, read_ingest),
        Mode("connect", Options(600, 60, 0, 0, 3), "chat", lambda options: [], read_connect, restarts=True, warm=60),
        Mode("idle", Options(1000, 100, 0, 3, 3), "chat", idle_phases, read_idle, restarts=True, warm=100),
    )
}

# What is better: less or more. The others are only shown.
LESS = {"us_per_delivery", "us_per_message", "us_per_connect", "kib_per_socket", "p50_ms", "p99_ms"}
MORE = {"deliveries_per_second", "messages_per_second", "connects_per_second"}
