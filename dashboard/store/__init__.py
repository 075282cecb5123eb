"""Where reports go: one Redis for all processes, or this process alone.

    store.flush(report, acknowledged)      once a second, by each process
    store.ask("groups", {...})             what only the processes know, asked when somebody looks

The store's own clock dates everything, so clocks that differ cannot put numbers into the wrong second.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple, Protocol

from django.conf import settings

from dashboard.conf import option
from dashboard.report import Report

LEASE_SECONDS = 10  # after which a silent process is lost
QUIET_SECONDS = 3  # after which it is called stalled
KNOWN_SECONDS = 3600  # for which we know a process that ended
STEPS = {1: 300, 10: 360, 60: 1440, 600: 1008}  # seconds of a bucket: how many are kept for the charts

Answer = Callable[[str, dict[str, Any]], Any]
Bucket = dict[str, int]  # counters as they grew in it; gauges as `g:<name>`


class Unreachable(Exception):
    """The store does not answer. Nothing that was counted is lost: the next report carries it."""


class Flushed(NamedTuple):
    """What a process learns from its report."""

    leads: bool  # it does what is to be done once for all
    quiet: int  # processes that have not been heard of for some seconds


class Store(Protocol):
    """What both stores do. All methods but `listen` may be called from any thread; each raises Unreachable."""

    is_shared: bool
    name: str
    offset: float  # of its clock to ours, in seconds
    round_trip: float  # seconds, of the last report

    def now(self) -> float: ...

    def flush(self, report: Report, acknowledged: dict[str, int]) -> Flushed: ...

    def leave(self, boot: str) -> None: ...

    def processes(self) -> list[dict[str, Any]]: ...

    def gone(self) -> list[dict[str, Any]]: ...

    def ended(self) -> list[dict[str, Any]]: ...

    def vouch(self, boot: str, is_alive: bool) -> None: ...

    def totals(self) -> dict[str, int]: ...

    def series(self, step: int, number: int, *, with_current: bool = False) -> list[tuple[int, Bucket]]: ...

    def note(self, kind: str, **facts: str | float) -> None: ...

    def events(self, number: int) -> list[dict[str, Any]]: ...

    def remember(self, name: str, value: Any) -> None: ...

    def recall(self, name: str) -> Any: ...

    def listen(self, answer: Answer, boot: str, seconds: float) -> None: ...

    def ask(self, what: str, details: dict[str, Any], boot: str = "", timeout: float = 2.0) -> dict[str, Any]: ...

    def close(self) -> None: ...

    def reset_listening(self) -> None: ...


@cache
def store() -> Store:
    """The store of this project, as its settings have it."""
    if host := redis_host():
        from dashboard.store.shared import SharedStore

        return SharedStore(host, prefix())
    from dashboard.store.local import LocalStore

    return LocalStore()


def redis_host() -> Any:
    """Where the Redis is of the first channel layer that has one, unless DASHBOARD names another; None without any."""
    if host := option("REDIS"):
        return host
    for config in getattr(settings, "CHANNEL_LAYERS", {}).values():
        if config["BACKEND"].startswith("channels_redis."):
            return (config.get("CONFIG", {}).get("hosts") or ["redis://localhost:6379"])[0]
    return None


def prefix() -> str:
    """What our keys begin with. The braces keep them on one node of a cluster."""
    layers = getattr(settings, "CHANNEL_LAYERS", {}).values()
    names = [config.get("CONFIG", {}).get("prefix", "") for config in layers]
    return option("PREFIX") or f"{{{next(filter(None, names), 'asgi')}-dashboard}}:"
