"""Each process tries each layer now and then: what gets lost or is slow is found, and nobody's numbers change."""

import logging
import time
from unittest import mock
from uuid import uuid4

import pytest
from channels.layers import InMemoryChannelLayer
from django.conf import settings
from django.test import SimpleTestCase, override_settings

from dashboard import jobs
from dashboard.agent import Agent
from dashboard.backlog import connections
from dashboard.layers import canary, observe, observers
from dashboard.layers.canary import Canary
from dashboard.meter import meters
from dashboard.queries.doctor import diagnose
from dashboard.queries.ledger import ledger
from dashboard.report import counters, make_report
from dashboard.store.local import LocalStore
from dashboard.tests.running import reporting
from dashboard.tests.stores import shared_store
from tests.server import private_redis

CORE, PUBSUB = "channels_redis.core.RedisChannelLayer", "channels_redis.pubsub.RedisPubSubChannelLayer"
SECONDS = 20


class Deaf(InMemoryChannelLayer):
    """What is sent to a single channel vanishes, as on a core layer with several hosts."""

    async def send(self, channel, message): ...

    async def group_send(self, group, message):
        for channel in self.groups[group]:
            await super().send(channel, message)


class Broken(InMemoryChannelLayer):
    async def send(self, channel, message):
        raise ConnectionError("away")


class Trying(SimpleTestCase):
    def setUp(self):
        self.enterContext(mock.patch.dict(observers, clear=True))
        self.enterContext(mock.patch.dict(meters, clear=True))
        self.enterContext(mock.patch.dict(canary._heard, clear=True))
        self.enterContext(mock.patch.object(jobs, "jobs", return_value=None))  # there is no database

    def found(self):
        with reporting() as agent:
            store = agent.store
            store.now = lambda: time.time() + 1  # seconds are shown when they are over
            return {finding.rule: finding for finding in diagnose(store)}


@pytest.mark.once
class CanaryTests(Trying):
    def listen(self, layer, times=2):
        observe("test", InMemoryChannelLayer(capacity=10_000))
        with mock.patch.object(canary, "ANSWER_SECONDS", 0.05):
            for _ in range(times):
                canary.listen("test", lambda: layer)

    def test_a_layer_that_works_tells_how_long_it_takes(self):
        self.listen(InMemoryChannelLayer())
        report = make_report(1, 0.0)
        self.assertEqual(set(report.row["layers"]["test"]["canary"]), {"send", "group"})
        self.assertGreaterEqual(report.gauges["max.canary.test"], 1)
        self.assertEqual(report.counters["test|canary.send"], 2)
        self.assertEqual({rule for rule in self.found() if rule.startswith("canary")}, set())

    def test_a_layer_that_loses_direct_messages(self):
        self.listen(Deaf())
        self.assertIsNone(canary.heard("test")["send"])
        self.assertIsNotNone(canary.heard("test")["group"])
        found = self.found()
        self.assertIn("Of 2 messages", found["canary.send"].evidence)
        self.assertNotIn("canary.group", found)

    def test_one_that_was_lost_may_have_met_a_restart(self):
        self.listen(Deaf(), times=1)
        self.assertNotIn("canary.send", self.found())

    def test_a_layer_that_raises_is_told_by_the_doctor_and_not_by_the_log(self):
        with self.assertNoLogs(level=logging.WARNING):
            self.listen(Broken())
        self.assertIn("canary.failed", self.found())

    def test_a_layer_that_is_slow_and_not_one_that_was_slow_once(self):
        observe("test", InMemoryChannelLayer(capacity=10_000))
        for times, wanted in (((0.001, 0.4, 0.001), False), ((0.3, 0.001, 0.4), True)):
            canary._heard["test"] = [{"send": 0.001, "group": seconds} for seconds in times]
            self.assertEqual("canary.slow" in self.found(), wanted)

    @override_settings(CHANNEL_LAYERS={"test": {"BACKEND": "channels.layers.InMemoryChannelLayer"}})
    def test_in_memory_there_is_no_way_to_try(self):
        observe("test", InMemoryChannelLayer())
        self.assertFalse(canary.can_fail("test"))

    def test_an_agent_that_rests_and_one_that_is_told_not_to_send_nothing(self):
        with mock.patch.object(Canary, "_sing") as sing:
            agent = Agent(LocalStore(), {})  # as in tests
            agent.beat()
            bird = Canary()
            bird.beat()  # not due yet
            bird._due = 0.0
            with override_settings(DASHBOARD={"CANARY": False}):
                bird.beat()
            sing.assert_not_called()
            bird.beat()
            bird.beat()  # not due again
            bird.stop()
            self.assertEqual(sing.call_count, 1)


