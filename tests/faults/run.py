"""One run of the fault checker, from start to verdict."""

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from realtime.backing import PostgresServer, RedisServer
from tests.faults.checker import CHECKS, RESTART, Verdict, check
from tests.faults.history import History
from tests.faults.nemesis import Nemesis
from tests.faults.schedule import make_schedule
from tests.faults.tab import Tab
from tests.faults.workload import ask, find_workloads
from tests.proxy import Proxy
from tests.server import RunningServer, running_server

PROCESSES = {"pubsub": 2, "memory": 1}
HEAL_SECONDS = 30  # after the last fault, until everything must be as if there had been none
START_SECONDS = 180  # for all parts to start and, in the end, to stop, on a busy machine
QUIET_SECONDS = 0.1
SHOWN = 5  # violations of a kind


@dataclass(frozen=True)
class Options:
    seconds: float = 60
    seed: int = 7
    layer: str = "pubsub"
    is_control: bool = False
    clients: int = 6
    is_deploy: bool = False  # nothing breaks, and every process is replaced

    @property
    def processes(self) -> int:
        """So many have visitors at a time."""
        return PROCESSES[self.layer]


@dataclass
class Outcome:
    options: Options
    verdict: Verdict
    faults: Counter[str]
    operations: Counter[str]  # acked commands by type, refusals, connections, ...
    heal_seconds: float
    lateness: dict[str, float]  # seconds from the first display of a change to those at the other clients
    directory: str = ""  # of the history and the logs, when something is wrong

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": "holds" if self.verdict.holds else "violated",
            **vars(self.options),
            "faults": dict(self.faults),
            "operations": dict(self.operations),
            "heal_seconds": round(self.heal_seconds, 1),
            "lateness": self.lateness,
            "examined": dict(self.verdict.examined),
            "violations": {
                name: {"count": len(found), "first": found[:SHOWN]} for name, found in self.verdict.violations.items()
            },
            "directory": self.directory,
        }

    def table(self) -> str:
        lines = [f"{'check':10} {'examined':>9} {'violated':>9}"]
        for name, meaning in CHECKS.items():
            found = self.verdict.violations.get(name, [])
            lines.append(f"{name:10} {self.verdict.examined[name]:9} {len(found):9}  {meaning}")
            lines += [f"{'':10} {complaint}" for complaint in found[:SHOWN]]
        lines.append("faults: " + (", ".join(f"{number} {kind}" for kind, number in sorted(self.faults.items())) or "none"))
        lines.append("clients: " + ", ".join(f"{number} {what}" for what, number in sorted(self.operations.items())))
        lines.append("late: " + ", ".join(f"{name} {seconds:.2f} s" for name, seconds in self.lateness.items()))
        return "\n".join(lines)

    def line(self) -> str:
        numbers = sum(len(found) for found in self.verdict.violations.values())
        outcome = "holds" if self.verdict.holds else f"VIOLATED {numbers} times, see {self.directory}"
        control = ", control" if self.options.is_control else ""
        return f"{self.options.layer}, seed {self.options.seed}, {sum(self.faults.values())} faults{control}: {outcome}"


