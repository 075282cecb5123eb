"""Inboxes across processes, on Redis and PostgreSQL: told on one, shown on all; workers that are woken, ended and killed."""

import asyncio
import json
import re
import shlex
from contextlib import AsyncExitStack
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from textwrap import indent
from threading import Event, Thread
from unittest import IsolatedAsyncioTestCase
from urllib.request import Request, urlopen

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings

from tests.clients import Client, Feed, eventually
from tests.server import Worker, private_postgres, private_redis, running_server

pytestmark = pytest.mark.services

README = (settings.BASE_DIR / "notifications/README.md").read_text()
HINT_SECONDS = 2  # far below the tick of a hub and the poll of a worker: what takes longer was not told, but found
RAISED = "notifications.item.raised"
PEOPLE = (
    "from django.contrib.auth.models import User; from notifications import services; ann = User.objects.get(username='ann')\n"
)
INBOX = "SELECT rev, unread_count FROM notifications_inbox WHERE user_id = {}"
LINES = "SELECT id, rev FROM notifications_notification WHERE inbox_id = {} AND withdrawn_at IS NULL"
WEBHOOK_JOBS = "SELECT attempts FROM realtime_job WHERE name = 'notifications.webhook'"


class Inbox(Feed):
    """An inbox as the tab has it."""

    def __init__(self, facts):
        super().__init__(facts)
        self.lines, self.unread = {}, 0

    def _show(self, frame):
        if frame["rev"] > self.rev:
            self.unread = frame["unread"]
            if frame["type"] == "notifications.item.withdrawn":
                self.lines.pop(frame["id"], None)
            elif "id" in frame:
                self.lines[frame["id"]] = frame["rev"]
        super()._show(frame)


class Receiver(BaseHTTPRequestHandler):
    """A webhook's other end. It keeps the caller waiting until `is_open`."""

    called, is_open = Event(), Event()

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.called.set()
        if self.is_open.wait(30):
            self.send_response(204)
            self.end_headers()

    def log_message(self, *_):
        pass


