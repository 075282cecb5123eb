"""What the services promise, without any socket."""

from datetime import UTC, datetime, timedelta
from unittest import mock

from django.contrib.auth.models import User
from django.core import mail
from django.db import IntegrityError, connection, transaction
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from notifications import services
from notifications.models import Cause, Inbox, Notification
from notifications.services import News
from notifications.tests.people import InboxTestCase
from realtime import jobs
from realtime.models import Job
from realtime.protocol import Refusal
from realtime.signals import user_notification_withdrawn, user_notified
from realtime.testing import forget_limits


class TellingTests(InboxTestCase):
    def test_somebody_is_told(self):
        self.tell("Ahoy", url="/chat/")
        self.assertEqual((self.lines(), self.unread()), (["Ahoy"], 1))

    def test_the_same_key_tells_once(self):
        self.assertIsNotNone(self.tell(dedupe_key="one"))
        self.assertIsNone(self.tell(dedupe_key="one"))
        self.assertEqual(self.unread(), 1)

    def test_the_same_key_tells_each_person(self):
        self.tell(dedupe_key="one")
        self.assertIsNotNone(self.tell(user=self.bob, dedupe_key="one"))

    def test_nobody_is_told_of_their_own_doing(self):
        self.assertIsNone(self.tell(actor=self.ann))

    def test_who_cannot_log_in_is_not_told(self):
        self.ann.is_active = False
        self.ann.save()
        self.assertIsNone(self.tell())

    def test_a_group_is_one_line_that_counts_people(self):
        people = [User.objects.create_user(name) for name in ("cat", "dan", "eve")]
        for person in people:
            self.tell(f"{person} reacted", kind="chat.reaction", actor=person, group_key="m1", dedupe_key=f"r.{person.pk}")
        self.assertEqual((self.lines(), self.unread()), (["eve, dan and cat reacted to your message"], 1))

    def test_a_group_that_was_read_begins_anew(self):
        first = self.tell("one", group_key="g")
        services.mark(self.ann, [first.pk], "read")
        self.tell("two", group_key="g")
        self.assertEqual((self.lines(), self.unread()), (["one", "two"], 1))

    def test_the_table_itself_refuses_two_unread_lines_of_a_group(self):
        first = self.tell(group_key="g")
        first.pk = None
        with self.assertRaises(IntegrityError), transaction.atomic():
            first.save()

    def test_the_table_itself_refuses_the_same_cause_twice(self):
        self.tell(dedupe_key="one")
        cause = Cause.objects.get()
        cause.pk = None
        with self.assertRaises(IntegrityError), transaction.atomic():
            cause.save()

    def test_a_link_that_is_code_or_leads_astray_is_refused(self):
        for url in [
            "javascript:alert(1)",
            "data:text/html,x",
            "//evil.example",
            "/\\evil.example",
            "chat",
            "ja\nvascript:x",
            "http:",
        ]:
            with self.subTest(url), self.assertRaises(Refusal):
                self.tell(url=url)

    def test_a_rolled_back_cause_tells_nobody(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            user_notified.send(sender=None, user=self.ann, kind="x.y", text="Ahoy")
            raise ZeroDivisionError
        self.assertEqual((Notification.objects.count(), self.unread()), (0, 0))

    def test_a_bad_signal_does_not_cost_the_sender_anything(self):
        with self.assertLogs("notifications.receivers", "WARNING"):
            user_notified.send(sender=None, user=self.ann, kind="x.y", text="Ahoy", url="javascript:1")
        self.assertEqual(self.unread(), 0)

    def test_a_thousand_people_are_told_with_a_few_statements_each_five_hundred(self):
        User.objects.bulk_create([User(username=f"p{number}") for number in range(1000)])
        everybody = User.objects.filter(username__startswith="p")
        with CaptureQueriesContext(connection) as statements:
            self.assertEqual(services.notify_many(everybody, News("notifications.announcement", "Ahoy", dedupe_key="a")), 1000)
        self.assertLess(len(statements), 80)  # SQLite takes some hundred rows in each; PostgreSQL needs 25
        self.assertEqual(Inbox.objects.filter(unread_count=1, rev=1).count(), 1000)
        self.assertEqual(services.notify_many(everybody, News("notifications.announcement", "Ahoy", dedupe_key="a")), 0)


class WithdrawingTests(InboxTestCase):
    def test_the_reason_goes_and_the_notification_with_it(self):
        notification = self.tell("A secret", detail="secret", dedupe_key="one")
        user_notification_withdrawn.send(sender=None, user=self.ann, dedupe_key="one")
        notification.refresh_from_db()
        self.assertEqual((self.lines(), self.unread(), notification.text, notification.detail), ([], 0, "", ""))

    def test_one_of_several_reasons_goes(self):
        for name in ("cat", "dan"):
            actor = User.objects.create_user(name)
            self.tell(f"{name} reacted", kind="chat.reaction", actor=actor, group_key="m1", dedupe_key=name)
        services.withdraw(self.ann, "dan")
        self.assertEqual((self.lines(), self.unread()), (["cat reacted"], 1))

    def test_whoever_was_told_hears_that_it_is_gone(self):
        for person in (self.ann, self.bob):
            self.tell(user=person, dedupe_key="one")
        services.withdraw(None, "one")
        self.assertEqual(list(Inbox.objects.values_list("unread_count", flat=True)), [0, 0])

    def tell_many(self, count):
        people = User.objects.bulk_create([User(username=f"p{number}") for number in range(count)])
        services.notify_many(people, News("notifications.note", "Ahoy", dedupe_key="one"))

    def test_taking_it_back_costs_a_few_statements_however_many_were_told(self):
        self.tell_many(200)
        with CaptureQueriesContext(connection) as statements:
            services.withdraw(None, "one")
        self.assertLess(len(statements), 15)  # SQLite takes some hundred rows in each
        self.assertFalse(Cause.objects.exists() or Inbox.objects.filter(unread_count__gt=0).exists())

    def test_beyond_some_it_is_taken_back_by_jobs_which_leave_alone_what_was_told_anew(self):
        with mock.patch("notifications.services.withdrawing.RECIPIENTS", 2):
            self.tell_many(5)
            services.withdraw(None, "one")
            self.assertEqual(Inbox.objects.filter(unread_count=1).count(), 3)
            self.tell(dedupe_key="one")
            jobs.run_due()
        self.assertEqual(list(Inbox.objects.filter(unread_count=1)), [self.inbox])

    def test_what_was_never_told_is_not_missed(self):
        with self.assertNumQueries(3):  # the savepoint's two and a look
            services.withdraw(self.ann, "never")

    def test_it_may_be_told_again(self):
        self.tell(dedupe_key="one")
        services.withdraw(self.ann, "one")
        self.assertIsNotNone(self.tell(dedupe_key="one"))


class MarkingTests(InboxTestCase):
    def test_each_mark_and_its_opposite(self):
        notification = self.tell()
        for what, columns in {
            "read": (True, False, False),
            "saved": (True, False, True),
            "done": (True, True, True),
            "undone": (True, False, True),
            "unsaved": (True, False, False),
            "unread": (False, False, False),
        }.items():
            services.mark(self.ann, [notification.pk], what)
            notification.refresh_from_db()
            times = (notification.read_at, notification.done_at, notification.saved_at)
            self.assertEqual(tuple(time is not None for time in times), columns, what)
        self.assertEqual(self.unread(), 1)

    def test_nobody_marks_what_is_not_theirs(self):
        notification = self.tell()
        services.mark(self.bob, [notification.pk], "read")
        self.assertEqual(self.unread(), 1)

    def test_marking_all_costs_the_same_however_much_it_is(self):
        Notification.objects.bulk_create(
            [Notification(inbox=self.inbox, rev=n, raised_rev=n, kind="x.y", text=f"{n}") for n in range(1, 10_001)]
        )
        Inbox.objects.filter(user=self.ann).update(rev=10_000, unread_count=10_000)
        with self.assertNumQueries(5):
            services.read_all(self.ann)
        inbox = Inbox.objects.get(user=self.ann)
        self.assertEqual((inbox.unread_count, inbox.rev), (0, 10_001))

    def test_clearing_leaves_what_is_saved(self):
        kept, gone = self.tell("kept"), self.tell("gone")
        services.mark(self.ann, [kept.pk], "saved")
        services.clear_all(self.ann)
        self.assertEqual((self.lines(), self.lines("done"), self.unread()), (["kept"], [gone.text], 1))

    def test_becoming_unread_beside_a_newer_one_of_the_group_is_no_error(self):
        first = self.tell("one", group_key="g")
        services.mark(self.ann, [first.pk], "read")
        self.tell("two", group_key="g")
        services.mark(self.ann, [first.pk], "unread")
        self.assertEqual(self.unread(), 2)

    def test_reading_there_is_reading_here(self):
        for place in (3, 5):
            self.tell(f"{place}", target="chat.room.1", place=place)
        services.mark_read_at(self.ann, "chat.room.1", 4)
        self.assertEqual((self.lines("unread"), self.unread()), (["5"], 1))

    def test_looking_calms_the_bell_and_reads_nothing(self):
        self.tell()
        self.assertTrue(Inbox.objects.get(user=self.ann).has_unseen)
        services.mark_seen(self.ann)
        inbox = Inbox.objects.get(user=self.ann)
        self.assertEqual((inbox.has_unseen, inbox.unread_count), (False, 1))


class PreferenceTests(InboxTestCase):
    def test_a_kind_that_is_switched_off_does_not_come(self):
        services.set_preference(self.ann, "notifications.note", "in_app", False)
        self.assertIsNone(self.tell())
        self.assertIsNotNone(self.tell(kind="notifications.announcement"))

    def test_a_kind_or_channel_that_does_not_exist_is_refused(self):
        for kind, channel in [("no.such", "email"), ("notifications.note", "pigeon")]:
            with self.assertRaises(Refusal):
                services.set_preference(self.ann, kind, channel, False)

    def test_a_level_for_a_feed_one_may_not_read_is_refused(self):
        for target in [f"notifications.inbox.{self.bob.pk}", "chat.room.999", "nonsense", "chat.room.x"]:
            with self.subTest(target), self.assertRaises(Refusal):
                services.set_level(self.ann, target, "all")

    def test_quiet_hours_span_midnight_in_the_persons_own_time(self):
        services.set_inbox_settings(
            self.ann,
            time_zone="Asia/Tokyo",
            quiet_from=datetime(2026, 1, 1, 22).time(),
            quiet_until=datetime(2026, 1, 1, 7).time(),
            email_after_minutes=15,
        )
        inbox = Inbox.objects.get(user=self.ann)
        at = lambda hour: inbox.quiet_end(datetime(2026, 7, 1, hour, tzinfo=UTC))  # noqa: E731
        self.assertIsNone(at(12))  # 21:00 in Tokyo
        self.assertEqual(at(13), datetime(2026, 7, 1, 22, tzinfo=UTC))  # 22:00, until 7:00
        self.assertEqual(at(21), datetime(2026, 7, 1, 22, tzinfo=UTC))  # 6:00
        self.assertIsNone(at(22))

    def test_a_time_zone_that_does_not_exist_is_refused(self):
        with self.assertRaises(Refusal):
            services.set_inbox_settings(
                self.ann, time_zone="../etc/passwd", quiet_from=None, quiet_until=None, email_after_minutes=15
            )


@override_settings(SITE_URL="https://chat.example.org")
class DigestTests(InboxTestCase):
    def in_an_hour(self):
        return timezone.now() + timedelta(hours=1)

    def test_what_is_still_unread_comes_by_email_once(self):
        for number in range(3):
            self.tell(f"Mention {number}", kind="chat.mention", url="/chat/1/")
        self.assertEqual(Job.objects.count(), 1)
        self.assertEqual(jobs.run_due(), 0)  # not yet
        self.assertEqual(jobs.run_due(self.in_an_hour()), 1)
        (email,) = mail.outbox
        self.assertEqual((email.to, email.subject), (["ann@example.org"], "3 notifications · Backchannel"))
        self.assertIn("https://chat.example.org/chat/1/", email.body)
        services.send_digest(self.ann.pk)
        self.assertEqual(len(mail.outbox), 1)

    def test_what_was_read_withdrawn_or_switched_off_meanwhile_does_not(self):
        read = self.tell("read", kind="chat.mention")
        self.tell("withdrawn", kind="chat.mention", dedupe_key="w")
        self.tell("off", kind="chat.reply")
        services.mark(self.ann, [read.pk], "read")
        services.withdraw(self.ann, "w")
        services.set_preference(self.ann, "chat.reply", "email", False)
        jobs.run_due(self.in_an_hour())
        self.assertEqual(mail.outbox, [])

    def be_quiet(self, now, minutes=15):
        """From an hour ago, for nine hours."""
        quiet_from, quiet_until = (now - timedelta(hours=1)).time(), (now + timedelta(hours=8)).time()
        times = {"quiet_from": quiet_from, "quiet_until": quiet_until}
        services.set_inbox_settings(self.ann, time_zone="", email_after_minutes=minutes, **times)

    def waits(self, now):
        return round((Job.objects.get().run_after - now).total_seconds() / 60)

    def test_an_email_waits_for_the_end_of_the_quiet_hours(self):
        now = timezone.now()
        self.be_quiet(now)
        self.tell(kind="chat.mention")
        self.assertEqual(self.waits(now), 8 * 60)

    def test_an_email_that_waits_already_follows_what_the_person_chooses_anew(self):
        now = timezone.now()
        self.tell(kind="chat.mention")
        self.be_quiet(now)
        self.assertEqual(self.waits(now), 8 * 60)
        services.set_inbox_settings(self.ann, time_zone="", quiet_from=None, quiet_until=None, email_after_minutes=60)
        self.assertEqual(self.waits(now), 60)

    def test_an_email_that_failed_does_not_come_in_quiet_hours_after_all(self):
        now = timezone.now()
        self.tell(kind="chat.mention")
        Job.objects.update(key=None, attempts=1)
        self.be_quiet(now)
        jobs.run_due(now + timedelta(minutes=16))
        self.assertEqual((mail.outbox, self.waits(now)), ([], 8 * 60))

    def test_a_name_cannot_add_a_header(self):
        self.tell("Ahoy\r\nBcc: everybody@example.org", kind="chat.mention")
        jobs.run_due(self.in_an_hour())
        self.assertEqual(mail.outbox[0].subject, "Ahoy Bcc: everybody@example.org · Backchannel")

    def test_a_server_that_refuses_email_is_asked_again(self):
        self.tell(kind="chat.mention")
        with self.settings(EMAIL_BACKEND="no.such.Backend"):
            jobs.run_due(self.in_an_hour())
        self.assertEqual(Job.objects.get().attempts, 1)
        jobs.run_due(self.in_an_hour() + timedelta(hours=1))
        self.assertEqual(len(mail.outbox), 1)

    def tearDown(self):
        forget_limits()
        super().tearDown()