def run(options: Options, tell: Callable[[str], None]) -> Outcome:
    """Start private servers, break them, judge. Raises `realtime.backing.Missing` where a program is not installed."""
    with ExitStack() as stack:
        kept = Path(tempfile.mkdtemp(prefix="faults-"))
        postgres = stack.enter_context(PostgresServer()) if options.layer == "pubsub" else None
        redis = stack.enter_context(RedisServer()) if options.layer == "pubsub" else None
        env = {
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "RATE_LIMITS": "off",
            "PYTHONFAULTHANDLER": "1",
            "FAULTS_CONTROL": str(int(options.is_control)),
            "FAULTS_HINTS": str(kept / "hints-are-garbled"),
            "FAULTY_SEED": str(options.seed),
        }
        urls = (postgres.url if postgres else None, redis.url if redis else None)
        processes = options.processes * (2 if options.is_deploy else 1)
        server = stack.enter_context(running_server(*urls, processes=processes, checks_logs=False, **env))
        server.may_log_errors.append("channels_redis.pubsub")  # once a second while there is no Redis
        trial = Trial(options, server, redis, postgres, Path(env["FAULTS_HINTS"]), tell)
        outcome = asyncio.run(trial.run())
        if outcome.verdict.holds:
            shutil.rmtree(kept)
        else:
            outcome.directory = str(kept)
            trial.history.write(kept / "history.jsonl")
            logs = {f"web-{i}": log for i, log in enumerate(server.logs)}
            logs |= {name: part.log for name, part in {"redis": redis, "postgres": postgres}.items() if part}
            for name, log in logs.items():
                shutil.copyfile(log, kept / f"{name}.log")
            (kept / "violations.txt").write_text(
                "".join(f"{name}: {text}\n" for name, found in outcome.verdict.violations.items() for text in found)
            )
        return outcome


