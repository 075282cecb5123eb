"""Outgoing webhooks: what is said in a room arrives elsewhere, in order and at least once, and costs who says it nothing."""

import json
from contextlib import closing
from datetime import timedelta
from threading import Event, Thread
from unittest import mock
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import TransactionTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat import services
from chat.models import ModerationAction, OutgoingHook, Room
from chat.services import forwarding, outgoing
from chat.tests.people import Place
from realtime import jobs
from realtime.limits import unlimited
from realtime.models import Job
from realtime.protocol import Refusal
from realtime.signals import user_notified
from realtime.testing import RealtimeTestCase, forget_limits
from realtime.webhooks import FAILING
from tests.receiver import check_signature, receiver

EVENTS = ["posted", "edited", "deleted"]


class OutgoingCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.receiver = self.enterContext(receiver())
        self.enterContext(override_settings(DEBUG=True))  # so that 127.0.0.1 may be called
        self.place = Place()
        self.room = self.place.room
        self.hook = self.make_hook()

    def make_hook(self, events=EVENTS, user=None):
        user = user or self.place.moderator
        return services.create_outgoing_hook(user, self.room.pk, "Archive", self.receiver.url, events)

    def say(self, body):
        return self.place.say(self.place.member, body)

    def edit(self, message, body):
        services.edit_message(self.place.member, self.room.pk, message.pk, body, uuid4())

    def delete(self, message):
        services.delete_message(self.place.member, self.room.pk, message.pk, uuid4())

    def calls(self):
        return [json.loads(body) for _, body in self.receiver.heard]

    def heard(self):
        """What the receiver was told: `["posted Ahoy", ...]`."""
        return [f"{said['type'].removeprefix('chat.message.')} {said['body']}".strip() for said in self.calls()]

    def state(self):
        self.hook.refresh_from_db()
        return self.hook

    def time_passes(self):
        """Whatever waits for a time is due."""
        Job.objects.update(run_after=timezone.now())
        OutgoingHook.objects.update(held_until=None)


class DeliveryTests(OutgoingCase):
    def test_what_is_said_is_posted_signed_and_in_order(self):
        message = self.say("Ahoy <b>")
        jobs.run_due()
        self.edit(message, "Ahoy, all")
        jobs.run_due()
        self.delete(message)
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted Ahoy <b>", "edited Ahoy, all", "deleted"])
        for headers, body in self.receiver.heard:
            check_signature(self.hook.secret, headers, body)
        posted, edited, deleted = self.calls()
        self.assertEqual({said["id"] for said in (posted, edited, deleted)}, {message.pk})
        self.assertTrue(posted["rev"] < edited["rev"] < deleted["rev"])
        self.assertEqual((posted["author_name"], posted["via"], posted["kind"]), ("member", "person", "text"))
        self.assertEqual(posted["room"], {"id": self.room.pk, "name": "harbour"})
        self.assertEqual((Job.objects.count(), self.state().failing_since), (0, None))
        self.assertIsNotNone(self.hook.sent_at)

    def test_what_was_said_before_it_was_made_stays_here(self):
        self.hook.delete()
        message = self.say("before")
        self.make_hook()
        self.edit(message, "changed after")
        self.say("after")
        jobs.run_due()
        self.assertEqual(self.heard(), ["edited changed after", "posted after"])

    def test_many_messages_are_one_job(self):
        for number in range(5):
            self.say(f"{number}")
        self.assertEqual(Job.objects.count(), 1)
        jobs.run_due()
        self.assertEqual(self.heard(), [f"posted {number}" for number in range(5)])

    def test_a_message_that_was_edited_on_the_way_keeps_its_place_and_is_told_with_its_last_words(self):
        first = self.say("first")
        self.say("second")
        self.edit(first, "first, corrected")
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted first, corrected", "posted second", "edited first, corrected"])
        posted, _, edited = self.calls()
        self.assertEqual((posted["id"], posted["rev"]), (edited["id"], edited["rev"]))

    def test_a_message_that_was_deleted_on_the_way_tells_no_words(self):
        self.delete(self.say("secret"))
        jobs.run_due()
        self.assertEqual(self.heard(), ["deleted"])
        self.assertNotIn("secret", str(self.receiver.heard))

    def test_a_reaction_is_no_news_and_hides_none(self):
        message = self.say("Ahoy")
        services.set_reaction(self.place.owner, self.room.pk, message.pk, "👍", True, uuid4())
        jobs.run_due()
        services.set_reaction(self.place.owner, self.room.pk, message.pk, "🎉", True, uuid4())
        self.assertEqual(Job.objects.count(), 0)
        self.say("and again")
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted Ahoy", "posted and again"])

    def test_each_hears_of_what_it_asked_for(self):
        self.hook.delete()
        for event, expected in [("posted", "posted dos"), ("edited", "edited dos"), ("deleted", "deleted")]:
            hook = self.make_hook([event])
            one, two = self.say("one"), self.say("two")
            self.edit(two, "dos")
            self.delete(one)
            jobs.run_due()
            with self.subTest(event):
                self.assertEqual(self.heard(), [expected])
                self.room.refresh_from_db()
                hook.refresh_from_db()
                self.assertEqual(hook.sent_rev, self.room.rev)  # what it does not want is not looked at again
            hook.delete()
            self.receiver.heard.clear()

    def test_programs_are_told_apart_from_people(self):
        _, secret = services.create_hook(self.place.moderator, self.room.pk, "Builds")
        services.post_by_hook(secret, "Version 7")
        bot = services.create_bot(self.place.owner, "robot").user
        self.place.join(bot)
        self.place.say(bot, "Beep")
        services.change_room(self.place.owner, self.room.pk, topic="Ships")
        jobs.run_due()
        told = [(said["via"], said["kind"], said["author_name"]) for said in self.calls()]
        self.assertEqual(told, [("hook", "text", "Builds"), ("bot", "text", "robot"), ("person", "system", "owner")])

    @override_settings(SITE_URL="https://chat.example.org")
    def test_the_link_is_whole_where_the_site_knows_its_name(self):
        message = self.say("Ahoy")
        jobs.run_due()
        self.assertEqual(self.calls()[0]["url"], f"https://chat.example.org{message.get_absolute_url()}")

    def test_a_message_that_was_refused_is_not_told(self):
        with self.assertRaises(Refusal):
            self.place.say(self.place.muted, "Let me")
        self.assertEqual(Job.objects.count(), 0)


