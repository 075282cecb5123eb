"""The pages: with scripts off they do all of it, and nothing that anybody types is more than text."""

from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from notifications import services
from notifications.models import Inbox, Notification, Preference, Webhook
from notifications.tests.people import InboxTestCase
from notifications.views.inbox import PAGE
from realtime.models import AccessToken, Job

SCRIPT = "<script>alert(1)</script>"


class PageCase(InboxTestCase):
    def setUp(self):
        super().setUp()
        self.client.force_login(self.ann)

    def page(self, query="", user=None):
        if user:
            self.client.force_login(user)
        return self.client.get(f"/notifications/{query}")

    def post(self, path, **data):
        return self.client.post(f"/notifications/{path}", data, follow=True)


class InboxPageTests(PageCase):
    def test_a_visitor_is_asked_to_log_in(self):
        for path in ["", "latest/", "settings/", "jobs/", "announce/"]:
            answer = Client().get(f"/notifications/{path}")
            self.assertEqual((answer.status_code, answer.url.split("?")[0]), (302, "/accounts/login/"))

    def test_the_folders(self):
        done, saved, _ = self.tell("was done"), self.tell("was saved"), self.tell("is new")
        services.mark(self.ann, [done.pk], "done")
        services.mark(self.ann, [saved.pk], "saved")
        services.mark(self.ann, [saved.pk], "read")
        for folder, expected in {
            "all": {"was saved", "is new"},
            "unread": {"is new"},
            "saved": {"was saved"},
            "done": {"was done"},
            "no-such": {"was saved", "is new"},
        }.items():
            shown = {line.text for line in self.page(f"?folder={folder}").context["page"].notifications}
            self.assertEqual(shown, expected, folder)

    def test_one_kind(self):
        self.tell("a note")
        self.tell("an announcement", kind="notifications.announcement")
        shown = self.page("?kind=notifications.note").context["page"].notifications
        self.assertEqual([line.text for line in shown], ["a note"])

    def test_paging_shows_each_once(self):
        for number in range(PAGE * 2 + 3):
            self.tell(f"n{number}")
        shown, query = [], ""
        while True:
            page = self.page(query).context["page"]
            shown += [line.text for line in page.notifications]
            if page.before is None:
                break
            query = f"?before={page.before}"
        self.assertEqual(shown, [f"n{number}" for number in reversed(range(PAGE * 2 + 3))])

    def test_nonsense_in_the_address_is_no_error(self):
        for query in ["?before=x", "?before=-1", "?at=99999999999999999999", "?kind=%00", "?folder[]=1", f"?kind={SCRIPT}"]:
            self.assertEqual(self.page(query).status_code, 200, query)

    def test_one_is_marked_by_its_button_and_several_by_ticks(self):
        one, two, three = self.tell("1"), self.tell("2"), self.tell("3")
        self.post("mark/", mark=f"read:{one.pk}")
        self.assertEqual(self.lines("unread"), ["2", "3"])
        self.post("mark/", mark="done", id=[two.pk, three.pk])
        self.assertEqual(self.lines("done"), ["2", "3"])

    def test_all_are_marked(self):
        self.tell(), self.tell()
        self.post("mark/", mark="all:read")
        self.assertEqual(self.unread(), 0)
        self.post("mark/", mark="all:done")
        self.assertEqual(self.lines(), [])

    def test_marking_nonsense_changes_nothing(self):
        notification = self.tell()
        for mark in ["", "eaten", f"eaten:{notification.pk}", "read:x", "read:-1", "all:saved:1", "read:99999999999999999999"]:
            self.assertEqual(self.post("mark/", mark=mark, id="x").status_code, 200, mark)
        self.assertFalse(Notification.objects.exclude(done_at=None).exists())

    def test_marking_leads_back_to_this_site_only(self):
        for url, expected in [
            ("/chat/", "/chat/"),
            ("https://evil.example/", "/notifications/"),
            ("//evil.example", "/notifications/"),
        ]:
            answer = self.client.post("/notifications/mark/", {"mark": "all:read", "next": url})
            self.assertEqual(answer.url, expected)

    def test_marking_needs_a_token_of_this_site(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.ann)
        self.assertEqual(client.post("/notifications/mark/", {"mark": "all:read"}).status_code, 403)
        self.assertEqual(client.get("/notifications/mark/").status_code, 405)

    def test_nobody_sees_or_marks_what_is_anothers(self):
        notification = self.tell("for ann only")
        self.assertNotContains(self.page(user=self.bob), "for ann only")
        self.assertNotContains(self.page(f"?at={notification.pk}"), "for ann only")
        self.assertNotContains(self.page("latest/"), "for ann only")
        self.post("mark/", mark=f"read:{notification.pk}")
        self.assertEqual(self.unread(), 1)

    def test_nothing_that_was_typed_is_markup(self):
        User.objects.filter(pk=self.bob.pk).update(username=SCRIPT)
        self.bob.refresh_from_db()
        self.tell(
            f"text {SCRIPT}", detail=f"detail {SCRIPT}", url='/"><script>alert(1)</script>', actor=self.bob, kind=f"x.{SCRIPT}"
        )
        for page in (self.page(), self.page("latest/")):
            self.assertNotContains(page, SCRIPT)
            self.assertContains(page, "text &lt;script&gt;")
            self.assertContains(page, "detail &lt;script&gt;")

    def test_the_frame_that_is_broadcast_is_the_same_partial(self):
        notification = self.tell("Ahoy")
        from notifications.frames import render

        self.assertInHTML(render(self.inbox, notification), self.page().content.decode())

    def test_the_bell_is_on_every_page_of_who_is_logged_in_and_of_nobody_else(self):
        self.tell()
        for path in ["/", "/chat/", "/notifications/settings/", "/no-such-page/"]:
            self.assertContains(self.client.get(path), 'data-unread="1"', status_code=404 if "no-such" in path else 200)
        self.assertNotContains(Client().get("/"), "notification-bell")

    def test_showing_a_page_writes_nothing(self):
        self.client.force_login(self.bob)
        self.client.get("/")
        self.assertFalse(Inbox.objects.filter(user=self.bob).exists())