class InboxProcessesTests(IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = cls.enterClassContext(private_redis())
        cls.server = cls.enterClassContext(running_server(private_postgres().url, cls.redis.url, processes=2))
        cls.ann = cls.server.people["ann"]["id"]
        cls.server.rooms["inbox"] = {"feed": f"notifications.inbox.{cls.ann}", "rev": 0, "epoch": ""}

    def tab(self, at):
        client = Client(self.server, "ann", rooms=[], at=at)
        client.feeds = {self.server.rooms["inbox"]["feed"]: Inbox({"rev": 0, "epoch": ""})}
        return client

    async def run_code(self, code):
        return await sync_to_async(self.server.run, thread_sensitive=False)(PEOPLE + code)

    async def all_agree(self, *tabs, seconds=HINT_SECONDS):
        """Every tab has the lines, the revision and the count that the table has."""

        def is_so():
            ((rev, unread),) = self.server.rows(INBOX.format(self.ann))
            lines = dict(self.server.rows(LINES.format(self.ann)))
            inboxes = [tab.feed("inbox") for tab in tabs]
            return all((inbox.rev, inbox.unread, inbox.lines) == (rev, unread, lines) for inbox in inboxes)

        await eventually(is_so, seconds)

    async def test_whoever_tells_is_heard_in_the_tabs_of_every_process(self):
        """The README's senders: code of any process, a coroutine, a command; and a synchronous view."""
        plain, coroutine = [block for block in re.findall(r"```python\n(.*?)```", README, re.DOTALL) if "user_notified" in block]
        command = shlex.split(re.search(r"`\.venv/bin/python manage\.py (notify .*?)`", README)[1])
        in_coroutine = f"import asyncio\nasync def main():\n{indent(coroutine, '    ')}\nasyncio.run(main())"
        _, _, _, note = await self.calls_of_the_api()
        senders = {
            "code": ("The export is ready", self.run_code(plain)),
            "a coroutine": ("The export is ready", self.run_code("from realtime.signals import user_notified\n" + in_coroutine)),
            "a command": ("Ahoy", self.run_code(f"from django.core.management import call_command; call_command(*{command})")),
            "a view": ("The build is done", asyncio.to_thread(note, at=1)),
        }
        async with self.tab(0) as one, self.tab(1) as other:
            for sender, (text, sent) in senders.items():
                heard = [len(tab.frames) for tab in (one, other)]
                await sent
                for tab, since in zip((one, other), heard, strict=True):
                    with self.subTest(sender):
                        await tab.hears(RAISED, HINT_SECONDS, since, text=text)

    async def test_the_readmes_programs_hear_over_http_what_is_told_on_another_process(self):
        stream, poll, items, note = await self.calls_of_the_api()
        ((rev, _),) = self.server.rows(INBOX.format(self.ann)) or [(0, 0)]
        with await asyncio.to_thread(stream, at=0) as events:
            await self.reads(events, "realtime.feed.live")
            polling = asyncio.create_task(asyncio.to_thread(poll, at=0, after=rev))
            await asyncio.to_thread(note, at=1, key="over-http")
            await self.reads(events, "The build is done")
            told = json.load(await polling)["events"]
        self.assertEqual([event["text"] for event in told], ["The build is done"])
        self.assertEqual(json.load(await asyncio.to_thread(items, at=1))["items"][0]["text"], "The build is done")

    async def reads(self, events, words):
        async with asyncio.timeout(HINT_SECONDS):
            while words not in (await asyncio.to_thread(events.readline)).decode():
                pass

    async def calls_of_the_api(self):
        """What the README has curl do, each as a function of the process that is asked."""
        issue = "AccessToken.issue(ann, 'test', 'notifications:read notifications:write')"
        secret = (await self.run_code(f"from realtime.models import AccessToken; print({issue}[1])")).strip()
        commands = re.findall(r"(?m)^curl (.*)$", README)
        return [partial(self.call, shlex.split(command.replace("$TOKEN", secret))) for command in commands]

    def call(self, words, at, **changed):
        """As curl would; `changed` stands for other values than the README's."""
        address = next(word for word in words if word.startswith("http://127.0.0.1:8000"))
        address = address.replace("http://127.0.0.1:8000", self.server.urls[at])
        headers = dict([words[words.index("-H") + 1].split(": ")])
        body = json.loads(words[words.index("-d") + 1]) | changed if "-d" in words else None
        if "after" in changed:
            address = address.replace("after=0", f"after={changed['after']}")
        return urlopen(Request(address, body and json.dumps(body).encode(), headers), timeout=30)

    async def test_a_shell_reaches_every_tab_and_reading_in_one_clears_it_in_the_other(self):
        async with self.tab(0) as one, self.tab(1) as other:
            await self.run_code("services.notify(ann, 'notifications.note', 'from a shell')")
            for tab in (one, other):
                frame = await tab.hears(RAISED, HINT_SECONDS, text="from a shell")
            await one.acked(one.post("notifications.item.mark", "inbox", ids=[frame["id"]], mark="read"))
            await self.all_agree(one, other)

    async def test_a_killed_server_costs_no_notification_and_no_count(self):
        async with AsyncExitStack() as stack:
            tabs = [await stack.enter_async_context(self.tab(at)) for at in (0, 1)]
            await self.run_code(
                "for n in range(30):\n"
                "    services.notify(ann, 'notifications.note', f'{n}', dedupe_key=f'd{n % 20}', group_key='g' * (n % 3))"
            )
            self.server.kill(0)
            await self.run_code(
                "services.withdraw(ann, 'd3'); services.read_all(ann); services.notify(ann, 'notifications.note', 'after')"
            )
            await tabs[0].live()
            await self.all_agree(*tabs)
            self.assertEqual([tab.feed("inbox").skipped for tab in tabs], [0, 0])
            await sync_to_async(self.server.restart, thread_sensitive=False)(0)

    async def test_a_flushed_redis_costs_nothing_but_a_moment(self):
        async with self.tab(0) as one, self.tab(1) as other:
            self.redis.restart(immediate=True)
            await self.run_code("services.notify(ann, 'notifications.note', 'while Redis was away')")
            await self.all_agree(one, other, seconds=25)

    async def test_a_worker_is_woken_and_ends_in_order(self):
        worker = Worker(self.server.environment)
        self.addCleanup(worker.close)
        worker.start()
        async with self.tab(0) as tab:
            await self.run_code(
                "sam = User.objects.get(username='sam'); services.enqueue_announcement(sam, 'To all', 'everyone')"
            )
            await tab.hears(RAISED, HINT_SECONDS, text="To all")
        worker.stop()
        self.assertEqual(worker.process.returncode, 0)
        self.assertIn("The worker has ended.", worker.log.read_text())

    def receiver(self):
        """The address of a webhook that does not answer yet."""
        Receiver.called.clear()
        Receiver.is_open.clear()
        receiver = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
        Thread(target=receiver.serve_forever, daemon=True).start()
        self.addCleanup(receiver.server_close)
        self.addCleanup(receiver.shutdown)
        self.addCleanup(Receiver.is_open.set)
        return f"http://127.0.0.1:{receiver.server_port}/"

    async def test_a_webhook_that_does_not_answer_keeps_nobody_else_waiting(self):
        worker = Worker(self.server.environment)
        self.addCleanup(worker.close)
        await self.run_code(
            f"services.set_webhook(ann, '{self.receiver()}')\n"
            "for n in range(8): services.notify(ann, 'notifications.note', f'{n} for the webhook')"
        )
        worker.start()
        await eventually(Receiver.called.is_set)
        async with self.tab(0) as tab:
            await self.run_code(
                "sam = User.objects.get(username='sam'); services.enqueue_announcement(sam, 'Meanwhile', 'everyone')"
            )
            await tab.hears(RAISED, HINT_SECONDS, text="Meanwhile")
        await self.run_code("services.remove_webhook(ann)")
        Receiver.is_open.set()
        await eventually(lambda: not self.server.rows(WEBHOOK_JOBS), 20)

    async def test_a_worker_that_is_killed_at_work_leaves_the_job_to_another(self):
        worker = Worker(self.server.environment)
        self.addCleanup(worker.close)
        worker.start()
        await self.run_code(
            f"services.set_webhook(ann, '{self.receiver()}'); services.notify(ann, 'notifications.note', 'for the webhook')"
        )
        await eventually(Receiver.called.is_set)
        worker.kill()
        worker.log.unlink()
        Receiver.called.clear()
        Receiver.is_open.set()
        self.assertEqual(self.server.rows(WEBHOOK_JOBS), [(1,)])
        await self.run_code(
            "from realtime.models import Job; from django.utils import timezone; Job.objects.update(run_after=timezone.now())"
        )
        worker.start()  # the lease is over by now, as far as it can tell
        await eventually(lambda: not self.server.rows(WEBHOOK_JOBS), 20)
        self.assertTrue(Receiver.called.is_set())
        await self.run_code("services.remove_webhook(ann)")