class FailureTests(OutgoingCase):
    def test_what_failed_comes_again_later_from_the_same_place_on_and_nothing_overtakes_it(self):
        self.receiver.status = 500
        for number in range(3):
            self.say(f"{number}")
            jobs.run_due()
        self.assertEqual(self.heard(), ["posted 0"])  # one call, and all that is said meanwhile waits with it
        job = Job.objects.get()
        self.assertAlmostEqual(job.run_after, timezone.now() + timedelta(seconds=10), delta=timedelta(seconds=5))
        self.assertEqual((self.state().failures, self.hook.last_error[:3]), (1, "500"))
        self.receiver.status = 200
        self.time_passes()
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted 0", "posted 0", "posted 1", "posted 2"])
        self.assertEqual((self.state().failures, self.hook.failing_since, self.hook.last_error), (0, None, ""))
        self.assertEqual(Job.objects.count(), 0)

    def test_failures_wait_longer_each_time_and_no_job_dies_of_them(self):
        self.receiver.status = 500
        self.say("Ahoy")
        waits = []
        for _ in range(jobs.ATTEMPTS + 1):
            self.time_passes()
            jobs.run_due()
            waits.append(Job.objects.get().run_after - timezone.now())
        self.assertEqual(Job.objects.dead().count(), 0)
        self.assertGreater(waits[-1], 10 * waits[0])

    def test_nothing_is_lost_when_the_worker_dies_after_a_call(self):
        self.say("one")
        self.say("two")
        with (
            mock.patch.object(forwarding._Turn, "has_worked", side_effect=KeyboardInterrupt),
            self.assertRaises(KeyboardInterrupt),
        ):
            jobs.run_due()
        self.say("three")
        jobs.run_due()  # somebody else looks, while the dead one's turn has not ended
        self.assertEqual(self.heard(), ["posted one"])
        self.time_passes()
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted one", "posted one", "posted two", "posted three"])
        self.assertEqual(self.receiver.heard[0][1], self.receiver.heard[1][1])  # the same id and rev
        self.assertEqual(Job.objects.count(), 0)

    def test_two_workers_do_not_call_it_at_once_and_the_second_leaves_the_first_what_it_came_for(self):
        now = timezone.now()
        first = forwarding._Turn(self.hook.pk, now, now + forwarding.LEASE)
        self.assertTrue(first.begin())
        self.say("Ahoy")
        jobs.run_due()
        self.assertEqual((self.heard(), Job.objects.get().run_after), ([], first.held_until))
        said = first.next()
        first.has_worked(said.rev)
        self.assertIsNone(first.next())
        self.assertLessEqual(Job.objects.get().run_after, timezone.now())  # or the next message would wait for it, too
        self.say("and again")
        jobs.run_due()
        self.assertEqual((said.event["body"], self.heard(), Job.objects.count()), ("Ahoy", ["posted and again"], 0))

    def test_who_comes_back_from_the_dead_changes_nothing(self):
        now = timezone.now()
        late, present = (forwarding._Turn(self.hook.pk, now, now + timedelta(minutes=n)) for n in (1, 2))
        late.begin()
        self.time_passes()
        present.begin()
        late.has_worked(99)
        late.has_failed(ValueError("late"))
        late.is_gone()
        self.assertIsNone(late.next())
        self.assertEqual((self.state().failures, self.hook.revoked_at, self.hook.held_until), (0, None, present.held_until))
        self.assertLess(self.hook.sent_rev, 99)

    def test_a_long_queue_lets_others_have_their_turn(self):
        self.say("Ahoy")
        with mock.patch.object(forwarding, "TURN", timedelta(0)):
            jobs.perform(jobs.claim())
        self.assertEqual((self.heard(), Job.objects.count()), ([], 1))
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted Ahoy"])

    def test_a_receiver_that_says_gone_is_called_no_more(self):
        self.receiver.status = 410
        self.say("one")
        self.say("two")
        jobs.run_due()
        self.say("three")
        self.assertEqual((self.heard(), Job.objects.count()), (["posted one"], 0))
        self.assertIsNotNone(self.state().revoked_at)
        self.assertFalse(Room.objects.get(pk=self.room.pk).has_outgoing_hooks)

    def test_a_redirect_is_not_followed(self):
        self.receiver.status, self.receiver.headers_sent = 302, {"Location": self.receiver.url}
        self.say("Ahoy")
        jobs.run_due()
        self.assertEqual((len(self.receiver.heard), self.state().last_error[:3]), (1, "302"))

    def test_a_name_that_leads_into_our_network_is_not_called(self):
        OutgoingHook.objects.update(url="https://rebinding.example/")
        self.say("Ahoy")
        inside = [(2, 1, 6, "", ("127.0.0.1", 443))]
        with override_settings(DEBUG=False), mock.patch("socket.getaddrinfo", return_value=inside):
            jobs.run_due()
        self.assertEqual((self.heard(), self.state().last_error), ([], "The address is not on the public Internet."))

    def fail_for_a_day(self):
        self.receiver.status = 500
        OutgoingHook.objects.update(failing_since=timezone.now() - FAILING)
        self.say("unheard")
        jobs.run_due()

    def told(self):
        told = []
        listen = lambda user, text, detail, **_: told.append((user, text, detail))  # noqa: E731
        user_notified.connect(listen, sender=OutgoingHook, weak=False)
        self.addCleanup(user_notified.disconnect, listen, sender=OutgoingHook)
        return told

    def test_what_has_failed_for_a_day_is_switched_off_and_its_maker_told(self):
        told = self.told()
        self.fail_for_a_day()
        self.say("unheard, too")
        self.assertEqual((self.heard(), Job.objects.count()), (["posted unheard"], 0))
        self.assertIsNotNone(self.state().off_at)
        text = "The webhook Archive of harbour is switched off: it has failed for a day"
        self.assertEqual(told, [(self.place.moderator, text, "500")])

    def test_when_its_maker_has_left_it_stays_and_the_owners_are_told(self):
        services.leave_room(self.place.moderator, self.room.pk)
        self.say("still here")
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted still here"])
        told = self.told()
        self.fail_for_a_day()
        self.assertEqual([user for user, *_ in told], [self.place.owner])

    def test_trying_it_with_success_switches_it_on_and_it_goes_on_where_it_stopped(self):
        self.fail_for_a_day()
        self.receiver.status = 200
        self.receiver.heard.clear()
        self.assertEqual(services.try_outgoing_hook(self.place.owner, self.room.pk, self.hook.pk), 200)
        jobs.run_due()
        self.assertEqual([said["type"] for said in self.calls()], ["chat.test", "chat.message.posted"])
        self.assertEqual((self.state().off_at, self.hook.failing_since), (None, None))


