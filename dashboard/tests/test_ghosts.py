"""Members that dead processes left behind go when staff say so; nobody who may live loses a group."""

import asyncio
import time
from contextlib import contextmanager
from threading import Thread
from unittest import mock
from uuid import uuid4

import pytest
from django.conf import settings
from django.test import SimpleTestCase, TestCase

from dashboard import ghosts, services
from dashboard.backlog import connections
from dashboard.models import StaffAction
from dashboard.report import EMPTY, FORMAT, Report
from dashboard.services import Refused
from dashboard.store import Unreachable
from dashboard.tests.running import person, reporting
from dashboard.tests.stores import shared_store

LONG_AGO = 100_000.0


class Place:
    """A core layer in Redis, and a store that knows some of its processes."""

    def setUp(self):
        from channels_redis.core import RedisChannelLayer

        self.store = self.enterContext(shared_store())
        hosts = [{"address": settings.REDIS_URL, "socket_timeout": 15}]
        self.layer = RedisChannelLayer(hosts=hosts, prefix=f"t{uuid4().hex[:8]}", group_expiry=1_000_000)
        (self.redis,) = connections(self.layer)
        self.addCleanup(self.clean)
        self.enterContext(mock.patch.object(ghosts, "core_layers", lambda: {"test": self.layer}))
        self.enterContext(mock.patch.object(ghosts, "UNREAD_SECONDS", 0.3))
        ghosts._numbers.clear()

    def clean(self):
        for key in self.redis.scan_iter(self.layer.prefix + "*"):
            self.redis.delete(key)

    def process(self, name, **row):
        """One that has reported, with an inbox of this name."""
        layers = {"test": {"inbox": f"{name}!", "capacity": 100}}
        row = EMPTY | {"format": FORMAT, "boot": name, "host": "h", "pid": 1, "role": "daphne", "layers": layers} | row
        self.store.flush(Report(name, 1, row=row), {})

    def join(self, group, *channels, at=0.0):
        self.redis.zadd(self.layer._group_key(group), dict.fromkeys(channels, at or time.time()))

    def members(self, group):
        return {member.decode() for member in self.redis.zrange(self.layer._group_key(group), 0, -1)}

    def later(self, seconds):
        self.store.now = lambda: time.time() + seconds

    @contextmanager
    def reading(self, channel):
        """Somebody waits for messages on this channel, and for whatever else comes into its inbox."""
        loop = asyncio.new_event_loop()
        thread = Thread(target=loop.run_until_complete, args=[self.receive(channel)])
        thread.start()
        try:
            yield
        finally:
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
            thread.join()
            loop.close()

    async def receive(self, channel):
        try:
            await self.layer.receive(channel)
        except asyncio.CancelledError:
            await self.layer.close_pools()


