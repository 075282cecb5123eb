"""Who is here: across tabs, processes, crashes and page changes."""

from datetime import timedelta
from unittest import mock
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.db.models.functions import Now

from chat import services
from realtime import presence
from realtime.hub import Hub
from realtime.models import Presence, Process
from realtime.presence import Person, Roster
from realtime.testing import Browser, RealtimeTestCase, rest


class RosterTests(RealtimeTestCase):
    def test_a_person_on_two_processes_leaves_with_the_second(self):
        roster = Roster()
        self.assertTrue(roster.add("a", Person(1, "ann")))
        self.assertFalse(roster.add("b", Person(1, "ann")))
        self.assertIsNone(roster.remove("a", 1))
        self.assertEqual(roster.remove("b", 1), Person(1, "ann"))

    def test_the_people_of_a_dead_process_are_gone(self):
        roster = Roster()
        roster.add("a", Person(1, "ann"))
        roster.add("b", Person(2, "bob"))
        self.assertEqual(roster.remove_processes({"a"}), [Person(2, "bob")])

    def test_the_database_corrects_what_hints_got_wrong(self):
        roster = Roster()
        roster.add("a", Person(1, "ann"))
        self.assertEqual(roster.replace([("a", 2, "bob")]), ([Person(2, "bob")], [Person(1, "ann")]))


class PresenceTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = get_user_model().objects.create_user("ann")
        self.bob = get_user_model().objects.create_user("bob")
        self.room = services.create_room(self.ann, name="Lobby")
        self.cursors = {self.room.group.replace(".", "_"): None}
        self.enterContext(mock.patch.object(presence, "WRITE_SECONDS", 0))
        self.enterContext(mock.patch.object(presence, "GRACE_SECONDS", 0))

    async def names(self, browser):
        snapshot = await browser.expect("realtime.presence.snapshot")
        return [person["name"] for person in snapshot["people"]]

    async def test_who_comes_is_seen_and_who_goes_too(self):
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**self.cursors)
            self.assertEqual(await self.names(ann), ["ann"])
            async with await Browser.open(self.bob) as bob:
                await bob.resume(**self.cursors)
                self.assertEqual(await self.names(bob), ["ann", "bob"])
                came = await ann.expect("realtime.presence.changed")
                self.assertEqual(([p["name"] for p in came["joined"]], came["count"]), (["bob"], 2))
            went = await ann.expect("realtime.presence.changed")
            self.assertEqual(([p["name"] for p in went["left"]], went["count"]), (["bob"], 1))

    async def test_a_database_that_is_away_for_a_moment_hides_nobody_for_long(self):
        other = await Process.objects.acreate(pk=uuid4(), host="other", pid=1, until=Now() + timedelta(seconds=9))
        await Presence.objects.acreate(process=other, feed=self.room.group, user=self.bob)
        async with await Browser.open(self.ann) as ann:
            with mock.patch.object(presence, "_read_rosters", side_effect=DatabaseError):
                await ann.resume(**self.cursors)
                self.assertEqual(await self.names(ann), ["ann"])
            await Hub.here().presence.check()
            came = await ann.expect("realtime.presence.changed")
            self.assertEqual([person["name"] for person in came["joined"]], ["bob"])

    async def test_a_second_tab_neither_comes_nor_goes(self):
        async with await Browser.open(self.ann) as ann, await Browser.open(self.bob) as bob:
            await ann.resume(**self.cursors)
            await bob.resume(**self.cursors)
            await ann.expect("realtime.presence.changed")
            async with await Browser.open(self.bob) as tab:
                await tab.resume(**self.cursors)
                await self.names(tab)
            await ann.nothing("realtime.presence.changed")

    async def test_a_process_that_stops_renewing_its_lease_is_dropped(self):
        dead = await Process.objects.acreate(pk=uuid4(), host="dead", pid=1, until=Now() + timedelta(seconds=9))
        await Presence.objects.acreate(process=dead, feed=self.room.group, user=self.bob)
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**self.cursors)
            self.assertEqual(sorted(await self.names(ann)), ["ann", "bob"])
            await Process.objects.filter(pk=dead.pk).aupdate(until=Now() - timedelta(seconds=1))
            await Hub.here().presence.check()
            went = await ann.expect("realtime.presence.changed")
            self.assertEqual([person["name"] for person in went["left"]], ["bob"])

    async def test_the_last_socket_takes_the_lease_with_it(self):
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**self.cursors)
            await self.names(ann)
        self.assertEqual((await Process.objects.acount(), await Presence.objects.acount()), (0, 0))

    async def test_who_is_gone_before_it_was_written_leaves_the_screens_too(self):
        with mock.patch.object(presence, "WRITE_SECONDS", 60):
            async with await Browser.open(self.ann) as ann:
                await ann.resume(**self.cursors)
                await self.names(ann)
                async with await Browser.open(self.bob) as bob:
                    await bob.resume(**self.cursors)
                    await ann.expect("realtime.presence.changed")
                went = await ann.expect("realtime.presence.changed")
                self.assertEqual([person["name"] for person in went["left"]], ["bob"])

    async def test_who_comes_back_sees_who_is_there_now_and_not_who_was_then(self):
        other = await Process.objects.acreate(pk=uuid4(), host="other", pid=1, until=Now() + timedelta(seconds=9))
        row = await Presence.objects.acreate(process=other, feed=self.room.group, user=self.bob)
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**self.cursors)
            self.assertEqual(sorted(await self.names(ann)), ["ann", "bob"])
            await ann.send({"type": "realtime.feed.leave", "feed": self.room.group})
            await ann.nothing("realtime.presence.changed")
            await row.adelete()  # of which nobody tells this process: it no longer follows the room
            await ann.resume(**self.cursors)
            self.assertEqual(await self.names(ann), ["ann"])

    async def test_the_pause_of_somebody_else_does_not_end_the_grace_of_the_last_one(self):
        hub = Hub.here()
        with mock.patch("realtime.testing.rest"):  # which would end both
            with mock.patch.object(presence, "GRACE_SECONDS", 0.3):
                async with await Browser.open(self.ann) as ann:
                    await ann.resume(**self.cursors)
                (pause,) = [task for task in hub._background if "_rest" in str(task)]
            with mock.patch.object(presence, "GRACE_SECONDS", 60):
                async with await Browser.open(self.bob) as bob:
                    await bob.resume(**self.cursors)
            await pause
        self.assertEqual(await Process.objects.acount(), 1)
        await rest()