class SettingsPageTests(PageCase):
    def test_the_matrix_is_saved_as_ticked(self):
        self.post("settings/kinds/", on=["notifications.note:in_app", "notifications.note:email"])
        self.assertTrue(Preference.objects.get(user=self.ann, kind="notifications.note", channel="email").is_on)
        self.assertFalse(Preference.objects.get(user=self.ann, kind="notifications.note", channel="browser").is_on)
        self.assertFalse(Preference.objects.filter(user=self.bob).exists())

    def test_quiet_hours(self):
        data = {"time_zone": "Europe/Berlin", "quiet_from": "22:00", "quiet_until": "07:00", "email_after_minutes": "60"}
        self.post("settings/inbox/", **data)
        inbox = Inbox.objects.get(user=self.ann)
        self.assertEqual((inbox.time_zone, inbox.quiet_from.hour, inbox.email_after_minutes), ("Europe/Berlin", 22, 60))
        for wrong in [{"time_zone": "Mars/Olympus"}, {"quiet_until": ""}, {"email_after_minutes": "7"}, {"quiet_from": "25:00"}]:
            self.assertEqual(self.client.post("/notifications/settings/inbox/", data | wrong).status_code, 422, wrong)

    def test_a_webhook_is_set_and_removed(self):
        self.post("settings/webhook/", url="https://example.org/hook")
        self.assertEqual(Webhook.objects.get().user, self.ann)
        answer = self.client.post("/notifications/settings/webhook/", {"url": "http://127.0.0.1/"})
        self.assertContains(answer, "https://", status_code=422)
        self.post("settings/webhook/", do="remove")
        self.assertFalse(Webhook.objects.exists())

    def test_a_token_is_shown_once_and_revoked_by_its_owner(self):
        answer = self.client.post("/notifications/settings/tokens/", {"name": "cron", "scopes": ["notifications:read"]})
        self.assertContains(answer, "bc_")
        self.assertNotContains(self.page("settings/"), "bc_" + answer.context["secret"][3:])
        token = AccessToken.objects.get()
        self.client.force_login(self.bob)
        self.post(f"settings/tokens/{token.pk}/revoke/")
        token.refresh_from_db()
        self.assertIsNone(token.revoked_at)

    def test_a_token_may_not_be_given_what_is_not_ours_to_give(self):
        answer = self.client.post("/notifications/settings/tokens/", {"name": "x", "scopes": ["chat:write"]})
        self.assertEqual((answer.status_code, AccessToken.objects.count()), (422, 0))


class StaffPageTests(PageCase):
    def test_members_see_neither_the_dead_jobs_nor_the_megaphone(self):
        for path in ["jobs/", "announce/"]:
            self.assertEqual(self.client.get(f"/notifications/{path}").status_code, 302)
        self.client.post("/notifications/announce/", {"text": "x", "audience": "everyone"})
        self.assertEqual(Job.objects.count(), 0)

    def test_staff_announce(self):
        self.client.force_login(User.objects.create_user("sam", is_staff=True))
        self.post("announce/", text="Maintenance", audience="everyone")
        self.assertEqual(Job.objects.get().name, "notifications.announce")
        for wrong in [{"audience": "moon"}, {"text": ""}, {"url": "javascript:1"}]:
            data = {"text": "x", "audience": "everyone"} | wrong
            self.assertEqual(self.client.post("/notifications/announce/", data).status_code, 422, wrong)

    def test_the_admin_shows_whose_and_when_but_neither_words_nor_secrets(self):
        self.tell("private words", detail="private detail")
        hook = services.set_webhook(self.ann, "https://example.org/hook")
        self.client.force_login(User.objects.create_superuser("sam"))
        for model, pk in [("inbox", self.ann.pk), ("notification", Notification.objects.get().pk), ("webhook", hook.pk)]:
            for path in (f"/admin/notifications/{model}/", f"/admin/notifications/{model}/{pk}/change/"):
                page = self.client.get(path)
                self.assertEqual(page.status_code, 200, path)
                for private in ("private words", "private detail", hook.secret):
                    self.assertNotContains(page, private)
        answer = self.client.post("/admin/notifications/inbox/", {"action": "announce", "_selected_action": [self.ann.pk]})
        self.assertEqual(answer.url, "/notifications/announce/?audience=everyone")

    def test_what_failed_is_shown_as_text(self):
        self.client.force_login(User.objects.create_user("sam", is_staff=True))
        Job.objects.create(name="x", last_error=SCRIPT, dead_at=timezone.now(), payload={"a": SCRIPT})
        self.assertNotContains(self.page("jobs/"), SCRIPT)
