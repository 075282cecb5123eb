"""The demo's visitors draw as browsers do, what the services take, and wipe away what they drew first."""

import asyncio
import io
import random
from contextlib import suppress
from unittest import mock

from django.core.management import call_command
from django.test import SimpleTestCase
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from drawing import demo, elements, life, wire
from drawing.models import Board
from drawing.wire import Op, Reader
from realtime.testing import RealtimeTestCase
from tests.clients import eventually


class Site:
    """A server that knows nothing but a board's socket: it puts strokes together, and acks."""

    def __init__(self):
        self.done = asyncio.Queue()
        self.heard = set()
        self.number = 0

    async def talk(self, socket):
        data = b""
        with suppress(ConnectionClosed):
            async for frame in socket:
                for op, body in wire.operations(frame) if isinstance(frame, bytes) else []:
                    reader = Reader(body)
                    self.heard.add(op)
                    if op == Op.BEGIN:
                        reader.key()
                        data = reader.rest()
                    elif op == Op.INK:
                        data += body
                    elif op == Op.END:
                        tag, self.number = reader.varint(), self.number + 1
                        await self.done.put(("stroke", elements.check(data), reader.varint()))
                        await socket.send(wire.ack(tag, self.number, self.number))
                    elif op == Op.ERASE:
                        tag, refs = reader.varint(), reader.refs()
                        await self.done.put(("erase", refs))
                        await socket.send(wire.ack(tag, self.number, 0))


class TabTests(SimpleTestCase):
    async def test_a_stroke_arrives_whole_and_the_oldest_goes(self):
        site, shape = Site(), demo.pen(demo.arc(0, 0, 20, 20), demo.RED)
        async with serve(site.talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            tab = life.Tab(f"http://127.0.0.1:{port}/", "kim", Board(pk=7, slug="wall"), drawn=[3])
            stay = asyncio.create_task(tab.stay())
            await eventually(lambda: tab._socket)
            with mock.patch.object(life, "KEPT", 1), mock.patch.object(life, "FRAME_SECONDS", 0):
                await tab.draw(iter([shape]))
                _, drawn, count = await site.done.get()
                self.assertEqual((drawn, count), (elements.decode(elements.encode(shape)), len(shape.points)))
                await eventually(lambda: site.number in tab.drawn)
                await tab.draw(iter([]))
            self.assertEqual(await site.done.get(), ("erase", ((3, 0),)))
            self.assertEqual(site.heard, {Op.BEGIN, Op.INK, Op.END, Op.ERASE})
            stay.cancel()
            with suppress(asyncio.CancelledError):
                await stay

    async def test_what_is_drawn_without_a_socket_is_not_drawn(self):
        await life.Tab("http://127.0.0.1:1/", "kim", Board(pk=7, slug="wall"))._stroke(demo.pen([(0, 0), (1, 1)]))


class WallTests(RealtimeTestCase):
    def test_they_know_the_wall_that_the_seed_made_and_what_they_drew_on_it(self):
        self.assertIsNone(life.find_board())
        call_command("seed_drawing", stdout=io.StringIO())
        board = life.find_board()
        self.assertEqual(board.title, life.BOARD)
        self.assertEqual(life.find_drawn(board, "kim"), [])

    def test_what_they_draw_is_allowed_and_is_where_there_is_room_for_it(self):
        chance = random.Random(1)
        for _ in range(60):
            for shape in life.drawing(chance):
                elements.check(elements.encode(shape))
                x = shape.points[0][0]
                self.assertTrue(any(left - 80 <= x <= left + wide + 80 for left, _, wide, _ in life.PLACES))
