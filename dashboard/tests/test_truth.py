"""A million random operations in four processes, on a bad line to the store: every total is the truth, to the last one."""

import json
import os
import signal
import subprocess
import sys
import time
from unittest import TestCase

import pytest
from django.conf import settings

from dashboard.queries import numbers
from dashboard.tests.stores import shared_store

PROCESSES, OPERATIONS = 4, 250_000
SECONDS = 240  # on a machine with other things to do


@pytest.mark.only_on("redis")
class TruthTests(TestCase):
    def start(self, store, seed):
        command = [sys.executable, "-m", "dashboard.tests.truth", settings.REDIS_URL, store._prefix, str(OPERATIONS), str(seed)]
        process = subprocess.Popen(
            command,
            cwd=settings.BASE_DIR,
            env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(end, process)
        return process

    def beat(self, *processes):
        """All report again."""
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        for process in processes:
            self.assertEqual(process.stdout.readline(), "beaten\n")

    def test_totals_and_members_are_the_truth_also_after_a_process_was_killed(self):
        with shared_store() as store:
            processes = [self.start(store, seed) for seed in range(PROCESSES)]
            truths = [json.loads(process.stdout.readline()) for process in processes]
            totals = store.totals()
            for name in ("group_sends", "deliveries", "lost.full", "enqueued", "received", "sends"):
                with self.subTest(name):
                    self.assertEqual(totals[f"truth|{name}"], sum(truth[name] for truth in truths))
            self.assertEqual(totals["truth|enqueued"] - totals["truth|received"], sum(truth["waiting"] for truth in truths))
            by_class = {name: value for name, value in totals.items() if name.startswith("c|truth|truth.room.*|")}
            self.assertEqual(by_class["c|truth|truth.room.*|deliveries"], totals["truth|deliveries"])
            self.assertEqual(
                by_class["c|truth|truth.room.*|lost"], sum(truth["lost.full"] for truth in truths) - self.direct(totals)
            )
            self.see_members(store, processes, sum(truth["members"] for truth in truths))

            processes[0].send_signal(signal.SIGKILL)
            processes[0].wait()
            rest = sum(truth["members"] for truth in truths[1:])
            deadline = time.monotonic() + 15
            while len(store.processes()) == PROCESSES:  # until a neighbour notices
                self.assertLess(time.monotonic(), deadline)
                self.beat(*processes[1:])
                time.sleep(0.2)
            self.see_members(store, processes[1:], rest)
            self.assertEqual(store.totals()["truth|received"], totals["truth|received"])  # what it counted stays

    def direct(self, totals):
        return totals["truth|lost.full"] - totals["truth|group_lost"]

    def see_members(self, store, processes, expected):
        deadline = time.monotonic() + 5
        while True:
            self.beat(*processes)
            if (seen := numbers.gauge(store.series(1, 2, with_current=True), "members")) == expected:
                return
            self.assertLess(time.monotonic(), deadline, f"{seen} members, and {expected} are there")
            time.sleep(0.2)


def end(process):
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
