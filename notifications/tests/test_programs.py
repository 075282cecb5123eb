"""Clients without a browser: commands, JSON, server-sent events, the poll that waits, webhooks."""

import asyncio
import json
from datetime import timedelta
from io import StringIO
from unittest import mock

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import AsyncClient, override_settings
from django.utils import timezone

from notifications import services
from notifications.models import Inbox, Notification, Webhook
from notifications.tests.people import InboxTestCase, feed_key
from realtime import consumers, jobs, listening, webhooks
from realtime.addresses import check_url, resolve
from realtime.hub import Hub
from realtime.models import AccessToken, Job
from realtime.protocol import Refusal
from realtime.testing import Browser, forget_limits
from tests.receiver import check_signature, receiver


class CommandTests(InboxTestCase):
    def run_it(self, *words, **options):
        out = StringIO()
        call_command(*words, stdout=out, **options)
        return out.getvalue()

    def test_notify(self):
        self.run_it("notify", "ann", "The build is done", url="/chat/")
        self.assertEqual((self.lines(), self.unread()), (["The build is done"], 1))

    def test_notify_says_what_is_wrong(self):
        for words in [("notify", "nobody", "x"), ("notify", "ann", "x", "--url", "javascript:1")]:
            with self.assertRaises(CommandError):
                self.run_it(*words)

    async def test_notify_reaches_an_open_page(self):
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**{feed_key(self.inbox): 0})
            await sync_to_async(self.run_it)("notify", "ann", "Ahoy")
            self.assertEqual((await ann.expect("notifications.item.raised"))["text"], "Ahoy")

    def test_an_interrupted_announcement_can_be_made_again(self):
        User.objects.bulk_create([User(username=f"p{number}") for number in range(7)])
        with mock.patch("notifications.services.announcing.RECIPIENTS", 3):
            steps = services.announce("Ahoy", "everyone", key="one")
            self.assertEqual(next(steps), (3, 9))
            steps.close()
            self.assertEqual(list(services.announce("Ahoy", "everyone", key="one"))[-1], (9, 9))
        self.assertEqual(Notification.objects.count(), 9)

    def test_an_announcement_from_the_web_is_made_by_the_worker(self):
        sam = User.objects.create_user("sam", is_staff=True)
        with mock.patch("notifications.services.announcing.RECIPIENTS", 1):
            services.enqueue_announcement(sam, "Ahoy", "everyone")
            jobs.run_due()
        self.assertEqual(set(Notification.objects.values_list("inbox__user__username", flat=True)), {"ann", "bob"})
        with self.assertRaises(Refusal):
            services.enqueue_announcement(self.bob, "Ahoy", "everyone")


class ApiTests(InboxTestCase):
    def setUp(self):
        super().setUp()
        _, secret = AccessToken.issue(self.ann, "script", "notifications:read notifications:write")
        self.headers = {"authorization": f"Bearer {secret}"}

    def post(self, path, headers=None, **body):
        return self.client.post(path, json.dumps(body), content_type="application/json", headers=headers or self.headers)

    def test_the_inbox_as_json(self):
        for number in range(3):
            self.tell(f"{number}", url="/chat/")
        answer = self.client.get("/notifications/api/items/?folder=unread", headers=self.headers).json()
        self.assertEqual((answer["unread"], [item["text"] for item in answer["items"]]), (3, ["2", "1", "0"]))

    def test_marking_and_notes_to_oneself(self):
        answer = self.post("/notifications/api/notes/", text="The build is done", key="17").json()
        self.assertIsNone(self.post("/notifications/api/notes/", text="The build is done", key="17").json()["id"])
        self.assertEqual(self.post("/notifications/api/mark/", ids=[answer["id"]], mark="read").json()["unread"], 0)

    def test_the_same_commands_go_over_http(self):
        notification = self.tell()
        body = {"type": "notifications.item.mark", "feed": self.feed, "ids": [notification.pk], "mark": "read"}
        answer = self.post("/commands/", client_id="6f1c9a40-3b0e-4a57-9d0c-0d3a3f1d2a11", **body)
        self.assertEqual((answer.json()["type"], self.unread()), ("realtime.ack", 0))

    def test_what_a_token_may_not(self):
        _, reading = AccessToken.issue(self.ann, "reader", "notifications:read")
        _, chatting = AccessToken.issue(self.ann, "chatter", "chat:read chat:write")
        for path, secret, status in [
            ("/notifications/api/items/", chatting, 403),
            ("/notifications/stream", chatting, 403),
            ("/notifications/changes", chatting, 403),
            ("/notifications/api/items/", "bc_wrong", 401),
            ("/notifications/stream", "bc_wrong", 401),
        ]:
            with self.subTest(path):
                self.assertEqual(self.client.get(path, headers={"authorization": f"Bearer {secret}"}).status_code, status)
        answer = self.post("/notifications/api/notes/", headers={"authorization": f"Bearer {reading}"}, text="x")
        self.assertEqual(answer.status_code, 403)

    def test_nonsense_is_answered(self):
        for body in [{"ids": "x", "mark": "read"}, {"ids": [1], "mark": "eaten"}, {"ids": [1] * 201, "mark": "read"}]:
            self.assertIn(self.post("/notifications/api/mark/", **body).status_code, {400, 413})
        self.assertEqual(self.post("/notifications/api/notes/", text="x", url="javascript:1").status_code, 422)
        self.assertEqual(self.client.get("/notifications/api/items/?folder=x", headers=self.headers).status_code, 400)