@pytest.mark.only_on("postgresql")  # the tests' SQLite is in memory, where tables are locked as a whole
class ManyAtOnceTests(TransactionTestCase):
    """People and workers in each other's way, each with a connection of their own: nothing is lost, doubled or overtaken."""

    def setUp(self):
        self.place = Place()
        self.receiver = self.enterContext(receiver())
        self.enterContext(override_settings(DEBUG=True))
        services.create_outgoing_hook(self.place.owner, self.place.room.pk, "Archive", self.receiver.url, EVENTS)

    def heard(self):
        return [json.loads(body)["seq"] for _, body in self.receiver.heard]

    def test_nothing_of_what_many_say_at_once_is_lost(self):
        is_over = Event()
        people = [Thread(target=self.talk) for _ in range(3)]
        workers = [Thread(target=self.work, args=[is_over]) for _ in range(2)]
        for thread in people + workers:
            thread.start()
        for thread in people:
            thread.join()
        is_over.set()
        for thread in workers:
            thread.join()
        self.assertEqual(self.heard(), list(range(1, 3 * 10 + 1)))
        self.assertEqual(Job.objects.count(), 0)

    def test_a_message_that_found_a_job_waiting_and_is_stored_after_that_job_has_begun_is_told(self):
        self.place.say(self.place.owner, "one")
        is_over = Event()
        is_over.set()
        worker = Thread(target=self.work, args=[is_over])
        with transaction.atomic():
            self.place.say(self.place.owner, "two")
            self.assertEqual(Job.objects.count(), 1)
            worker.start()
            while worker.is_alive() and not self.somebody_waits_for_us():
                pass
        worker.join()
        self.assertEqual((self.heard(), Job.objects.count()), ([1, 2], 0))

    def somebody_waits_for_us(self):
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT 1 FROM pg_locks waiting JOIN pg_locks held USING (transactionid)"
                " WHERE NOT waiting.granted AND held.granted AND held.pid = pg_backend_pid()"
            )
            return cursor.fetchone() is not None

    def talk(self):
        with unlimited(), closing(connection):
            for _ in range(10):
                services.post_message(services.Draft(self.place.room.pk, self.place.owner, "Ahoy", client_id=uuid4()))

    def work(self, is_over):
        with closing(connection):
            while jobs.run_due() or not is_over.is_set():
                pass


