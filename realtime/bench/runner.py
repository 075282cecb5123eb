"""Runs a mode: the suite and the baseline by turns, round after round, under the same client."""

import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any, TypeVar

import msgspec
from django.conf import settings

from realtime.bench.baseline.dialects import DIALECTS
from realtime.bench.job import Dialect, Job, Outcome
from realtime.bench.machine import cores
from realtime.bench.modes import Metrics, Mode, Options, OwnMode
from realtime.bench.site import Backing, Program, Site, running_site, suite_program

TEXT_BYTES = 120
ROUND_SECONDS = 240  # no round takes so long
TUTORIAL = "realtime.bench.baseline"
T = TypeVar("T")
BASELINE = Program(f"{TUTORIAL}.settings", f"{TUTORIAL}.asgi:application", f"{TUTORIAL}.bench")


@dataclass(frozen=True)
class Target:
    """Something to measure."""

    name: str
    program: Program
    dialect: Dialect


def targets(baseline: str) -> list[Target]:
    """The first app of the suite that knows how to be measured; and a consumer of the tutorial's project, if named."""
    module = next((module for module in bench_modules() if hasattr(module, "DIALECT")), None)
    if module is None:
        raise LookupError("No app of the suite has a bench.py that says how to talk to its rooms.")
    app = module.__name__.partition(".")[0]
    found = [Target(app, suite_program(module.__name__), module.DIALECT)]
    if baseline:
        found.append(Target("tutorial", BASELINE, DIALECTS[baseline]))
    return found


def bench_modules() -> list[Any]:
    """The `bench.py` of each app of the suite that has one."""
    return [import_module(f"{app}.bench") for app in settings.SUITE_APPS if find_spec(f"{app}.bench")]


def own_modes() -> dict[str, OwnMode]:
    """What only one app measures, by its name."""
    return {module.__name__.partition(".")[0]: module.OWN_MODE for module in bench_modules() if hasattr(module, "OWN_MODE")}


def measure(
    mode: Mode, options: Options, found: list[Target], backing: Backing, tell: Callable[[str], None]
) -> dict[str, list[Metrics]]:
    """The metrics of each round, by target. They take turns, so that a busy moment of the machine meets both."""
    measured: dict[str, list[Metrics]] = {target.name: [] for target in found}
    with ExitStack() as stack:
        sites = {}
        for target in found:
            tell(f"Starting {target.name}.")
            sites[target.name] = stack.enter_context(_site(target, options, backing))
        for number in range(options.rounds):
            for target in found:
                tell(f"Round {number + 1} of {options.rounds}: {target.name}.")
                if mode.restarts and number:
                    sites[target.name].restart()
                outcome = _one_round(mode, options, target, sites[target.name])
                measured[target.name].append(mode.read(outcome, options))
    return measured


def _site(target: Target, options: Options, backing: Backing) -> AbstractContextManager[Site]:
    return running_site(
        target.program,
        server=backing.server,
        processes=backing.processes,
        cores=cores()[0],
        database=backing.database,
        redis=backing.redis,
        rooms=options.rooms,
        people=options.clients,
    )


def _one_round(mode: Mode, options: Options, target: Target, site: Site) -> Outcome:
    job = Job(
        urls=site.urls,
        pids=site.pids,
        cookies=site.cookies,
        rooms=site.rooms,
        dialect=target.dialect,
        phases=mode.phases(options),
        text_bytes=TEXT_BYTES,
        warm=min(mode.warm, options.clients // 2),
        core=cores()[1],
    )
    return run_client("realtime.bench.load", job, Outcome)


def run_client(module: str, job: msgspec.Struct, outcome: type[T]) -> T:
    """Let the client, a process of its own, do a round: `job` goes in, what it answers comes back, both as JSON."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=msgspec.json.encode(job),
        capture_output=True,
        cwd=settings.BASE_DIR,
        timeout=ROUND_SECONDS,
    )
    if done.returncode:
        raise RuntimeError(f"The client failed:\n{done.stderr.decode()[-2000:]}")
    return msgspec.json.decode(done.stdout, type=outcome)
