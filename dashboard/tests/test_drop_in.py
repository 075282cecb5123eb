"""Dropped into the chat of the Channels tutorial it works: an app, a URL, migrate, and no change in the consumers."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from unittest import IsolatedAsyncioTestCase
from urllib.request import Request, urlopen

import pytest
from websockets.asyncio.client import connect

from dashboard.tests.running import STAFF
from dashboard.tests.tutorial import make
from realtime.backing import process

SECONDS = 10


class Daphne(process.Server):
    def __init__(self, project):
        super().__init__()
        self.project = project

    def command(self):
        return [sys.executable, "-m", "daphne", "-b", self.host, "-p", str(self.port), "mysite.asgi:application"]

    def identity(self):
        return {"env": environment(self.project)}

    def answers(self):
        try:
            urlopen(f"http://{self.host}:{self.port}/admin/login/", timeout=2).close()
        except OSError:
            return False
        return True


def environment(project):
    """Nothing of this repository is on the path of the tutorial's project."""
    inherited = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "DJANGO_SETTINGS_MODULE"}}
    return inherited | {"PYTHONPATH": str(project)}


class DropIn:
    """Mixed in with the layers of the project."""

    processes = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.project = Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="suite-tutorial-")))
        make(cls.project, cls.layers())
        cls.manage("migrate", "-v0")
        cls.session = cls.manage("shell", "-c", STAFF).split()[-1]
        cls.servers = [Daphne(cls.project) for _ in range(cls.processes)]
        for server in cls.servers:
            cls.addClassCleanup(server.close)
            server.start()

    @classmethod
    def manage(cls, *words):
        command = [sys.executable, "manage.py", *words]
        done = subprocess.run(command, cwd=cls.project, env=environment(cls.project), capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def page(self, path):
        server = self.servers[0]
        request = Request(f"http://{server.host}:{server.port}/dashboard/{path}", headers={"Cookie": f"sessionid={self.session}"})
        with urlopen(request, timeout=SECONDS) as answer:
            return answer.read().decode()

    async def json(self, path):
        return json.loads(await asyncio.to_thread(self.page, f"{path}?format=json"))

    async def eventually(self, path, condition):
        deadline = time.monotonic() + SECONDS
        while not condition(found := await self.json(path)):
            self.assertLess(time.monotonic(), deadline, found)
            await asyncio.sleep(0.05)
        return found

    async def tab(self, stack, room, at=0):
        server = self.servers[at]
        origin = f"http://{server.host}:{server.port}"
        url = f"ws://{server.host}:{server.port}/ws/chat/{room}/"
        return await stack.enter_async_context(connect(url, origin=origin))

    async def test_rooms_members_and_messages_are_seen(self):
        async with AsyncExitStack() as stack:
            tabs = [await self.tab(stack, room, at) for room, at in self.places]
            for number in range(5):
                await tabs[0].send(json.dumps({"message": f"hello {number}"}))
            for tab in tabs[:3]:
                for number in range(5):
                    async with asyncio.timeout(SECONDS):
                        self.assertEqual(json.loads(await tab.recv()), {"message": f"hello {number}"})
            found = await self.eventually("groups/", lambda found: found["total"] == 2 and found["rows"][0]["members"] == 3)
            self.assertEqual([row["name"] for row in found["rows"]], ["chat_lobby", "chat_attic"])
            self.assertEqual({row["app"] for row in found["rows"]}, {"chat"})
            members = (await self.json("groups/chat_lobby/"))["group"]["members"]
            self.assertEqual({member["consumer"] for member in members}, {"chat.consumers.ChatConsumer"})
            settled = await self.eventually("ledger/", lambda found: found["ledger"]["sockets"]["frames_out"] == 15)
            entry = settled["ledger"]["layers"][0]
            self.assertEqual((entry["sent"], entry["lost"], entry["unaccounted"]), (5, 0, 0))
            self.assertEqual((await self.json("connections/"))["total"], 4)
        await self.eventually("connections/", lambda found: found["total"] == 0)

    async def test_a_socket_is_closed_from_the_page_and_the_consumer_notices(self):
        async with AsyncExitStack() as stack:
            tab = await self.tab(stack, "cellar")
            await self.eventually("groups/chat_cellar/", lambda found: found["group"]["total"] == 1)
            code = "from dashboard.store import store; print(store().name)"
            self.assertTrue(await asyncio.to_thread(self.manage, "shell", "-c", code))
            await asyncio.to_thread(self.post, "groups/chat_cellar/disconnect/", "confirm=chat_cellar")
            async with asyncio.timeout(SECONDS):
                await tab.wait_closed()
            self.assertEqual(tab.close_code, 4403)
        await self.eventually("groups/chat_cellar/", lambda found: found["group"]["total"] == 0)

    def post(self, path, data):
        """As a browser does: with the token of the page."""
        server = self.servers[0]
        request = Request(f"http://{server.host}:{server.port}/dashboard/groups/chat_cellar/")
        request.add_header("Cookie", f"sessionid={self.session}")
        with urlopen(request, timeout=SECONDS) as answer:
            cookie = answer.headers["Set-Cookie"].split(";")[0]
            html = answer.read().decode()
        token = html.split('name="csrfmiddlewaretoken" value="')[1].split('"')[0]
        request = Request(
            f"http://{server.host}:{server.port}/dashboard/{path}", data=f"{data}&csrfmiddlewaretoken={token}".encode()
        )
        request.add_header("Cookie", f"sessionid={self.session}; {cookie}")
        with urlopen(request, timeout=SECONDS) as answer:
            return answer.status

    async def test_every_page_is_there_in_a_look_of_its_own(self):
        for path in [
            "",
            "groups/",
            "connections/",
            "processes/",
            "channels/",
            "ledger/",
            "redis/",
            "history/",
            "doctor/",
            "audit/",
        ]:
            with self.subTest(path):
                html = await asyncio.to_thread(self.page, path)
                self.assertIn("dashboard/standalone.css", html)
        self.assertIn("# EOF", await asyncio.to_thread(self.page, "metrics"))


@pytest.mark.only_on("memory")  # once is enough: it has settings of its own
class InMemoryTests(DropIn, IsolatedAsyncioTestCase):
    places = [("lobby", 0), ("lobby", 0), ("lobby", 0), ("attic", 0)]

    @classmethod
    def layers(cls):
        return {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


@pytest.mark.services
class CoreLayerTests(DropIn, IsolatedAsyncioTestCase):
    """As in the tutorial, which brings Redis in; but for the timeout, with which its idle sockets would die every 5 s."""

    processes = 2
    places = [("lobby", 0), ("lobby", 1), ("lobby", 1), ("attic", 0)]

    @classmethod
    def layers(cls):
        from tests.server import private_redis

        cls.redis = cls.enterClassContext(private_redis())
        hosts = [{"address": cls.redis.url, "socket_timeout": 15}]
        return {"default": {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": hosts}}}