class CostTests(OutgoingCase):
    def queries_of(self, act):
        forget_limits()
        with CaptureQueriesContext(
            connection,
        ) as queries:
            act()
        return len(queries)

    def test_a_room_without_one_pays_nothing_and_a_room_with_some_two_queries(self):
        draft = lambda: services.Draft(self.room.pk, self.place.member, "Ahoy", client_id=uuid4())  # noqa: E731
        post = lambda: services.post_message(draft())  # noqa: E731
        post()
        with_one = self.queries_of(post)
        self.make_hook()
        with_two = self.queries_of(post)
        for hook in OutgoingHook.objects.all():
            services.revoke_outgoing_hook(self.place.owner, self.room.pk, hook.pk)
        without = self.queries_of(post)
        self.assertEqual((with_one - without, with_two - without), (2, 2))


class ServiceTests(OutgoingCase):
    def refused(self, act, *args):
        with self.assertRaises(Refusal) as caught:
            act(*args)
        return caught.exception

    def test_who_may_try_one(self):
        for place in ("owner", "moderator"):
            self.assertEqual(services.try_outgoing_hook(getattr(self.place, place), self.room.pk, self.hook.pk), 200)
        for place in ("member", "muted", "banned", "left", "stranger", "staff"):
            refusal = self.refused(services.try_outgoing_hook, getattr(self.place, place), self.room.pk, self.hook.pk)
            self.assertIn(refusal.code, {"not_allowed", "banned"})
        elsewhere = Place(name="elsewhere").room
        self.assertEqual(self.refused(services.try_outgoing_hook, self.place.owner, elsewhere.pk, self.hook.pk).code, "not_found")
        self.assertEqual(len(self.receiver.heard), 2)

    def test_a_test_that_fails_says_why(self):
        for status, words in ((500, "It did not work: 500"), (410, "wants to hear no more")):
            self.receiver.status = status
            refusal = self.refused(services.try_outgoing_hook, self.place.owner, self.room.pk, self.hook.pk)
            self.assertIn(words, refusal.message)

    def test_addresses_that_are_not_public_are_refused(self):
        with override_settings(DEBUG=False):
            for url in ["http://example.org/", "https://127.0.0.1/", "https://[fd00::1]/", "file:///etc/passwd", "", "x" * 600]:
                refusal = self.refused(services.create_outgoing_hook, self.place.owner, self.room.pk, "x", url, ["posted"])
                self.assertEqual((refusal.code, refusal.field), ("bad_value", "url"), url)

    def test_names_and_events_are_checked(self):
        make = services.create_outgoing_hook
        for name in ["", "a" * 81, "a\u202eb"]:
            self.assertEqual(self.refused(make, self.place.owner, self.room.pk, name, self.receiver.url, EVENTS).field, "name")
        for events in [[], ["posted", "typed"]]:
            self.assertEqual(self.refused(make, self.place.owner, self.room.pk, "x", self.receiver.url, events).field, "events")

    def test_a_room_has_so_many_and_no_more(self):
        with mock.patch.object(outgoing, "OUTGOING_PER_ROOM", 1), self.assertRaisesMessage(Refusal, "1 outgoing webhooks"):
            self.make_hook()

    def test_one_that_was_revoked_sends_nothing_more_not_even_what_waits(self):
        self.say("Ahoy")
        services.revoke_outgoing_hook(self.place.owner, self.room.pk, self.hook.pk)
        jobs.run_due()
        self.assertEqual((self.heard(), Job.objects.count()), ([], 0))
        self.assertEqual(self.refused(services.try_outgoing_hook, self.place.owner, self.room.pk, self.hook.pk).code, "not_found")

    def test_an_archived_room_says_nothing_new_and_still_tells_that_something_is_gone(self):
        message = self.say("Ahoy")
        services.archive_room(self.place.owner, self.room.pk)
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted Ahoy"])  # it was said before
        self.delete(message)
        jobs.run_due()
        self.assertEqual(self.heard(), ["posted Ahoy", "deleted"])
        self.assertEqual(self.refused(self.make_hook).code, "archived")
        self.assertEqual(self.refused(services.try_outgoing_hook, self.place.owner, self.room.pk, self.hook.pk).code, "archived")

    def test_making_and_revoking_is_in_the_log_without_what_may_be_secret_of_the_address(self):
        services.revoke_outgoing_hook(self.place.owner, self.room.pk, self.hook.pk)
        services.revoke_outgoing_hook(self.place.owner, self.room.pk, self.hook.pk)
        kinds = [(action.kind, action.actor, action.detail) for action in ModerationAction.objects.all()]
        where = f"Archive: {self.receiver.url.removesuffix('hook?x=1')}…"
        self.assertEqual(kinds, [("end_outgoing", self.place.owner, where), ("add_outgoing", self.place.moderator, where)])

    def test_a_worker_that_comes_for_one_that_is_gone_does_nothing(self):
        services.forward(self.hook.pk + 99)
        self.assertEqual(self.heard(), [])