@pytest.mark.only_on("redis")
class GhostTests(Place, SimpleTestCase):
    def found(self):
        return {member.decode() for members in ghosts.find(self.store).members.values() for member in members}

    def test_members_of_processes_that_ended_are_ghosts_and_others_are_not(self):
        self.process("alive")
        self.process("killed")
        self.store.vouch("killed", False)
        self.process("stopped")
        self.store.leave("stopped")
        self.join("room", "specific.alive!1", "specific.killed!1", "specific.killed!2", "specific.stopped!1", "a-worker")
        self.store.redis.hset(self.store._key("marks"), "1", 0)  # a second later,
        self.process("second")  # when a report finds that one is lost
        self.later(100)
        self.assertEqual(self.found(), {"specific.killed!1", "specific.killed!2", "specific.stopped!1"})

    def test_a_lease_that_is_over_for_a_short_time_proves_nothing(self):
        self.process("stopped")
        self.store.leave("stopped")
        self.join("room", "specific.stopped!1", at=LONG_AGO)
        self.later(30)
        self.assertEqual(self.found(), set())
        self.later(100)
        self.assertEqual(self.found(), {"specific.stopped!1"})

    def test_a_process_that_stands_still_keeps_its_groups(self):
        """Its row is there, however old, while somebody vouches for it."""
        self.process("stalled")
        self.join("room", "specific.stalled!1", at=LONG_AGO)
        self.later(100_000)
        self.assertEqual(self.found(), set())

    def test_a_process_that_reads_its_inbox_lives_whatever_the_store_knows(self):
        """It is cut off from the store, or has no dashboard."""
        channel = f"specific.{self.layer.client_prefix}!1"
        self.join("room", channel, "specific.dead!1", at=LONG_AGO)
        with self.reading(channel):
            ghosts_found = ghosts.find(self.store)
        self.assertEqual([*ghosts_found.members.values()], [[b"specific.dead!1"]])
        self.assertEqual(ghosts_found.spared, 1)

    def test_who_is_not_known_and_joined_lately_may_have_just_begun(self):
        self.join("room", "specific.new!1")
        self.join("other", "specific.new!2", at=LONG_AGO)
        self.assertEqual(self.found(), set())

    def test_while_other_code_runs_somewhere_nobody_is_dead(self):
        self.join("room", "specific.dead!1", at=LONG_AGO)
        self.process("newer", format=FORMAT + 1)
        self.assertEqual(self.found(), set())

    def test_exactly_what_was_found_is_removed_in_small_portions(self):
        many = {f"specific.dead!{number}" for number in range(20)}
        self.join("room", *many, at=LONG_AGO)
        self.join("hall", "specific.dead!x", "specific.dead!y", at=LONG_AGO)
        with mock.patch.object(ghosts, "CHUNK", 6):
            found = ghosts.find(self.store)
            self.join("room", "specific.dead!later", at=LONG_AGO)
            portions = list(ghosts.remove(self.store, found))
        self.assertEqual((found.total, sum(portions)), (22, 22))
        self.assertLessEqual(max(portions), 6)
        self.assertEqual((self.members("room"), self.members("hall")), ({"specific.dead!later"}, set()))

    def test_a_process_that_comes_back_in_the_meantime_keeps_its_groups(self):
        self.join("room", "specific.back!1", "specific.dead!1", at=LONG_AGO)
        found = ghosts.find(self.store)
        self.process("back")
        self.assertEqual((found.total, sum(ghosts.remove(self.store, found))), (2, 1))
        self.assertEqual(self.members("room"), {"specific.back!1"})

    def test_looking_leaves_nothing_in_the_inboxes_of_the_dead(self):
        self.join("room", "specific.dead!1", at=LONG_AGO)
        ghosts.find(self.store)
        self.assertEqual(self.redis.exists(f"{self.layer.prefix}specific.dead!"), 0)

    def test_groups_whose_prefix_looks_like_a_pattern(self):
        self.layer.prefix = f"t[{uuid4().hex[:8]}]*"
        self.join("room", "specific.dead!1", at=LONG_AGO)
        self.assertEqual(self.found(), {"specific.dead!1"})
        self.redis.delete(self.layer._group_key("room"))

    def test_one_group_says_how_many_it_has(self):
        self.process("alive")
        self.join("room", "specific.alive!1", "specific.dead!1", "specific.dead!2", at=LONG_AGO)
        self.assertEqual(ghosts.of_group(self.store, "room"), 2)
        self.assertEqual(ghosts.of_group(self.store, "empty"), 0)

    def test_a_redis_that_is_away_is_told(self):
        away = type(self.layer)(hosts=[{"address": "redis://127.0.0.1:1/0", "socket_timeout": 15}])
        with mock.patch.object(ghosts, "core_layers", lambda: {"test": away}):
            self.assertEqual(ghosts.of_group(self.store, "room"), 0)
            with self.assertRaises(Unreachable):
                ghosts.find(self.store)


@pytest.mark.only_on("redis")
class ReapTests(Place, TestCase):
    def setUp(self):
        super().setUp()
        self.join("room", "specific.dead!1", "specific.dead!2", at=LONG_AGO)
        self.enterContext(reporting(self.store))
        self.client.force_login(person("rea", "reap", is_staff=True))

    def post(self, **data):
        return self.client.post("/dashboard/ghosts/reap/", data, follow=True)

    def test_a_dry_run_says_how_many_and_removes_nothing(self):
        answer = self.post(look="1")
        self.assertContains(answer, "2 ghosts were found.")
        self.assertContains(answer, "Remove 2 ghosts")
        self.assertEqual((len(self.members("room")), StaffAction.objects.count()), (2, 0))
        self.assertContains(self.client.get("/dashboard/groups/room/"), "2 ghosts")

    def test_what_is_removed_is_written_down(self):
        self.assertContains(self.post(remove="2", reason="deploy"), "2 ghosts were removed.")
        self.assertEqual(self.members("room"), set())
        action = StaffAction.objects.get()
        self.assertEqual((action.username, action.action, action.target, action.reason), ("rea", "reap", "1 groups", "deploy"))
        self.assertEqual(action.result, "2 of 2 ghosts of 1 processes")

    def test_more_than_the_person_was_told_of_are_not_removed(self):
        self.assertContains(self.post(remove="1"), "Nothing was removed")
        self.assertEqual((len(self.members("room")), StaffAction.objects.count()), (2, 0))

    def test_what_was_removed_is_written_down_also_when_redis_goes_away_amid_it(self):
        boss = person("boss", is_staff=True, is_superuser=True)

        def broken(*_):
            yield 1
            raise Unreachable("cut")

        with mock.patch.object(ghosts, "remove", broken), self.assertRaises(Unreachable):
            services.reap(self.store, boss, 2)
        self.assertEqual(StaffAction.objects.get().result, "1 of 2 ghosts of 1 processes, and was broken off")

    def test_who_may_only_look_sees_what_was_found_and_no_button(self):
        self.post(look="1")
        self.client.force_login(person("sid", is_staff=True))
        page = self.client.get("/dashboard/ghosts/")
        self.assertContains(page, "dashboard.reap")
        self.assertNotContains(page, '<button class="button button--danger"')

    def test_the_number_that_was_told_must_be_one(self):
        with self.assertRaises(Refused):
            services.reap(self.store, person("boss", is_staff=True, is_superuser=True), 0)
