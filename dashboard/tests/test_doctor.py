"""The doctor finds what ails a layer, and nothing where nothing does; alerts begin, end, and reach the staff."""

import asyncio
import time
from contextlib import ExitStack, closing
from io import StringIO
from unittest import mock

import pytest
from channels.layers import InMemoryChannelLayer
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.test import SimpleTestCase, TestCase, override_settings

from dashboard import alerts, jobs
from dashboard.layers import observe, observers
from dashboard.meter import meter_of, meters
from dashboard.queries import doctor_redis, groups
from dashboard.queries.doctor import RULES, Facts, diagnose
from dashboard.queries.doctor_layers import small_capacity
from dashboard.queries.processes import with_inboxes
from dashboard.report import EMPTY
from dashboard.tests.running import person, reporting
from dashboard.tests.stores import shared_store

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class DoctorTests(SimpleTestCase):
    def setUp(self):
        self.enterContext(mock.patch.dict(observers, clear=True))  # layers of other tests may really ail
        self.enterContext(mock.patch.dict(meters, clear=True))  # and have really lost something
        self.enterContext(mock.patch.object(jobs, "jobs", return_value=None))  # there is no database

    def findings(self, layer=None):
        if layer is not None:
            observe("test", layer)
        with reporting() as agent:
            return {finding.rule: finding for finding in diagnose(agent.store)}

    def test_every_finding_says_what_is_seen_what_follows_and_what_to_do(self):
        for finding in self.findings(InMemoryChannelLayer()).values():
            with self.subTest(finding.rule):
                self.assertTrue(finding.title and finding.evidence and finding.consequence and finding.cure)

    def test_rules_that_find_nothing_find_nothing(self):
        found = self.findings(InMemoryChannelLayer(capacity=10_000))
        self.assertEqual(set(found) - {"debug"}, set())

    def test_a_small_capacity_in_memory(self):
        self.assertIn("capacity", self.findings(InMemoryChannelLayer()))

    def test_a_layer_that_is_seen_from_outside_only(self):
        class Own(InMemoryChannelLayer): ...

        self.assertIn("limited", self.findings(Own()))

    def test_lost_messages_by_how_they_were_lost(self):
        observe("test", InMemoryChannelLayer(capacity=10_000))
        with reporting() as agent:
            meter_of("test").count("lost.overflow", 3)
            agent.beat()
            a_second_later(agent.store)
            found = {finding.rule: finding for finding in diagnose(agent.store)}
        self.assertIn("3 in the last five minutes", found["lost.overflow"].evidence)
        self.assertEqual(found["lost.overflow"].level, "critical")

    @override_settings(DEBUG=True)
    def test_debug(self):
        self.assertIn("debug", self.findings())

    def test_the_worst_comes_first(self):
        with reporting() as agent, override_settings(DEBUG=True):
            meter_of("test").count("lost.full")
            agent.beat()
            a_second_later(agent.store)
            levels = [finding.level for finding in diagnose(agent.store)]
        self.assertEqual(levels, sorted(levels, key=["critical", "warning", "hint"].index))

    def test_the_idle_sockets_of_the_tutorial(self):
        """Channels' tutorial gives a host and a port; redis-py 8 then gives up at the very moment the layer does."""
        core = pytest.importorskip("channels_redis.core")
        self.assertIn("timeout", self.findings(core.RedisChannelLayer(hosts=[("127.0.0.1", 6379)])))
        cured = core.RedisChannelLayer(hosts=[{"address": "redis://127.0.0.1:6379", "socket_timeout": 15}])
        self.assertNotIn("timeout", self.findings(cured))

    def test_several_hosts_of_the_core_layer(self):
        core = pytest.importorskip("channels_redis.core")
        hosts = [{"address": f"redis://127.0.0.1:{port}", "socket_timeout": 15} for port in (6379, 6380)]
        with mock.patch("dashboard.queries.doctor_redis._members", return_value=(0, 0)):
            self.assertIn("shards", self.findings(core.RedisChannelLayer(hosts=hosts)))

    def test_a_layer_of_jobs_has_no_members_that_could_miss_something(self):
        with reporting() as agent:
            agent.store.processes = lambda: [{**EMPTY, "boot": "a", "host": "h", "age": 0.1, "vouched": False, **facts}]
            layer = {"kind": "Redis, one inbox per process", "exactness": "full", "inbox": "", "capacity": 100, "named": {}}
            for members, wanted in ((0, False), (3, True)):
                facts = {"gauges": {"connections": 50}, "layers": {"jobs": {**layer, "members": members}}}
                self.assertEqual("capacity" in {finding.rule for finding in small_capacity(Facts(agent.store))}, wanted)

    def test_how_full_an_inbox_is_is_known_from_redis(self):
        layer = {"kind": "Redis, one inbox per process", "inbox": "specific.a!", "capacity": 100, "fullest": 2}
        (row,) = with_inboxes([{"gauges": {}, "layers": {"default": layer}}], {"default": {"inboxes": {"specific.a!": 80}}})
        self.assertEqual((row["gauges"]["max.fill.default"], row["layers"]["default"]["fullest"]), (800, 80))

    def test_processes_by_what_they_report(self):
        row = {
            "name": "daphne 1",
            "host": "h",
            "role": "daphne",
            "pid": 1,
            "state": "live",
            "age": 0.5,
            "lag": 5.0,
            "connections": 3,
            "buffer": 0,
            "layers": {},
            "gauges": {},
            "version": "a",
            "started": time.time(),
        }
        cases = {
            "stalled": {"state": "stalled", "age": 7.0},
            "lag": {"lag": 400.0},
            "slow": {"buffer": 5_000_000},
            "clock": {"offset": 0.3},
            "left behind": {"gauges": {"ghosts": 4}},
        }
        for rule, change in cases.items():
            with self.subTest(rule), reporting() as agent:
                facts = Facts(agent.store)
                facts.processes = [{**row, **change}]
                self.assertIn(rule, {finding.rule for look in RULES for finding in look(facts)})
        with reporting() as agent:
            facts = Facts(agent.store)
            facts.processes = [row, {**row, "pid": 2, "version": "b"}]
            self.assertIn("versions", {finding.rule for look in RULES for finding in look(facts)})

    def test_layers_by_what_processes_report(self):
        memory = {"kind": "in memory", "exactness": "full", "inbox": "", "named": {}}
        served = {**EMPTY, "name": "daphne 1", "state": "live", "connections": 2, "lag": 0, "buffer": 0, "started": time.time()}
        job = {"sent": 3, "full": 0, "received": 0, "waiting": 0}
        with reporting() as agent:
            facts = Facts(agent.store)
            facts.processes = [{**served, "layers": {"default": memory}}]
            self.assertNotIn("memory", rules(facts))
            facts = Facts(agent.store)
            facts.processes = 2 * [{**served, "layers": {"default": memory}}]
            self.assertIn("memory", rules(facts))
            self.assertNotIn("unaccounted", rules(facts))
            facts.ledger = {"layers": [{"alias": "default", "unaccounted": 2, "enqueued": 9}], "classes": []}
            self.assertIn("unaccounted", rules(facts))
            self.assertNotIn("channel", rules(facts))
            agent.store.processes = lambda: [{**served, "layers": {"jobs": {**memory, "named": {"jobs": job}}}}]
            self.assertIn("channel", rules(facts))

    def test_a_process_older_than_the_groups_may_be(self):
        observe("test", InMemoryChannelLayer(capacity=10_000, group_expiry=60))
        with reporting() as agent:
            for members, wanted in ((0, False), (1, True)):
                facts = Facts(agent.store)
                layers = {"test": {"kind": "in memory", "exactness": "full", "inbox": "", "named": {}, "members": members}}
                facts.processes = [
                    {**EMPTY, "name": "a", "state": "live", "lag": 0, "buffer": 0, "connections": 1, "layers": layers}
                ]
                self.assertEqual("expiry" in rules(facts), wanted)

    def test_redis_by_what_it_says_of_itself(self):
        held = {"name": "a client", "held": 9_000_000, "subscribed": 1}
        for info, clients, wanted in (
            ({"maxmemory": 0}, [], set()),
            ({"evicted_keys": 3}, [], {"evictions"}),
            ({"maxmemory": 9, "maxmemory_policy": "allkeys-lru"}, [held], {"evictions", "buffer"}),
        ):
            found = {"info": info, "pubsub_clients": clients, "limit": ""}
            with reporting() as agent, mock.patch("dashboard.queries.redis.facts", return_value=found):
                agent.store.is_shared = True
                facts = Facts(agent.store)
                said = [*doctor_redis.redis_that_forgets(facts), *doctor_redis.subscribers_that_lag(facts)]
            self.assertEqual({finding.rule for finding in said}, wanted)

    def test_a_cache_in_the_redis_of_the_layer(self):
        with reporting() as agent, override_settings(DASHBOARD={"REDIS": "redis://one:6379/0", "AGENT": False}):
            for place, wanted in (("redis://one:6379/0", 1), (["redis://one:6379/1"], 0)):
                with override_settings(CACHES={"default": {"BACKEND": "x", "LOCATION": place}}):
                    self.assertEqual(len(list(doctor_redis.shared_with_a_cache(Facts(agent.store)))), wanted)

    def test_it_speaks_in_a_terminal_and_to_scripts(self):
        observe("test", InMemoryChannelLayer(capacity=10_000))
        with reporting() as agent:
            out = StringIO()
            call_command("channels_doctor", stdout=out)
            meter_of("test").count("lost.full")
            agent.beat()
            a_second_later(agent.store)
            with self.assertRaises(SystemExit):
                call_command("channels_doctor", stdout=out)
        self.assertIn("[critical] Messages are lost", out.getvalue())