@pytest.mark.only_on("redis")
class CanaryWithRedisTests(Trying):
    def layers(self, backend, **config):
        """A watched layer of this kind, made as a project's settings have it."""
        from django.utils.module_loading import import_string

        hosts = [{"address": settings.REDIS_URL, "socket_timeout": 15}]
        config = {"hosts": hosts, "prefix": f"t{uuid4().hex[:8]}", **config}
        self.enterContext(override_settings(CHANNEL_LAYERS={"test": {"BACKEND": backend, "CONFIG": config}}))
        return observe("test", import_string(backend)(**config))

    def test_it_arrives_on_each_layer_and_is_nobodys_traffic(self):
        for backend in (CORE, PUBSUB):
            with self.subTest(backend):
                observer = self.layers(backend)
                bird = Canary()
                bird._sing()
                self.assertNotIn(None, canary.heard("test").values())
                self.assertEqual(set(canary.heard("test")), {"send", "group"})
                self.assertLess(max(canary.heard("test").values()), 1000 * SECONDS)
                self.assertEqual(
                    {name for name in counters() if name.startswith("test|")}, {"test|canary.send", "test|canary.group"}
                )
                self.assertEqual(observer.sizes(set()), {})
                self.assertGreater(bird.take_cost(), 0)
                with reporting() as agent:
                    (entry,) = ledger(agent.store)["layers"]
                self.assertEqual((entry["sent"], entry["enqueued"], entry["unaccounted"], entry["strange"]), (0, 0, 0, 0))
                meters.clear()

    def test_it_leaves_nothing_in_redis(self):
        observer = self.layers(CORE)
        Canary()._sing()
        (redis,) = connections(observer.layer)
        self.assertEqual(list(redis.scan_iter(observer.layer.prefix + "*")), [])

    @pytest.mark.services
    def test_several_hosts_of_the_core_layer_are_found_out_by_what_gets_lost(self):
        redis = self.enterContext(private_redis())
        hosts = [{"address": f"{redis.url.rpartition('/')[0]}/{number}", "socket_timeout": 15} for number in (0, 1)]
        self.layers(CORE, hosts=hosts)
        with mock.patch.object(canary, "ANSWER_SECONDS", 0.2):
            for _ in range(12):  # half of what is sent directly gets lost: all of it arrives once in some thousands of runs
                canary.listen("test", lambda: canary.another("test"))
        counted = counters()
        self.assertGreater(counted.get("test|canary.send_lost", 0), 0)
        self.assertNotIn("test|canary.group_lost", counted)

    def test_a_redis_that_is_away_is_no_error_in_the_log(self):
        for backend in (CORE, PUBSUB):
            with self.subTest(backend):
                self.layers(backend, hosts=[{"address": "redis://127.0.0.1:1/0"}])
                Canary()._sing()
                self.assertEqual(counters().get("test|canary.failed"), 1)
                meters.clear()

    def test_a_layer_that_cannot_be_made_twice_is_no_traceback(self):
        observer = self.layers(CORE)
        with mock.patch.object(type(observer.layer), "__init__", side_effect=RuntimeError("there can be only one")):
            Canary()._sing()
        self.assertEqual(counters().get("test|canary.failed"), 1)

    def test_it_is_shown_with_each_process(self):
        self.layers(CORE)
        Canary()._sing()
        with shared_store() as store, reporting(store) as agent:
            (row,) = agent.store.processes()
            self.assertEqual(set(row["layers"]["test"]["canary"]), {"send", "group"})
