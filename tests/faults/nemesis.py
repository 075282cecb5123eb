"""Breaks what the schedule says, each part by one fault at a time, and says so."""

import asyncio
import subprocess
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from redis import Redis, RedisError

from realtime.backing import PostgresServer, RedisServer
from tests.faults.checker import Verdict
from tests.faults.history import History
from tests.faults.schedule import Fault
from tests.faults.tab import Tab
from tests.server import RunningServer

LATE_SECONDS = 5  # a fault that could not begin so long after the others were to end is left out


class Nemesis:
    def __init__(
        self,
        server: RunningServer,
        redis: RedisServer | None,
        postgres: PostgresServer | None,
        tabs: Sequence[Tab],
        hints: Path,
        history: History,
        tell: Callable[[str], None],
    ):
        self.server, self.redis, self.postgres, self.tabs, self.hints = server, redis, postgres, tabs, hints
        self.history, self.tell = history, tell
        self.done: Counter[str] = Counter()
        self.stuck: list[str] = []
        self._parts: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def run(self, schedule: Sequence[Fault], seconds: float) -> None:
        """All of it. Afterwards everything runs again."""
        async with asyncio.TaskGroup() as group:
            for fault in schedule:
                await asyncio.sleep(max(0, fault.at - self.history.seconds))
                group.create_task(self._break(fault, seconds + LATE_SECONDS))

    async def _break(self, fault: Fault, until: float) -> None:
        async with self._parts[fault.hurts]:
            if self.history.seconds > until:
                self.tell(f"{self.history.seconds:5.1f} s  left out, it is late: {fault.kind}")
                return
            began = self.history.seconds
            whom = f" {', '.join(map(self._name(fault), fault.targets))}" if fault.targets else ""
            self.history.note("nemesis", "fault", kind=fault.kind, targets=fault.targets)
            await getattr(self, "_" + fault.kind.replace(" ", "_").replace("-", "_"))(fault)
            self.done[fault.kind] += 1
            self.tell(f"{began:5.1f} s  {fault.kind}{whom} ({self.history.seconds - began:.1f} s)")

    def _name(self, fault: Fault) -> Callable[[int], str]:
        return str if fault.hurts == "web" else lambda number: self.tabs[number].name

    async def deploy(self, old: Sequence[int], new: Sequence[int]) -> None:
        """As a platform without downtime does it: the new processes are ready before the old ones are told to end."""
        await asyncio.gather(*(asyncio.to_thread(self.server.restart, i) for i in new))
        self.tell(f"{self.history.seconds:5.1f} s  new processes are ready")
        await asyncio.gather(*(self._terminate(i) for i in old))
        self.done["deploy"] += 1
        self.tell(f"{self.history.seconds:5.1f} s  the old ones are gone")

    def judge(self, verdict: Verdict) -> None:
        for complaint in self.stuck:
            verdict.judge("log", False, complaint)

    # Web processes

    async def _kill_web(self, fault: Fault) -> None:
        (i,) = fault.targets
        self.history.note("nemesis", "kill", process=i)
        await asyncio.to_thread(self.server.kill, i)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self.server.restart, i)

    async def _terminate_web(self, fault: Fault) -> None:
        (i,) = fault.targets
        await self._terminate(i)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self.server.restart, i)

    async def _terminate(self, i: int) -> None:
        self.history.note("nemesis", "terminate", process=i)
        try:
            await asyncio.to_thread(self.server.terminate, i)
        except subprocess.TimeoutExpired:
            self.stuck.append(
                f"process {i} was told to end, and had not at {self.history.seconds:.0f} s; its log says where it was"
            )
            await asyncio.to_thread(self.server.processes[i].abort)

    async def _pause_web(self, fault: Fault) -> None:
        (i,) = fault.targets
        self.server.stop(i)
        await asyncio.sleep(fault.seconds)
        self.server.cont(i)

    # What they stand on

    async def _restart_redis(self, fault: Fault) -> None:
        assert self.redis
        await asyncio.to_thread(self.redis.stop)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(self.redis.start)

    async def _flush_redis(self, fault: Fault) -> None:
        assert self.redis
        await asyncio.to_thread(_flush, self.redis.url)

    async def _pause_redis(self, fault: Fault) -> None:
        assert self.redis
        self.redis.pause()
        await asyncio.sleep(fault.seconds)
        self.redis.resume()

    async def _restart_postgres(self, fault: Fault) -> None:
        assert self.postgres
        await asyncio.to_thread(self.postgres.restart, immediate=True)

    async def _garble_hints(self, fault: Fault) -> None:
        self.hints.touch()
        await asyncio.sleep(fault.seconds)
        self.hints.unlink()

    # Networks of clients

    async def _cut_clients(self, fault: Fault) -> None:
        for number in fault.targets:
            self.tabs[number].cut()

    async def _black_hole_a_client(self, fault: Fault) -> None:
        (number,) = fault.targets
        await self.tabs[number].black_hole(fault.seconds)


def _flush(url: str) -> None:
    with Redis.from_url(url, socket_timeout=5) as client:
        try:
            client.flushall()
        except RedisError as error:
            raise RuntimeError(f"Redis was to be flushed, and does not answer: {error}") from error
