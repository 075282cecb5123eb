"""The agent and its store, when what lies between them breaks."""

import logging
import time
from unittest import TestCase

import pytest

from dashboard import process
from dashboard.agent import Agent
from dashboard.meter import meter_of, meters
from dashboard.store import Unreachable
from dashboard.store.shared import SharedStore
from tests.server import private_redis

SECONDS = 20


@pytest.mark.services
class AgentTests(TestCase):
    def setUp(self):
        self.redis = self.enterContext(private_redis())
        self.meter = meter_of("agent")
        self.addCleanup(meters.pop, "agent")
        self.agent = Agent(SharedStore(self.redis.url, "{agent}:"), {})
        self.addCleanup(self.agent.store.close)
        self.reader = SharedStore(self.redis.url, "{agent}:")
        self.addCleanup(self.reader.close)
        self.agent.start()
        self.addCleanup(self.agent._thread.join, SECONDS)
        self.addCleanup(self.agent.stop)

    def eventually(self, read, wanted):
        deadline = time.monotonic() + SECONDS
        while True:
            try:
                if (seen := read()) == wanted:
                    return
            except Unreachable as error:
                seen = error
            self.assertLess(time.monotonic(), deadline, f"{seen!r} is not {wanted!r}")
            time.sleep(0.05)

    def counted(self):
        return self.reader.totals().get("agent|sends", 0)

    def answering(self):
        return list(self.reader.ask("rows", {"names": []}))

    def test_it_reports_answers_and_leaves(self):
        self.meter.count("sends", 5)
        self.eventually(self.counted, 5)
        self.eventually(self.answering, [process.boot_id])
        self.meter.count("sends", 2)
        self.agent.stop()
        self.assertEqual(self.counted(), 7)  # the last report
        self.assertEqual(self.reader.processes(), [])
        self.assertEqual(self.reader.events(1)[0]["kind"], "stopped")

    def test_cut_connections_are_made_again_and_nothing_is_lost(self):
        self.meter.count("sends", 5)
        self.eventually(self.answering, [process.boot_id])
        for kind in ("pubsub", "normal"):
            self.reader.redis.client_kill_filter(_type=kind, skipme=True)
            self.meter.count("sends", 1)
        self.eventually(self.counted, 7)
        self.eventually(self.answering, [process.boot_id])

    def test_while_redis_is_away_it_counts_on_and_says_so_once(self):
        self.meter.count("sends", 5)
        self.eventually(self.counted, 5)
        with self.assertLogs("dashboard.agent", logging.WARNING) as logs:
            self.redis.stop()
            self.meter.count("sends", 3)
            deadline = time.monotonic() + SECONDS
            while not self.agent._is_away:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)
            self.redis.start()
            self.eventually(self.counted, 3)  # it came back empty: only what nobody had acknowledged is told
        self.assertEqual(len(logs.records), 1)
        self.eventually(self.answering, [process.boot_id])
