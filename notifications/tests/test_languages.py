"""Each person is told in the language of the last page they opened, whoever tells them and of how many."""

from datetime import timedelta
from unittest import mock

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core import mail
from django.db import DatabaseError, connection
from django.test import SimpleTestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from notifications import services
from notifications.kinds import names
from notifications.models import TEXT_LENGTH, Inbox, Notification, Webhook
from notifications.services import News
from notifications.tests.people import InboxTestCase, feed_key
from realtime import jobs
from realtime.models import Job
from realtime.testing import Browser
from tests.languages import PSEUDO, leftovers, pseudo_language

GERMAN = {"Accept-Language": "de"}
IN_GERMAN = {"accept-language": "de"}  # as the handshake of a socket has it
DATA = ["ann", "bob", "UTC", "https://example.org/hook", "notifications:read", "notifications:write"]
FAILS = _("Your webhook is switched off: it has failed for a day")
SCHLUG_FEHL = "Ihr Webhook ist abgeschaltet: Er schlägt seit einem Tag fehl"


class GermanTestCase(InboxTestCase):
    """ann reads German, bob English."""

    def setUp(self):
        super().setUp()
        self.set_language(self.ann, "de")
        services.inbox_of(self.bob)

    def set_language(self, user, language):
        Inbox.objects.filter(user=user).update(language=language)


class LanguageOfInboxTests(InboxTestCase):
    def language(self, user=None):
        return Inbox.objects.get(user=user or self.ann).language

    def setUp(self):
        super().setUp()
        self.client.force_login(self.ann)

    def open(self, language):
        return self.client.get("/", headers={"Accept-Language": language})

    def test_it_is_that_of_the_last_page_its_owner_opened(self):
        for language, expected in [("de", "de"), ("en", ""), ("de-AT", "de"), ("tlh", "")]:
            self.open(language)
            self.assertEqual(self.language(), expected)

    def test_noting_it_is_one_statement_and_no_change_of_the_feed(self):
        self.open("en")
        with CaptureQueriesContext(connection) as unchanged:
            self.open("en")
        with CaptureQueriesContext(connection) as changed:
            self.open("de")
        writes = [query["sql"] for query in changed if query["sql"].startswith("UPDATE")]
        self.assertEqual([query for query in unchanged if query["sql"].startswith("UPDATE")], [])
        self.assertEqual(len(writes), 1)
        self.assertEqual(Inbox.objects.get(user=self.ann).rev, self.inbox.rev)

    def test_a_page_is_shown_though_it_cannot_be_noted(self):
        with mock.patch("notifications.services.note_language", side_effect=DatabaseError("read-only")):
            self.assertContains(self.open("de"), "<notification-bell")

    def test_who_has_no_inbox_gets_none_by_opening_a_page(self):
        self.client.force_login(self.bob)
        self.client.get("/", headers=GERMAN)
        self.assertFalse(Inbox.objects.filter(user=self.bob).exists())

    def test_an_inbox_is_made_in_the_language_in_which_it_is_first_looked_at(self):
        self.client.force_login(self.bob)
        self.client.get("/notifications/", headers=GERMAN)
        self.assertEqual(self.language(self.bob), "de")

    async def test_a_first_socket_makes_it_in_its_own(self):
        async with await Browser.open(self.bob, **IN_GERMAN) as bob:
            await bob.resume(**{f"notifications_inbox_{self.bob.pk}": 0})
        self.assertEqual(await sync_to_async(self.language)(self.bob), "de")