class Trial:
    """The clients and the nemesis, on servers that run."""

    def __init__(
        self,
        options: Options,
        server: RunningServer,
        redis: RedisServer | None,
        postgres: PostgresServer | None,
        hints: Path,
        tell: Callable[[str], None],
    ):
        self.options, self.server, self.redis, self.postgres, self.hints, self.tell = (
            options,
            server,
            redis,
            postgres,
            hints,
            tell,
        )
        self.workloads = find_workloads()
        self.people = list(server.people)[: options.clients]

    async def run(self) -> Outcome:
        await asyncio.to_thread(self._prepare)
        self.tell(f"{len(self.people)} clients, {len(self.server.urls)} processes, seed {self.options.seed}.")
        self.history = History()
        async with asyncio.timeout(self.options.seconds + HEAL_SECONDS + START_SECONDS), AsyncExitStack() as stack:
            networks = [
                [await stack.enter_async_context(Proxy(url)) for url in self.server.urls] for _ in self.people
            ]  # each client's own
            self.tabs = [
                Tab(self.server, name, self.history, self.workloads, networks[i], at=i % self.options.processes)
                for i, name in enumerate(self.people)
            ]
            for tab in self.tabs:
                await stack.enter_async_context(tab)
            nemesis = Nemesis(self.server, self.redis, self.postgres, self.tabs, self.hints, self.history, self.tell)
            await self._break(nemesis)
            heal_seconds = await self._heal()
            verdict = await self._judge(nemesis)
        return Outcome(self.options, verdict, nemesis.done, self._operations(), heal_seconds, self._lateness())

    def _prepare(self) -> None:
        self.feeds = ask(self.server, "prepare", self.people)
        self.server.rooms.update(self.feeds)
        for i in range(self.options.processes, len(self.server.urls)):
            self.server.terminate(i)  # until it is deployed

    async def _break(self, nemesis: Nemesis) -> None:
        """Everybody works while things break, and for the whole of the time."""
        options = self.options
        schedule = make_schedule(options.seed, options.seconds, options.layer, len(self.tabs), len(self.server.urls))
        people = [asyncio.create_task(tab.work(random.Random(f"{tab.name} {options.seed}"))) for tab in self.tabs]
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deploy(nemesis) if options.is_deploy else nemesis.run(schedule, options.seconds))
            group.create_task(asyncio.sleep(max(0, options.seconds - self.history.seconds)))
        for person in people:
            person.cancel()
        for outcome in await asyncio.gather(*people, return_exceptions=True):
            if isinstance(outcome, Exception):
                raise outcome

    async def _deploy(self, nemesis: Nemesis) -> None:
        """In the middle of the time."""
        await asyncio.sleep(self.options.seconds / 2)
        old = self.options.processes
        await nemesis.deploy(range(old), range(old, len(self.server.urls)))

    async def _heal(self) -> float:
        """Nothing breaks any more. One person leaves as soon as all is sent; then all must be well. Returns the seconds."""
        self.tell(f"{self.history.seconds:5.1f} s  nothing breaks any more")
        self.history.note("nemesis", "heal")
        began = self.history.seconds
        leaver = self.tabs[-1]
        while self.history.seconds < began + HEAL_SECONDS:
            if leaver in self.tabs and not leaver.waiting and len(self.tabs) > 1:
                self.tabs.remove(leaver)
                await leaver.leave()
            if leaver not in self.tabs and not list(self._unwell()):
                break
            await asyncio.sleep(QUIET_SECONDS)
        unwell = ", ".join(self._unwell())
        self.tell(f"{self.history.seconds:5.1f} s  {f'still unwell: {unwell}' if unwell else 'all is well again'}")
        return self.history.seconds - began

    def _unwell(self) -> Iterator[str]:
        """What the clients alone can tell: who waits for an ack, is not live, is behind the others, shows who is not here."""
        heads: Counter[str] = Counter()
        for record in self.history.records:
            if record["op"] == "ok":
                heads[record["feed"]] = max(heads[record["feed"]], record["rev"])
        here = {tab.name for tab in self.tabs}
        for tab in self.tabs:
            if tab.waiting or not tab.is_live:
                yield tab.name
            for feed in tab.shown.values():
                if not feed.is_fresh or feed.rev < heads[feed.name] or (feed.has_presence and feed.people != here):
                    yield f"{tab.name}, {feed.name}"

    async def _judge(self, nemesis: Nemesis) -> Verdict:
        for tab in self.tabs:
            for feed in filter(lambda feed: feed.has_presence, tab.shown.values()):
                self.history.note(tab.name, "people", feed=feed.name, people=sorted(feed.people))
        apps = {facts["feed"]: facts["app"] for facts in self.feeds.values()}
        stored = await asyncio.to_thread(ask, self.server, "stored", apps)
        for facts in self.feeds.values():
            stored[facts["feed"]] |= {"start": facts["rev"], "first": facts["rows"], "of": facts.get("of")}
        refusals = frozenset().union(*(workload.refusals for workload in self.workloads.values()))
        verdict = check(self.history.records, stored, refusals=refusals, present={tab.name for tab in self.tabs})
        nemesis.judge(verdict)
        if self.options.is_deploy:
            for tab in self.tabs:
                verdict.judge("planned", tab.closes == [RESTART], f"{tab.name} was closed with {tab.closes}, not once with 4012")
        for tab in self.tabs:
            verdict.judge("gave up", not tab.has_given_up, f"{tab.name} does not come back")
        for daphne in self.server.processes:
            trouble = daphne.trouble(self.server.may_log_errors)
            verdict.judge("log", not trouble, f"{daphne.url}: {trouble[:2000]}")
        return verdict

    def _operations(self) -> Counter[str]:
        types = {record["client_id"]: record["command"]["type"] for record in self.history.records if record["op"] == "invoke"}
        names = {"fail": "refused", "info": "to be sent again", "open": "connections", "reset": "resets"}
        counted: Counter[str] = Counter()
        for record in self.history.records:
            if record["op"] == "ok":
                counted[types[record["client_id"]]] += 1
            elif record["op"] in names:
                counted[names[record["op"]]] += 1
        return counted

    def _lateness(self) -> dict[str, float]:
        """Not judged, as it depends on the machine; but if half of it is not quick, the layer carried nothing."""
        shared = {facts["feed"] for facts in self.feeds.values() if "of" not in facts}
        first: dict[tuple[str, int], float] = {}
        late: list[float] = []
        for record in self.history.records:
            if record["op"] == "show" and record["feed"] in shared:
                late.append(record["t"] - first.setdefault((record["feed"], record["rev"]), record["t"]))
        late = sorted(late) or [0.0]
        return {
            name: round(late[int(share * (len(late) - 1))], 3) for name, share in {"half": 0.5, "p99": 0.99, "all": 1}.items()
        }
