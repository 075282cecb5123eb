"""Clients that do not read, and clients that come and go: they harm nobody else, and nothing is left of them."""

import asyncio
import json
import random
import socket
from contextlib import AsyncExitStack, suppress
from unittest import IsolatedAsyncioTestCase

import pytest
import redis
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.clients import MESSAGES, Client, eventually
from tests.server import private_postgres, private_redis, running_server

pytestmark = pytest.mark.services

MEGABYTE = 1_048_576
FLOOD = 800  # messages of 8 kB: more than the buffers of two kernels and the server's limit hold together
SOCKETS, ROUNDS = 40, 5
NAMES = ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal"]


class StrainTests(IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = cls.enterClassContext(private_redis())
        cls.server = cls.enterClassContext(running_server(private_postgres().url, cls.redis.url, processes=2))
        cls.lobby = cls.server.rooms["lobby"]

    def tearDown(self):
        self.server.check_logs()

    @property
    def groups(self) -> set[bytes]:
        """The groups that the processes follow on Redis."""
        with redis.Redis.from_url(self.redis.url) as client:
            return set(client.pubsub_channels("*__group__*"))

    def connect(self, name="ann", **options):
        """A bare socket, on the first process."""
        headers = {"Cookie": f"sessionid={self.server.people[name]['session']}"}
        url = self.server.url.replace("http", "ws") + "/ws/"
        return connect(url, origin=self.server.url, additional_headers=headers, compression=None, ping_interval=None, **options)

    async def join(self, tab):
        await tab.send(json.dumps({"type": "realtime.feeds.resume", "feeds": {self.lobby["feed"]: {}}}))
        while json.loads(await tab.recv())["type"] != "realtime.feed.live":
            pass

    async def test_who_does_not_read_is_cut_off_and_nobody_else_notices(self):
        daphne = self.server.processes[0]
        narrow = socket.socket()
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        narrow.connect((daphne.host, daphne.port))
        narrow.setblocking(False)
        async with Client(self.server, "bob", at=0) as bob, Client(self.server, "dan", at=1) as dan:
            await bob.said("before")
            files, memory = daphne.open_files, daphne.memory
            async with self.connect(sock=narrow) as tab:
                await self.join(tab)
                tab.transport.pause_reading()
                await asyncio.to_thread(self.server.run, self.flood())
                await eventually(lambda: daphne.open_files <= files, 15, what="the server let go of the socket")
                rows = self.server.rows(MESSAGES.format(self.lobby["id"]))
                self.assertGreater(len(rows), FLOOD)
                for neighbour in (bob, dan):
                    await eventually(lambda neighbour=neighbour: not neighbour.unlike(rows), 15)
                    self.assertEqual((neighbour.closes, neighbour.feed().resets), ([], 0))
                self.assertLess(daphne.memory - memory, 20 * MEGABYTE)
                tab.transport.resume_reading()
                with self.assertRaises(ConnectionClosed):
                    while True:
                        await tab.recv()
                self.assertIn(tab.close_code, {4408, 1006})

    def flood(self) -> str:
        return f"""
from django.contrib.auth.models import User
from chat import services
from realtime.testing import forget_limits
ann = User.objects.get(username="ann")
for batch in range({FLOOD} // 10):
    forget_limits()
    services.post_messages([services.Draft({self.lobby["id"]}, ann, f"{{batch}} {{i}} " + "x" * 3900) for i in range(10)])
"""

    async def test_nothing_is_left_of_those_who_came_and_went(self):
        daphne = self.server.processes[0]
        async with Client(self.server, "ida", at=0) as ida, Client(self.server, "jon", at=1) as jon:
            await eventually(lambda: ida.people() == {"ida", "jon"}, 10)
            groups = self.groups
            self.assertTrue(groups)
            await self.come_and_go(ida)  # once, so that what is made once is there
            await eventually(lambda: self.groups == groups, 10, what="nobody is followed who is gone")
            files, memory = daphne.open_files, daphne.memory
            for _ in range(ROUNDS):
                await self.come_and_go(ida)
            await eventually(lambda: self.groups == groups, 10, what="the same groups are followed as before")
            # Each thread for the database may have opened its connection meanwhile, which it keeps.
            await eventually(lambda: daphne.open_files <= files + 30, 10, what="no more open files than before")
            self.assertLess(daphne.memory - memory, 10 * MEGABYTE)
            await eventually(lambda: ida.people() == {"ida", "jon"}, 10)
            rows = self.server.rows(MESSAGES.format(self.lobby["id"]))
            for client in (ida, jon):
                await eventually(lambda client=client: client.feed().rev == max(rev for _, _, rev, _ in rows))
                self.assertEqual(client.closes, [])
        await eventually(lambda: not self.groups, 10, what="nobody is here: nothing is followed")

    async def come_and_go(self, neighbour):
        """Many sockets open, hear something and end, some without a word."""
        async with AsyncExitStack() as stack:
            tabs = await asyncio.gather(
                *(stack.enter_async_context(self.connect(NAMES[number % len(NAMES)])) for number in range(SOCKETS))
            )
            neighbour.say("while they come")
            await asyncio.gather(*(self.join(tab) for tab in tabs))
            neighbour.say("while they are here")
            for tab in random.sample(tabs, SOCKETS // 2):
                tab.transport.abort()
            neighbour.say("while they go")
            with suppress(ConnectionClosed):
                await asyncio.gather(*(tab.close() for tab in tabs))