class TellingTests(GermanTestCase):
    def line(self, user):
        return Notification.objects.of(user).get()

    def test_two_people_are_told_with_one_call_each_in_their_own(self):
        with translation.override("de"):  # whoever causes it
            services.notify_many([self.ann, self.bob], News("notifications.webhook", FAILS, detail=_("There is no webhook.")))
        self.assertEqual((self.line(self.ann).text, self.line(self.ann).detail), (SCHLUG_FEHL, "Es gibt keinen Webhook."))
        self.assertEqual((self.line(self.bob).text, self.line(self.bob).detail), (str(FAILS), "There is no webhook."))

    def test_it_is_said_once_for_each_language_however_many_read_it(self):
        people = User.objects.bulk_create([User(username=f"p{number}") for number in range(100)])
        asked = []
        text = translation.gettext_lazy("Webhook")
        with mock.patch("notifications.services.raising._line", side_effect=lambda text: asked.append(text) or str(text)):
            services.notify_many(people, News("notifications.note", text))
        self.assertEqual(len(asked), 2)  # one to check it
        self.assertEqual(Notification.objects.filter(text="Webhook").count(), 100)

    def test_facts_stand_in_either(self):
        text = format_lazy(_("It did not work: {error}"), error="{404} " + "x" * TEXT_LENGTH)
        services.notify_many([self.ann, self.bob], News("notifications.note", text, data={"room": _("Rooms")}))
        self.assertTrue(self.line(self.ann).text.startswith("Es hat nicht funktioniert: {404} xxx"))
        self.assertTrue(self.line(self.bob).text.startswith("It did not work: {404} xxx"))
        self.assertEqual(self.line(self.ann).causes.get().data, {"room": "Räume"})

    def test_a_folded_line_and_what_is_left_of_it_stay_in_the_recipients_language(self):
        for key in ("one", "two", "three"):
            services.notify_many([self.ann, self.bob], News("notifications.note", FAILS, dedupe_key=key, group_key="g"))
        self.assertEqual(self.line(self.ann).text, f"{SCHLUG_FEHL} (und 2 weitere)")
        self.assertEqual(self.line(self.bob).text, f"{FAILS} (and 2 more)")
        services.withdraw(None, "two")
        self.assertEqual(self.line(self.ann).text, f"{SCHLUG_FEHL} (und 1 weitere)")
        self.assertEqual(self.line(self.bob).text, f"{FAILS} (and 1 more)")

    async def test_the_fragment_is_in_it_whoever_marks_or_tells(self):
        async with await Browser.open(self.ann) as ann:  # a program without a language of its own
            await ann.resume(**{feed_key(self.inbox): 0})
            note = await sync_to_async(self.tell)(FAILS)
            self.assertIn(f'aria-label="Auswählen: {SCHLUG_FEHL}"', (await ann.expect("notifications.item.raised"))["html"])
            await sync_to_async(services.mark)(self.ann, [note.pk], "read")
            self.assertIn('title="Als ungelesen markieren"', (await ann.expect("notifications.item.changed"))["html"])

    async def test_a_refusal_is_in_the_language_of_the_socket(self):
        async with await Browser.open(self.bob, **IN_GERMAN) as bob:
            answer = await bob.post("notifications.inbox.mark", self.feed, mark="read")
        self.assertEqual((answer["code"], answer["message"]), ("not_found", "Diesen Eingang gibt es nicht."))

    def test_an_announcement_that_goes_by_jobs_says_what_was_typed(self):
        staff = User.objects.create_user("sam", is_staff=True)
        services.enqueue_announcement(staff, "Maintenance\n at 22:00", "everyone")
        jobs.run_due()
        self.assertEqual(self.line(self.ann).text, "Maintenance at 22:00")


@override_settings(SITE_URL="https://chat.example.org")
class DigestTests(GermanTestCase):
    def send(self):
        with translation.override("en-gb"):
            jobs.run_due(timezone.now() + timedelta(hours=1))
        return mail.outbox[0]

    def test_an_email_is_in_the_recipients_language(self):
        for number in range(32):
            self.tell(f"Nr. {number}", kind="notifications.announcement", url="/chat/1/")
        email = self.send()
        self.assertEqual(email.subject, "32 Benachrichtigungen · Backchannel")
        for words in ["Guten Tag, ann,\n", "… und 2 weitere.\n", "Ihr Eingang: https://chat.example.org/notifications/\n"]:
            self.assertIn(words, email.body)

    def test_every_word_of_it_can_be_translated(self):
        self.set_language(self.ann, "qqx")
        for number in range(32):
            self.tell(f"⟦{number}⟧", kind="notifications.announcement")
        with pseudo_language():
            email = self.send()
        self.assertEqual(leftovers(f"{email.subject}\n{email.body}"), [])


@override_settings(SITE_URL="https://chat.example.org")
class EnglishDigestTests(InboxTestCase):
    def test_an_email_in_english(self):
        for number in range(2):
            self.tell(f"Mention {number}", kind="chat.mention", url="/chat/1/", detail="Ahoy")
        jobs.run_due(timezone.now() + timedelta(hours=1))
        self.assertEqual(
            mail.outbox[0].body,
            "Hello ann,\n\n"
            "* Mention 0\n  Ahoy\n  https://chat.example.org/chat/1/\n"
            "* Mention 1\n  Ahoy\n  https://chat.example.org/chat/1/\n\n"
            "Your inbox: https://chat.example.org/notifications/\n"
            "Too much of it? https://chat.example.org/notifications/settings/\n\n"
            "Backchannel\n",
        )