class PageTests(OutgoingCase):
    def setUp(self):
        super().setUp()
        self.client.force_login(self.place.moderator)

    def url(self, name, *args):
        return reverse(f"chat:{name}", args=[self.room.pk, *args])

    def test_the_page_shows_the_secret_once(self):
        fields = {"name": "Search", "url": self.receiver.url, "events": ["posted"]}
        answer = self.client.post(self.url("outgoing_create"), fields)
        hook = OutgoingHook.objects.get(name="Search")
        self.assertContains(answer, hook.secret)
        self.assertIn("no-store", answer["Cache-Control"])
        listed = self.client.get(self.url("outgoing_list"))
        for hidden in (hook.secret, "hook?x=1"):
            self.assertNotContains(listed, hidden)

    def test_mistakes_are_shown_in_the_form(self):
        for fields in [{"name": "Search"}, {"name": "Search", "url": "ftp://x/", "events": ["posted"]}]:
            answer = self.client.post(self.url("outgoing_create"), fields)
            self.assertContains(answer, "errorlist", status_code=422)

    def test_the_list_says_how_each_is_doing(self):
        now = timezone.now()
        for state, shown in [
            ({}, "nothing sent yet"),
            ({"sent_at": now}, "last call that worked:"),
            ({"failing_since": now, "last_error": "500 Ouch"}, "500 Ouch"),
            ({"off_at": now}, "switched off"),
            ({"revoked_at": now}, "revoked"),
        ]:
            OutgoingHook.objects.update(**state)
            self.assertContains(self.client.get(self.url("outgoing_list")), shown)

    def test_trying_and_revoking_by_the_page(self):
        answer = self.client.post(self.url("outgoing_try", self.hook.pk), follow=True)
        self.assertContains(answer, "It answered with 200.")
        self.receiver.status = 500
        self.assertContains(self.client.post(self.url("outgoing_try", self.hook.pk), follow=True), "It did not work: 500")
        self.client.post(self.url("outgoing_revoke", self.hook.pk))
        self.assertIsNotNone(self.state().revoked_at)

    def test_it_says_what_it_is_for_when_there_is_none(self):
        OutgoingHook.objects.all().delete()
        self.assertContains(self.client.get(self.url("outgoing_list")), "Let other programs listen")