class StreamTests(InboxTestCase):
    async def client_of(self, user):
        client = AsyncClient()
        await client.aforce_login(user)
        return client

    async def read(self, stream, count):
        """The next `count` events that are not about the feed itself."""
        events, text = [], ""
        async with asyncio.timeout(5):
            async for chunk in stream:
                text += chunk.decode()
                *whole, text = text.split("\n\n")
                fields = [dict(line.split(": ", 1) for line in event.split("\n")) for event in whole]
                events += [event for event in fields if event.get("event", "realtime.").startswith("notifications.")]
                if len(events) >= count:
                    return events
        return events

    async def test_events_come_as_they_happen_and_resume_where_they_were(self):
        await sync_to_async(self.tell)("missed")
        client = await self.client_of(self.ann)
        response = await client.get("/notifications/stream", headers={"last-event-id": f"0-{self.inbox.epoch}"})
        self.assertEqual(response["Content-Type"], "text/event-stream")
        stream = response.streaming_content
        (missed,) = await self.read(stream, 1)
        await sync_to_async(self.tell)("live")
        (live,) = await self.read(stream, 1)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        waiting.cancel()  # as the server does when the client is gone
        await asyncio.wait([waiting])
        self.assertEqual([json.loads(event["data"])["text"] for event in (missed, live)], ["missed", "live"])
        self.assertEqual(live["id"], f"2-{self.inbox.epoch}")
        self.assertEqual((Hub.here().sockets, Hub.here().topics), (set(), {}))

    async def test_a_person_has_so_many_streams_at_once_and_tabs_find_room_beside_them(self):
        client = await self.client_of(self.ann)
        with mock.patch.object(listening, "LISTENERS_PER_PERSON", 2), mock.patch.object(consumers, "SOCKETS_PER_PERSON", 3):
            streams = [aiter(await client.get("/notifications/stream")) for _ in range(2)]
            for stream in streams:
                await anext(stream)
            for path in ("/notifications/stream", "/notifications/changes"):
                self.assertEqual((await client.get(path)).status_code, 429)
            async with await Browser.open(self.ann) as tab:
                await tab.resume(**{feed_key(self.inbox): 0})

    async def test_a_poll_answers_at_once_when_there_is_something(self):
        await sync_to_async(self.tell)("missed")
        client = await self.client_of(self.ann)
        answer = await self.poll(client, after=0, wait=25)
        self.assertEqual(([event["text"] for event in answer["events"]], answer["rev"]), (["missed"], 1))

    async def test_a_poll_waits_for_what_comes(self):
        client = await self.client_of(self.ann)
        polling = asyncio.create_task(self.poll(client, after=0, wait=25))
        while self.feed not in Hub.here().topics or not Hub.here().topics[self.feed].live:  # noqa: ASYNC110 nobody tells
            await asyncio.sleep(0)
        await sync_to_async(self.tell)("live")
        async with asyncio.timeout(5):
            answer = await polling
        self.assertEqual([event["text"] for event in answer["events"]], ["live"])

    async def test_a_poll_that_waited_in_vain_says_so(self):
        client = await self.client_of(self.ann)
        self.assertEqual((await self.poll(client, after=0, wait=0))["events"], [])

    async def test_everybody_hears_their_own_only(self):
        await sync_to_async(self.tell)("for ann")
        answer = await self.poll(await self.client_of(self.bob), after=0, wait=0)
        self.assertEqual((answer["events"], answer["feed"]), ([], f"notifications.inbox.{self.bob.pk}"))

    async def test_a_visitor_hears_nothing(self):
        for path in ("/notifications/stream", "/notifications/changes"):
            self.assertEqual((await AsyncClient().get(path)).status_code, 401)

    async def test_a_stream_ends_when_its_person_may_no_longer_come_in(self):
        client = await self.client_of(self.ann)
        stream = aiter(await client.get("/notifications/stream"))
        await anext(stream)
        self.ann.is_active = False
        await self.ann.asave()
        async with asyncio.timeout(5):
            async for _ in stream:
                pass

    async def poll(self, client, **query):
        response = await client.get("/notifications/changes", query)
        return json.loads(b"".join([chunk async for chunk in response]))


