"""Every test, in one command: on SQLite and in memory, which every machine has, then on a real PostgreSQL and Redis.

python3 manage.py test [--fast] [anything pytest takes]
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings
from django.core.management import BaseCommand

from realtime.backing import Missing, find_postgres, find_redis

# The shell's own settings must not reach the tests.
NOT_INHERITED = {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "CSRF_TRUSTED_ORIGINS", "TRUST_PROXY", "SITE_NAME"}
NOT_INHERITED |= {"DATABASE_URL", "REDIS_URL", "STATE_DIR", "MEDIA_ROOT", "DATABASE_THREADS", "DATABASE_POOL", "LOG_LEVEL"}
NOT_INHERITED |= {"DEMO", "DEMO_PASSWORD", "LOG_FORMAT", "PORT", "PROCESSES", "REDIS_SENTINELS", "REDIS_TLS_VERIFY"}
NOT_INHERITED |= {"LANGUAGE_CODE"}


@dataclass
class Run:
    """How one run of pytest went."""

    status: int
    counts: Counter[str] = field(default_factory=Counter)  # by outcome, in pytest's words
    skipped: Counter[str] = field(default_factory=Counter)  # by reason


class Command(BaseCommand):
    help = "Runs every test. --fast: on SQLite and in memory only. All else goes to pytest: paths, -k, -x, ..."
    requires_system_checks: list[str] = []

    def run_from_argv(self, argv: list[str]) -> None:
        """Take the words ourselves: argparse would refuse pytest's."""
        if {"-h", "--help"} & set(argv):
            self.stdout.write(f"{self.help}\n")
            return
        words = argv[2:]
        sys.exit(self.run_all([word for word in words if word != "--fast"], fast="--fast" in words))

    def run_all(self, words: list[str], fast: bool) -> int:
        """Run and sum up. Returns the exit status: 0 when all is well."""
        started = time.monotonic()
        require_all = os.environ.get("REQUIRE_ALL") == "1"
        runs = [self.run("SQLite, channel layer in memory", ["--without", "services", *words], {})]
        notes = []
        if not fast:
            try:
                postgres, redis = find_postgres(), find_redis()
            except Missing as missing:
                notes.append(f"Not run on PostgreSQL and Redis: {missing}.")
                if require_all:
                    runs.append(Run(status=1))
            else:
                self.say(f"PostgreSQL: {postgres.origin}. Redis: {redis.origin}.")
                places = {"DATABASE_URL": postgres.url, "REDIS_URL": redis.url, "REDIS_PREFIX": f"test-{os.getpid()}"}
                # A browser sees the same on either, and what is marked `once` neither; but what also starts services of its
                # own is left out of the first run. conftest.py sees to it that no test is left out of both.
                chosen = ["--without", "browser", "--without", "once", "--unless", "services"]
                runs.append(self.run("PostgreSQL and Redis", [*chosen, *words], places))
        self.sum_up(runs, notes, time.monotonic() - started)
        return next((run.status for run in runs if run.status), 0)

    def run(self, name: str, words: Sequence[str], places: dict[str, str]) -> Run:
        self.say(f"== Tests on {name}")
        environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED} | places
        with tempfile.TemporaryDirectory(prefix="suite-test-") as state:
            report = Path(state) / "report.xml"
            command = [sys.executable, "-m", "pytest", f"--junitxml={report}", *words]
            status = subprocess.run(command, cwd=settings.BASE_DIR, env={**environment, "STATE_DIR": state}).returncode
            if status == pytest.ExitCode.NO_TESTS_COLLECTED:
                status = 0  # all that was asked for belongs to the other run
            return read_report(report, status)

    def sum_up(self, runs: list[Run], notes: list[str], seconds: float) -> None:
        counts = sum((run.counts for run in runs), Counter())
        for reason, number in sorted(sum((run.skipped for run in runs), Counter()).items()):
            notes.append(f"Skipped {number}: {reason}")
        self.say("== Summary")
        for note in notes:
            self.say(note)
        outcomes = [f"{counts[outcome]} {outcome}" for outcome in ("failed", "errors", "passed", "skipped") if counts[outcome]]
        self.say(f"{', '.join(outcomes) or 'no tests'} in {seconds:.0f} s")

    def say(self, sentence: str) -> None:
        self.stdout.write(sentence)
        self.stdout.flush()


def read_report(report: Path, status: int) -> Run:
    """Count what pytest's XML report holds. It has none if pytest did not get that far."""
    run = Run(status)
    if not report.exists():
        return run
    for case in ElementTree.parse(report).iter("testcase"):
        outcomes = {child.tag: child.get("message", "") for child in case}
        if "skipped" in outcomes:
            run.counts["skipped"] += 1
            run.skipped[outcomes["skipped"]] += 1
        elif "failure" in outcomes:
            run.counts["failed"] += 1
        elif "error" in outcomes:
            run.counts["errors"] += 1
        else:
            run.counts["passed"] += 1
    return run