@pytest.mark.only_on("redis")
class DoctorWithRedisTests(DoctorTests):
    def test_it_speaks_on_while_the_redis_of_a_layer_is_away(self):
        from channels_redis.core import RedisChannelLayer

        away = RedisChannelLayer(hosts=[{"address": "redis://127.0.0.1:1/0", "socket_timeout": 15}])
        with mock.patch.object(groups, "groups", return_value=groups.Page(groups.Query(), rows=[{"name": "room"}])):
            self.assertNotIn("ghosts", self.findings(away))

    def test_members_of_a_dead_process_on_the_core_layer(self):
        from channels_redis.core import RedisChannelLayer

        layer = RedisChannelLayer(hosts=[{"address": settings.REDIS_URL, "socket_timeout": 15}], prefix="t-ghosts")
        observe("test", layer)

        async def join():
            await layer.group_add("ghost.room", await layer.new_channel())
            await layer.group_add("ghost.room", "specific.deadbeef!one")
            await layer.close_pools()

        asyncio.run(join())
        with reporting() as agent:
            found = {finding.rule: finding for finding in diagnose(agent.store)}

        async def clean():
            await layer.flush()

        asyncio.run(clean())
        self.assertIn("1 member of groups", found["ghosts"].title)

    def test_a_process_that_takes_part_and_does_not_report(self):
        from channels_redis.pubsub import RedisPubSubChannelLayer

        observer = observe("test", RedisPubSubChannelLayer(hosts=[settings.REDIS_URL], prefix="t-unseen"))
        observer.group_prefix = "t-unseen__group__"
        known = groups.Page(groups.Query(), rows=[{"name": "room", "processes": 1}])
        with ExitStack() as stack:
            store = stack.enter_context(shared_store())
            stack.enter_context(mock.patch.object(groups, "groups", return_value=known))
            for wanted in (False, True):
                process = stack.enter_context(closing(store.redis.pubsub()))
                process.subscribe("t-unseen__group__room")
                process.get_message(timeout=5)
                self.assertEqual("unseen" in rules(Facts(store)), wanted)