class PageTests(InboxTestCase):
    def setUp(self):
        super().setUp()
        User.objects.filter(pk=self.ann.pk).update(is_staff=True, is_superuser=True, email="")
        self.client.force_login(self.ann)

    def left(self, path="", data=None, status=200):
        path = f"/notifications/{path}"
        with pseudo_language():
            get_or_post = self.client.get if data is None else self.client.post
            page = get_or_post(path, data, headers=PSEUDO, follow=True)
        self.assertEqual(page.status_code, status, path)
        return leftovers(page.content.decode(), DATA)

    def fill(self):
        new, done, saved, _ = (self.tell(f"⟦{number}⟧", actor=self.bob, url="/chat/") for number in range(4))
        services.mark(self.ann, [saved.pk], "saved")
        services.mark(self.ann, [done.pk], "done")
        services.mark(self.ann, [new.pk], "read")
        for number in range(31):
            self.tell(f"⟦{number}⟧", detail="⟦⟧", kind="notifications.announcement")

    def test_every_word_of_the_inbox_can_be_translated(self):
        folders = ["", "?folder=unread", "?folder=saved", "?folder=done", "latest/"]
        for path in folders:
            self.assertEqual(self.left(path), [], path)
        self.fill()
        earlier = Notification.objects.order_by("-raised_rev")[28].raised_rev
        for path in [*folders, f"?before={earlier}"]:
            self.assertEqual(self.left(path), [], path)
        self.assertEqual(self.left("mark/", {"mark": "read"}), [])
        self.assertEqual(self.left("mark/", {"mark": "eaten:1"}), [])

    def test_every_word_of_the_settings_can_be_translated(self):
        self.assertEqual(self.left("settings/"), [])
        hook = services.set_webhook(self.ann, "https://example.org/hook")
        Webhook.objects.update(off_at=timezone.now())
        services.tokens.issue(self.ann, "⟦cron⟧", ["notifications:read"])
        self.assertEqual(self.left("settings/"), [])
        self.assertTrue(hook.secret)
        for path, data, status in [
            ("settings/inbox/", {"quiet_from": "22:00", "quiet_until": "", "email_after_minutes": 15}, 422),
            ("settings/inbox/", {"quiet_from": "", "quiet_until": "", "email_after_minutes": 15}, 200),
            ("settings/inbox/", {"quiet_from": "25:00"}, 422),
            ("settings/kinds/", {"on": ["notifications.note:in_app"]}, 200),
            ("settings/level/", {"target": "chat.room.1", "level": "all"}, 200),
            ("settings/level/", {"level": "some"}, 200),
            ("settings/webhook/", {"url": "gopher://example.org"}, 422),
            ("settings/webhook/", {"url": "https://example.org/other"}, 200),
            ("settings/webhook/", {"url": ""}, 422),
            ("settings/webhook/", {"do": "remove"}, 200),
            ("settings/webhook/", {"do": "test"}, 200),
            ("settings/tokens/", {"name": "⟦⟧", "scopes": ["notifications:read"]}, 200),
            ("settings/tokens/", {"name": "", "scopes": ["chat:write"]}, 422),
            ("settings/tokens/999/revoke/", {}, 200),
        ]:
            self.assertEqual(self.left(path, data, status), [], (path, data))

    def test_every_word_for_staff_can_be_translated(self):
        self.assertEqual(self.left("jobs/"), [])
        Job.objects.bulk_create([Job(name="⟦⟧", last_error="Boom", dead_at=timezone.now()) for _ in range(101)])
        self.assertEqual(self.left("jobs/"), [])
        self.assertEqual(self.left("jobs/", {"id": Job.objects.first().pk}), [])
        self.assertEqual(self.left("announce/"), [])
        self.assertEqual(self.left("announce/", {"text": "x", "audience": "everyone"}), [])
        for wrong in [{"audience": "12"}, {"text": ""}, {"url": "javascript:1"}]:
            self.assertEqual(self.left("announce/", {"text": "12", "audience": "everyone"} | wrong, 422), [], wrong)

    def test_numbers_for_scripts_are_those_of_english(self):
        Inbox.objects.filter(user=self.ann).update(rev=12_345_678, unread_count=1234)
        page = self.client.get("/notifications/", headers=GERMAN)
        self.assertContains(page, 'data-rev="12345678"')
        self.assertContains(page, 'data-unread="1234"')
        self.assertContains(page, 'aria-label="Benachrichtigungen, 1234 ungelesen"')


@pytest.mark.once
class NamesTests(SimpleTestCase):
    def test_several_people_are_named_in_the_language_of_who_hears_it(self):
        people = ["ann", "bob", "cat", "dan"]
        with translation.override("de"):
            said = [names(people[:count]) for count in range(5)]
        expected = ["Jemand", "ann", "ann und bob", "ann, bob und cat", "ann, bob und 2 weitere Personen"]
        self.assertEqual(said, expected)
