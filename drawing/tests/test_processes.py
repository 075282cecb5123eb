"""Two server processes on Redis and PostgreSQL are one board: ink, people and rights cross over."""

import asyncio
import json
from contextlib import asynccontextmanager
from unittest import IsolatedAsyncioTestCase

import pytest
from websockets.asyncio.client import connect

from drawing import wire
from drawing.tests.making import NEW_BOARDS
from drawing.tests.tabs import new_key, read, rectangle, stroke
from drawing.wire import Op
from tests.server import private_postgres, private_redis, running_server

pytestmark = pytest.mark.services

HINT_SECONDS = 2  # far below the tick: what takes longer was not told, but found
LEASE_SECONDS = 25  # a process that was killed is forgotten by then


class Hand:
    """A person on one process: what their browser would send, and all that it hears."""

    def __init__(self, socket):
        self.socket, self.heard = socket, []
        self.changed = asyncio.Event()

    async def listen(self):
        async for data in self.socket:
            frame = read(data) if isinstance(data, bytes) else json.loads(data)
            self.heard.append(frame)
            self.changed.set()

    async def hears(self, condition, seconds=HINT_SECONDS):
        async with asyncio.timeout(seconds):
            while not (found := next((frame for frame in self.heard if condition(frame)), None)):
                self.changed.clear()
                await self.changed.wait()
        return found

    async def change(self, number, seconds=HINT_SECONDS):
        return await self.hears(lambda frame: isinstance(frame, wire.Change) and frame.number == number, seconds)

    async def ack(self, tag):
        return await self.hears(lambda frame: isinstance(frame, tuple) and frame[:2] == ("ack", tag), 10)

    async def people(self, *names, seconds=HINT_SECONDS):
        def is_here(frame):
            return isinstance(frame, dict) and frame["type"] == "drawing.people.changed" and names == names_in(frame)

        return await self.hears(is_here, seconds)


def names_in(frame):
    return tuple(person["name"] for person in frame["people"])


class TwoProcessesTests(IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        redis = cls.enterClassContext(private_redis())
        cls.server = cls.enterClassContext(running_server(private_postgres().url, redis.url, processes=2))
        made = cls.server.run(NEW_BOARDS.format(wanted=[("Harbour", "private")] * 3))
        cls.boards = [line.split() for line in made.split("\n") if line]

    def tearDown(self):
        self.server.check_logs()

    @asynccontextmanager
    async def hand(self, name, process, board):
        slug, pk = board
        url, session = self.server.urls[process], self.server.people[name]["session"]
        headers = {"Cookie": f"sessionid={session}"}
        address = f"{url.replace('http', 'ws', 1)}/ws/drawing/{slug}/"
        async with connect(address, origin=url, additional_headers=headers) as socket:
            hand = Hand(socket)
            task = asyncio.create_task(hand.listen())
            feed = f"drawing.board.{pk}"
            await socket.send(json.dumps({"type": "realtime.feed.join", "feed": feed, "rev": None, "epoch": ""}))
            await hand.hears(lambda frame: isinstance(frame, dict) and frame["type"] == "realtime.feed.live", 10)
            yield hand
            task.cancel()

    async def test_a_stroke_is_seen_live_and_confirmed_on_the_other_process(self):
        board = self.boards.pop()
        async with self.hand("ann", 0, board) as ann, self.hand("bob", 1, board) as bob:
            await ann.people("ann", "bob")
            start = stroke((0, 0), (5, 5))
            await ann.socket.send(wire.operation(Op.BEGIN, wire.pack_key(new_key()) + start))
            await bob.hears(
                lambda frame: isinstance(frame, tuple) and frame[0] == "tick" and frame[1][0][1:] == (Op.BEGIN, start)
            )
            await ann.socket.send(wire.operation(Op.END, wire.varints(7, 2)))
            _, _, rev, number = await ann.ack(7)
            change = await bob.change(number)
            self.assertEqual((change.kind, change.rev, change.points), (wire.INK, rev, 2))

    async def test_a_right_that_is_taken_away_holds_on_the_other_process(self):
        board = self.boards.pop()
        async with self.hand("ann", 0, board), self.hand("bob", 1, board) as bob:
            self.server.run(REMOVE.format(pk=board[1]))
            async with asyncio.timeout(HINT_SECONDS):
                await bob.socket.wait_closed()
            self.assertEqual(bob.socket.close_code, 4403)

    async def test_who_was_on_a_process_that_is_killed_is_gone_and_what_they_put_stays(self):
        board = self.boards.pop()
        async with self.hand("bob", 1, board) as bob:
            async with self.hand("ann", 0, board) as ann:
                await bob.people("ann", "bob")
                put = wire.varints(1) + wire.pack_key(new_key()) + rectangle()
                await ann.socket.send(wire.operation(Op.PUT, put))
                _, _, _, number = await ann.ack(1)
                self.server.kill(0)
            await bob.change(number)
            bob.heard.clear()
            await bob.people("bob", seconds=LEASE_SECONDS)
            self.server.restart(0)
            async with self.hand("ann", 0, board):
                await bob.people("ann", "bob")


REMOVE = """
from django.contrib.auth.models import User
from drawing import services
services.remove_participant(User.objects.get(username="ann"), {pk}, 2)
"""