class WebhookTests(InboxTestCase):
    def setUp(self):
        super().setUp()
        self.receiver = self.enterContext(receiver())
        self.url = self.receiver.url
        self.enterContext(override_settings(DEBUG=True))
        self.hook = services.set_webhook(self.ann, self.url)

    def test_a_notification_is_posted_and_signed(self):
        self.tell("Ahoy <b>", url="/chat/")
        jobs.run_due()
        ((headers, body),) = self.receiver.heard
        check_signature(self.hook.secret, headers, body)
        self.assertEqual(json.loads(body)["text"], "Ahoy <b>")

    def test_a_receiver_that_fails_is_called_again_and_given_up_in_the_end(self):
        self.receiver.status = 500
        self.tell()
        now = timezone.now()
        for _ in range(jobs.ATTEMPTS):
            jobs.run_due(now)
            now += timedelta(hours=1)
        self.assertEqual(len(self.receiver.heard), 8)
        dead = Job.objects.dead().get()
        self.assertIn("500", dead.last_error)
        sam = User.objects.create_superuser("sam")
        self.client.force_login(sam)
        self.assertContains(self.client.get("/notifications/jobs/"), "notifications.webhook")
        self.receiver.status = 200
        self.client.post("/notifications/jobs/", {"id": dead.pk})
        self.assertEqual((jobs.run_due(), Job.objects.count()), (1, 0))

    def test_a_receiver_that_says_gone_is_forgotten(self):
        self.receiver.status = 410
        self.tell()
        jobs.run_due()
        self.assertFalse(Webhook.objects.exists())

    def test_a_receiver_that_drips_is_cut_off(self):
        self.receiver.drips = True
        self.addCleanup(setattr, self.receiver, "drips", False)
        with mock.patch.object(webhooks, "CALL_SECONDS", 0.3), self.assertRaisesMessage(webhooks.NotDelivered, "no answer"):
            webhooks.call(self.hook.url, self.hook.secret, {})

    def test_a_receiver_that_has_failed_for_a_day_is_called_no_more_and_its_owner_told(self):
        self.receiver.status = 500
        self.tell("one")
        jobs.run_due()
        Webhook.objects.update(failing_since=timezone.now() - webhooks.FAILING)
        self.tell("two")
        self.tell("three")
        jobs.run_due()
        self.assertEqual(len(self.receiver.heard), 2)
        self.assertIn("Your webhook is switched off: it has failed for a day", self.lines())
        self.client.force_login(self.ann)
        self.assertContains(self.client.get("/notifications/settings/"), "Switched off on")

    def test_one_success_and_the_day_begins_anew(self):
        Webhook.objects.update(failing_since=timezone.now() - webhooks.FAILING)
        self.tell()
        jobs.run_due()
        self.assertIsNone(Webhook.objects.get().failing_since)

    def test_what_was_switched_off_goes_on_when_it_is_saved_or_tried_with_success(self):
        for switch_on in (lambda: services.set_webhook(self.ann, self.url), lambda: services.send_test(self.ann)):
            Webhook.objects.update(off_at=timezone.now())
            switch_on()
            self.assertIsNone(Webhook.objects.get().off_at)

    def test_what_was_withdrawn_meanwhile_is_not_told(self):
        self.tell("secret", dedupe_key="one")
        services.withdraw(self.ann, "one")
        jobs.run_due()
        self.assertEqual(self.receiver.heard, [])

    def test_an_answer_of_any_bytes_is_kept_as_one_line_that_can_be_stored(self):
        self.receiver.status, self.receiver.answer = 500, b"\0Ou\r\nch \xff"
        self.tell()
        jobs.run_due()
        self.assertEqual(Job.objects.get().last_error, "NotDelivered: 500 Ou ch ÿ")

    def test_a_redirect_is_not_followed(self):
        self.receiver.status = 302
        self.tell()
        jobs.run_due()
        self.assertEqual((len(self.receiver.heard), Job.objects.get().attempts), (1, 1))

    def test_the_inside_of_our_network_is_out_of_reach(self):
        with override_settings(DEBUG=False):
            for url in [
                "http://example.org/",
                "https://127.0.0.1/",
                "https://[::1]/",
                "https://10.0.0.5/",
                "https://169.254.169.254/latest/meta-data/",
                "https://[::ffff:10.0.0.5]/",
                "https://[fd00::1]/",
                "https://user:secret@example.org/",
                "file:///etc/passwd",
                "https://",
                "https://example.org:99999/",
                "https://exa mple.org/",
                f"https://{'a' * 64}.com/",
                "https://a..b/",
                "https://example.org/ö",
            ]:
                with self.subTest(url), self.assertRaises(Refusal):
                    check_url(url)
            inside = [(2, 1, 6, "", ("93.184.216.34", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
            with mock.patch("socket.getaddrinfo", return_value=inside), self.assertRaises(Refusal):
                resolve(check_url("https://rebinding.example/"))

    def test_the_connection_goes_to_the_address_that_was_checked(self):
        with mock.patch.object(webhooks, "resolve", return_value=("127.0.0.1", int(self.url.split(":")[2].split("/")[0]))):
            self.assertEqual(webhooks.call("http://public.example/hook", self.hook.secret, {}), 200)
        self.assertTrue(self.receiver.heard[0][0]["Host"].startswith("public.example"))

    def test_a_name_that_cannot_be_asked_for_is_told_when_it_is_tried(self):
        Webhook.objects.update(url="http://a..b/")  # saved before such names were refused
        with self.assertRaises(Refusal):
            services.send_test(self.ann)

    def test_a_new_address_has_a_new_secret(self):
        again = services.set_webhook(self.ann, self.url)
        other = services.set_webhook(self.ann, self.url + "&y=2")
        self.assertEqual(again.secret, self.hook.secret)
        self.assertNotEqual(other.secret, self.hook.secret)

    def tearDown(self):
        forget_limits()
        super().tearDown()


class TenThousandTests(InboxTestCase):
    def test_ten_thousand_unread_cost_the_same(self):
        self.tell()
        self.client.force_login(self.ann)
        self.client.get("/notifications/")
        counts = []
        for number in (1, 10_000):
            rows = [
                Notification(inbox=self.inbox, rev=n, raised_rev=n, kind="x.y", text=f"{n}")
                for n in range(number * 2, number * 3)
            ]
            Notification.objects.bulk_create(rows)
            Inbox.objects.filter(user=self.ann).update(rev=number * 3, unread_count=Notification.objects.unread().count())
            for act in (lambda: self.client.get("/notifications/"), lambda: self.tell(), lambda: services.mark_seen(self.ann)):
                with self.subTest(number):
                    counts.append(self.queries_of(act))
        self.assertEqual(counts[:3], counts[3:])

    def queries_of(self, act):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(connection) as queries:
            act()
        return len(queries)
