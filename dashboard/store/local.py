"""The store of a project without Redis: one process, whose numbers stay in it. It does what `flush.lua` does."""

import threading
import time
from collections import defaultdict, deque
from typing import Any

from dashboard.report import Report
from dashboard.store import STEPS, Answer, Bucket, Flushed


class LocalStore:
    is_shared = False
    name = "this process"
    offset = round_trip = 0.0

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: dict[str, dict[str, Any]] = {}
        self._counters: dict[str, dict[str, int]] = {}
        self._seqs: dict[str, int] = {}
        self._totals: defaultdict[str, int] = defaultdict(int)
        self._buckets: dict[int, dict[int, Bucket]] = {step: {} for step in STEPS}
        self._rolled: dict[int, int] = {}
        self._events: deque[dict[str, Any]] = deque(maxlen=1000)
        self._values: dict[str, Any] = {}
        self._answer: Answer | None = None
        self._boot = ""

    def now(self) -> float:
        return time.time()

    def flush(self, report: Report, acknowledged: dict[str, int]) -> Flushed:
        now = int(self.now())
        with self._lock:
            if report.seq <= self._seqs.get(report.boot, 0):
                return Flushed(True, 0)
            self._seqs[report.boot] = report.seq
            before = self._counters.setdefault(report.boot, dict(acknowledged))
            bucket = self._buckets[1].setdefault(now, {})
            for name, value in report.counters.items():
                if difference := value - before.get(name, 0):
                    self._totals[name] += difference
                    if not name.startswith("c|"):
                        bucket[name] = bucket.get(name, 0) + difference
                before[name] = value
            bucket |= {f"g:{name}": value for name, value in report.gauges.items()} | {"g:processes": 1}
            self._rows[report.boot] = {**report.row, "beat": self.now()}
            self._roll(now)
        return Flushed(True, 0)

    def _roll(self, now: int) -> None:
        """Seconds become tens of seconds, and so on; what is too old goes."""
        for from_, to in ((1, 10), (10, 60), (60, 600)):
            current = now // to * to
            for start in range(self._rolled.get(to, current), current, to):
                parts = [part for at in range(start, start + to, from_) if (part := self._buckets[from_].get(at))]
                if parts:
                    self._buckets[to][start] = _rolled(parts)
            self._rolled[to] = current
        for step, number in STEPS.items():
            oldest = now - step * number - 700
            for at in [at for at in self._buckets[step] if at < oldest]:
                del self._buckets[step][at]

    def leave(self, boot: str) -> None:
        self._rows.pop(boot, None)

    def processes(self) -> list[dict[str, Any]]:
        return [{**row, "age": self.now() - row["beat"], "vouched": False} for row in self._rows.copy().values()]

    def gone(self) -> list[dict[str, Any]]:
        return []

    def ended(self) -> list[dict[str, Any]]:
        return []

    def vouch(self, boot: str, is_alive: bool) -> None:
        """There is nobody else."""

    def totals(self) -> dict[str, int]:
        with self._lock:
            return dict(self._totals)

    def series(self, step: int, number: int, *, with_current: bool = False) -> list[tuple[int, Bucket]]:
        end = int(self.now()) // step * step
        times = range(end - step * min(number, STEPS[step]), end + with_current * step, step)
        with self._lock:
            return [(at, dict(self._buckets[step].get(at, {}))) for at in times]

    def note(self, kind: str, **facts: str | float) -> None:
        self._events.appendleft({"kind": kind, "at": int(self.now()), **facts})

    def events(self, number: int) -> list[dict[str, Any]]:
        return list(self._events)[:number]

    def remember(self, name: str, value: Any) -> None:
        self._values[name] = value

    def recall(self, name: str) -> Any:
        return self._values.get(name)

    def listen(self, answer: Answer, boot: str, seconds: float) -> None:
        self._answer, self._boot = answer, boot
        time.sleep(seconds)

    def ask(self, what: str, details: dict[str, Any], boot: str = "", timeout: float = 2.0) -> dict[str, Any]:
        if self._answer is None or boot not in ("", self._boot):
            return {}
        return {self._boot: self._answer(what, details)}

    def close(self) -> None:
        self._answer = None

    def reset_listening(self) -> None:
        """Nothing is ever lost on the way to ourselves."""


def _rolled(parts: list[Bucket]) -> Bucket:
    whole: Bucket = {}
    for part in parts:
        for name, value in part.items():
            whole[name] = max(whole.get(name, 0), value) if name.startswith("g:max.") else whole.get(name, 0) + value
    means = [name for name in whole if name.startswith("g:") and not name.startswith("g:max.")]
    return whole | {name: round(whole[name] / len(parts)) for name in means}