class AlertTests(TestCase):
    def setUp(self):
        meters.pop("test", None)
        self.addCleanup(meters.pop, "test", None)

    def look(self, store):
        alerts._looked_at = 0.0
        alerts.look(store, store.processes())

    # On a busy machine something may really be late.
    @override_settings(DASHBOARD={"ALERTS": dict.fromkeys(alerts.THRESHOLDS) | {"lost": 0}, "AGENT": False})
    def test_one_begins_reaches_the_staff_once_and_ends(self):
        staff = person("sid", is_staff=True)
        person("mia")
        with reporting() as agent:
            meter_of("test").count("lost.full", 500)
            agent.beat()
            a_second_later(agent.store)
            for _ in range(3):
                self.look(agent.store)
            self.assertEqual(list(agent.store.recall("alerts")), ["lost"])
            self.assertEqual([event["kind"] for event in agent.store.events(5) if "alert" in event["kind"]], ["alert"])
            if apps.is_installed("notifications"):
                inbox = apps.get_model("notifications", "Notification").objects.filter(kind="dashboard.alert")
                self.assertEqual([notice.inbox_id for notice in inbox], [staff.pk])
            with mock.patch.object(alerts, "judge", return_value={}), mock.patch.object(alerts, "QUIET_SECONDS", -1):
                self.look(agent.store)
            self.assertEqual(agent.store.recall("alerts"), {})
            self.assertEqual(agent.store.events(1)[0]["kind"], "alert ended")

    @override_settings(DASHBOARD={"ALERTS": {"lost": None}, "AGENT": False})
    def test_one_can_be_switched_off(self):
        with reporting() as agent:
            meter_of("test").count("lost.full", 500)
            agent.beat()
            a_second_later(agent.store)
            self.assertNotIn("lost", alerts.judge(agent.store, agent.store.processes()))


def rules(facts):
    return {finding.rule for look in RULES for finding in look(facts)}


def a_second_later(store):
    """Seconds are shown when they are over."""
    store.now = lambda: time.time() + 1
