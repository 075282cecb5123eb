"""Two server processes on Redis and PostgreSQL are one place: what happens on one shows on the other."""

import asyncio
from contextlib import AsyncExitStack
from unittest import IsolatedAsyncioTestCase
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.clients import MESSAGES, Client, eventually
from tests.server import private_postgres, private_redis, running_server

pytestmark = pytest.mark.services

HINT_SECONDS = 2  # far below the tick: what takes longer was not told, but found


class TwoProcessesTests(IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = cls.enterClassContext(private_redis())
        cls.server = cls.enterClassContext(running_server(private_postgres().url, cls.redis.url, processes=2))

    def tearDown(self):
        self.server.check_logs()

    def rows(self, room="lobby"):
        return self.server.rows(MESSAGES.format(self.server.rooms[room]["id"]))

    async def all_agree(self, *clients, room="lobby", seconds=HINT_SECONDS):
        """Every screen is what the database has."""
        rows = self.rows(room)
        for client in clients:
            await eventually(lambda client=client: client.feed(room).rev >= max(rev for _, _, rev, _ in rows), seconds)
            self.assertEqual(client.unlike(rows, room), "")

    async def test_everybody_sees_the_same_in_the_same_order(self):
        room = "studio"
        async with AsyncExitStack() as stack:
            tabs = [("ann", 0), ("bob", 1), ("dan", 0), ("eve", 1)]
            clients = [await stack.enter_async_context(Client(self.server, name, rooms=[room], at=at)) for name, at in tabs]
            for number in range(8):
                for client in clients:
                    client.say(f"{client.name} {number}", room)
            await eventually(lambda: not any(client.waiting for client in clients), 20)
            await self.all_agree(*clients, room=room)
            for client in clients:
                self.assertEqual(client.feed(room).order, clients[0].feed(room).order)
                self.assertEqual((client.feed(room).skipped, client.feed(room).repeated), (0, 0))
                said = [body for body in client.bodies(room) if body.startswith("ann ")]
                self.assertEqual(said, [f"ann {number}" for number in range(8)])

    async def test_edits_reactions_and_deletions_cross_over(self):
        async with Client(self.server, "cat", at=0) as cat, Client(self.server, "dan", at=1) as dan:
            kept = (await cat.said("first"))["id"]
            gone = (await cat.said("second"))["id"]
            for command in (
                cat.post("chat.message.edit", id=kept, body="first, edited"),
                cat.post("chat.message.delete", id=gone),
            ):
                await cat.acked(command)
            await dan.acked(dan.post("chat.reaction.set", id=kept, emoji="👍", on=True))
            await dan.hears("chat.message.deleted", HINT_SECONDS, id=gone)
            await self.all_agree(cat, dan)
            told = [frame for frame in cat.frames if frame.get("id") == kept and "html" in frame]
            self.assertEqual(told[-1]["body"], "first, edited")
            self.assertIn("👍", told[-1]["html"])

    async def test_typing_crosses_over(self):
        async with Client(self.server, "ann", at=0) as ann, Client(self.server, "bob", at=1) as bob:
            await ann.send({"type": "chat.typing.start", "feed": self.server.rooms["lobby"]["feed"]})
            heard = await bob.hears("chat.typing.started", HINT_SECONDS)
            self.assertEqual(heard["name"], "ann")

    async def test_presence_crosses_over(self):
        async with Client(self.server, "ida", at=0) as ida:
            async with Client(self.server, "jon", at=1) as jon:
                for client in (ida, jon):
                    await eventually(lambda client=client: {"ida", "jon"} <= client.people(), HINT_SECONDS)
            async with Client(self.server, "jon", at=1):  # he was alone on that process, and only changed pages
                self.assertFalse(any(frame.get("left") for frame in ida.frames))
            await eventually(lambda: "jon" not in ida.people(), 4 + HINT_SECONDS, what="jon leaves after his grace")
            self.assertIn("ida", ida.people())

    async def test_a_head_is_told_across(self):
        feed = self.server.rooms["lobby"]["feed"]
        async with Client(self.server, "eve", at=0) as eve, Client(self.server, "bob", rooms=["studio"], at=1) as bob:
            await bob.send({"type": "realtime.heads.watch", "feeds": [feed]})
            ack = await eve.said("for the unread count")
            await bob.hears("realtime.feed.head", HINT_SECONDS, feed=feed, rev=ack["rev"])

    async def test_logging_out_on_one_closes_the_sockets_on_the_other(self):
        async with Client(self.server, "fay", at=1) as fay:
            await asyncio.to_thread(self.post, "/accounts/logout/", fay.person["session"])
            self.assertEqual(await eventually(lambda: fay.closes, HINT_SECONDS), [4401])

    async def test_another_process_without_sockets_is_heard(self):
        """A management command, the admin in another process, a shell: it posts, removes and deactivates."""
        lobby, studio = self.server.rooms["lobby"]["id"], self.server.rooms["studio"]["id"]
        code = f"""
from django.contrib.auth.models import User
from chat import services
ann, gus, hal = (User.objects.get(username=name) for name in ("ann", "gus", "hal"))
services.post_message(services.Draft({lobby}, ann, "from a shell"))
services.leave_room(hal, {studio})
gus.is_active = False
gus.save()
"""
        async with (
            Client(self.server, "bob", at=1) as bob,
            Client(self.server, "gus", at=0) as gus,
            Client(self.server, "hal", rooms=["lobby", "studio"], at=1) as hal,
        ):
            await asyncio.to_thread(self.server.run, code)
            await bob.shows("from a shell", HINT_SECONDS)
            self.assertEqual(await eventually(lambda: gus.closes, HINT_SECONDS), [4401])
            self.assertEqual(await eventually(lambda: hal.feed("studio").refused, HINT_SECONDS), "not_allowed")
            async with Client(self.server, "ann", rooms=["studio"], at=0) as ann:
                await ann.said("not for hal", "studio")
            await hal.shows("from a shell")
            self.assertNotIn("not for hal", hal.bodies("studio"))
            self.assertEqual(hal.closes, [])

    def post(self, path, session):
        """A form is posted by the browser of this session. Redirects are the answer."""
        token = "c" * 32
        headers = {"Cookie": f"sessionid={session}; csrftoken={token}", "X-CSRFToken": token, "Origin": self.server.url}
        try:
            with urlopen(Request(self.server.url + path, b"", headers), timeout=10) as answer:
                return answer.status
        except HTTPError as error:
            raise AssertionError(f"{path}: {error.code}\n{error.read()[:2000]}") from None
