"""The Procfile, run by honcho as a platform would: release, two web processes, a worker; then SIGTERM."""

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from unittest import IsolatedAsyncioTestCase, TestCase

import pytest

from tests.clients import Client, eventually
from tests.procfile import Site, production_site, running_procfile
from tests.server import ROOT, private_postgres, private_redis

pytestmark = pytest.mark.services

RESTART = 4012
WAIT_SECONDS = 30


class ProcfileTests(IsolatedAsyncioTestCase):
    def test_it_names_the_three_kinds_of_process(self):
        lines = (ROOT / "Procfile").read_text().splitlines()
        self.assertEqual([line.partition(":")[0] for line in lines], ["release", "web", "worker"])

    async def test_two_web_processes_are_one_chat_and_all_leave_in_order(self):
        with private_redis() as redis, running_procfile(private_postgres().url, redis.url, web=2, worker=1) as site:
            for name, url in zip(("ann", "bob"), site.urls, strict=True):
                await asyncio.to_thread(site.log_in, name, url)
            async with AsyncExitStack() as stack:
                ann = await stack.enter_async_context(Client(site, "ann", at=0))
                bob = await stack.enter_async_context(Client(site, "bob", at=1))
                await ann.said("over both processes")
                await bob.shows("over both processes")
                await bob.said("and back")
                await ann.shows("and back")
                slow = await asyncio.to_thread(begin_slow_job, site)
                seconds = await asyncio.to_thread(site.terminate)
                self.assertLess(seconds, 10)
                for client in (ann, bob):
                    await eventually(lambda client=client: client.closes, what=f"{client.name} is told")
                    bye = client.heard("realtime.bye", code=RESTART)
                    self.assertEqual(client.closes, [RESTART])
                    self.assertTrue(0 < bye["reconnect_after"] <= 3)
            self.assertEqual(slow.read_text(), "begun\n")
            due = "SELECT attempts, run_after <= now() FROM realtime_job WHERE name = 'tests.slow'"
            self.assertEqual(site.rows(due), [(0, True)], "the job that was under way is given back at once")
            self.assertEqual(re.findall(r"stopped \(rc=(-?\d+)\)", site.text), ["0"] * 3)
            self.check_log(site)

    def check_log(self, site):
        """Every line of ours is JSON, and none tells of trouble."""
        records = [json.loads(line.partition("| ")[2]) for line in site.text.splitlines() if "| {" in line]
        self.assertTrue(records)
        self.assertEqual([record for record in records if record["level"] in {"ERROR", "CRITICAL"}], [])


class WorkerTests(TestCase):
    def test_what_a_killed_worker_was_at_is_done_by_another(self):
        """Its lease is over when `run_after` comes; the test does not wait for that, but brings it about."""
        settings = "tests.settings_slow_jobs"
        with (
            private_redis() as redis,
            production_site(private_postgres().url, redis.url, [], DJANGO_SETTINGS_MODULE=settings) as site,
        ):
            site.manage("migrate", "--noinput")
            log = enqueue_slow_job(site)
            with worker(site) as first:
                wait_for(log, "begun\n")
                first.kill()
            self.assertEqual(site.rows("SELECT attempts, run_after > now() FROM realtime_job"), [(1, True)])
            with worker(site) as second:
                site.rows("UPDATE realtime_job SET run_after = now() RETURNING id")
                wait_for(log, "begun\nbegun\n")
                gate(site).touch()
                wait_for(log, "begun\nbegun\ndone\n")
                second.terminate()
                self.assertEqual(second.wait(WAIT_SECONDS), 0)
            self.assertEqual(site.rows("SELECT 1 FROM realtime_job"), [])

    def test_a_worker_shows_that_it_lives(self):
        with private_redis() as redis, production_site(private_postgres().url, redis.url, []) as site:
            site.manage("migrate", "--noinput")
            alive = site.state / "alive"
            with worker(site, "--alive", str(alive)):
                wait_until(alive.exists, "the worker shows that it lives")
                probed = subprocess.run([sys.executable, ROOT / "deploy/probe.py", alive], capture_output=True, text=True)
                self.assertEqual(probed.returncode, 0, probed.stderr)
            os.utime(alive, (0, 0))
            probed = subprocess.run([sys.executable, ROOT / "deploy/probe.py", alive], capture_output=True, text=True)
            self.assertEqual((probed.returncode, probed.stderr), (1, f"{alive} is too old.\n"))


@contextmanager
def worker(site: Site, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    with (site.state / "worker.log").open("ab") as log:
        command = [sys.executable, ROOT / "manage.py", "runworker", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=site.environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def gate(site: Site) -> Path:
    return site.state / "gate"


def enqueue_slow_job(site: Site) -> Path:
    """Returns the file that the job writes what it does to."""
    log = site.state / "job.log"
    payload = {"log": str(log), "gate": str(gate(site))}
    site.manage("shell", "--no-imports", "-c", f"from realtime.jobs import enqueue; enqueue('tests.slow', {payload!r})")
    return log


def begin_slow_job(site: Site) -> Path:
    log = enqueue_slow_job(site)
    wait_for(log, "begun\n")
    return log


def wait_for(log: Path, text: str) -> None:
    wait_until(lambda: log.exists() and log.read_text() == text, f"the job has written {text!r}")


def wait_until(condition: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"Not so after {WAIT_SECONDS} s: {what}")
        time.sleep(0.02)
