"""Somebody else in the demo: three people who draw on the wall as browsers do, with a session, a socket and a steady hand.

They are ordinary clients of the running server. When one has drawn enough, they wipe away what they drew first.
"""

import asyncio
import json
import random
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import pairwise
from math import cos, pi, sin
from secrets import randbits

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from drawing import demo, wire
from drawing.elements import Shape, encode
from drawing.models import Board, Element
from drawing.wire import Op
from realtime.threads import in_database
from realtime.visitors import Visitor, ping

PEOPLE = ("kim", "lee", "mia")
BOARD = "The wall"
PLACES = ((-300, -20, 230, 660), (990, -20, 230, 660))  # beside what the seed drew: x, y, width, height in pixels of the board
RANDOM_KEYS = 2**32  # the seed's are smaller
PAUSE_SECONDS = (6, 14)  # between two drawings of anybody
CALMER_EVERY_SECONDS = 10 * 60  # pauses double, treble...: a demo that runs overnight is still there to see in the morning
FRAME_SECONDS = 0.033
POINTS_PER_FRAME = 3
KEPT = 60  # strokes of each person


async def live(url: str) -> None:
    """Draw at the site at `url` until cancelled. Raises `PermissionError` when nobody can log in there."""
    board = await in_database(find_board)
    if board is None:
        return
    tabs = [Tab(url, name, board, await in_database(find_drawn, board, name)) for name in PEOPLE]
    for tab in tabs:
        await asyncio.to_thread(tab.log_in)
    async with asyncio.TaskGroup() as group:
        for tab in tabs:
            group.create_task(tab.stay())
        group.create_task(take_turns(tabs, random.Random()))


def find_board() -> Board | None:
    """The wall that `seed_drawing` made."""
    return Board.objects.in_gallery().filter(title=BOARD).first()


def find_drawn(board: Board, name: str) -> list[int]:
    """What this person drew there the last time."""
    drawn = Element.objects.on(board).alive().filter(author__user__username=name, key__gte=RANDOM_KEYS)
    return list(drawn.order_by("number").values_list("number", flat=True))


async def take_turns(tabs: list["Tab"], chance: random.Random) -> None:
    """One drawing at a time, whoever makes it."""
    started = time.monotonic()
    while True:
        calm = 1 + (time.monotonic() - started) / CALMER_EVERY_SECONDS
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS) * calm)
        await chance.choice(tabs).draw(drawing(chance))


def drawing(chance: random.Random) -> Iterator[Shape]:
    """Something small and pretty, somewhere on the wall."""
    left, top, wide, high = chance.choice(PLACES)
    x, y = left + chance.uniform(40, wide - 40), top + chance.uniform(40, high - 120)
    rgb = chance.choice([demo.RED, demo.PINK, demo.VIOLET, demo.BLUE, demo.ORANGE, demo.TEAL])
    size = chance.uniform(18, 36)
    match chance.choice(["flower", "flower", "star", "spiral", "heart", "fish"]):
        case "flower":
            yield from demo.flower(x, y, size, rgb, chance)
        case "star":
            tips = [pi * 4 / 5 * at - pi / 2 for at in range(6)]
            corners = [(x + cos(angle) * size, y + sin(angle) * size) for angle in tips]
            steps = [(one, other, at / 9) for one, other in pairwise(corners) for at in range(10)]
            yield demo.pen([(a + (c - a) * t, b + (d - b) * t) for (a, b), (c, d), t in steps], rgb, 5)
        case "spiral":
            yield demo.pen([(x + cos(at / 7) * at * size / 90, y + sin(at / 7) * at * size / 90) for at in range(90)], rgb, 5)
        case "heart":
            angles = [2 * pi * at / 48 for at in range(50)]
            scale = size / 14
            curve = [(16 * sin(t) ** 3, -13 * cos(t) + 5 * cos(2 * t) + 2 * cos(3 * t) + cos(4 * t)) for t in angles]
            yield demo.pen([(x + a * scale, y + b * scale) for a, b in curve], demo.RED, 5)
        case _:
            body = [(x + cos(t) * size * 1.4, y + sin(t) * size * 0.6) for t in (2 * pi * at / 36 for at in range(37))]
            tail = [(x - size * 1.4, y), (x - size * 2, y - size * 0.5), (x - size * 2, y + size * 0.5), (x - size * 1.4, y)]
            yield demo.pen(body, rgb, 5)
            yield demo.pen(demo.curve(*tail, steps=5), rgb, 5)
            yield demo.pen(demo.arc(x + size * 0.8, y - size * 0.12, 2, 2), demo.INK, 3)


class Tab(Visitor):
    """One person with the board open: a session by the log-in form, a socket that comes back when it is lost."""

    def __init__(self, url: str, name: str, board: Board, drawn: Iterable[int] = ()):
        super().__init__(url, name)
        self.path, self.feed = board.get_absolute_url(), board.group
        self.slug = board.slug
        self.drawn = deque(drawn)  # numbers of own strokes, the oldest first
        self._tag = 0
        self._socket: ClientConnection | None = None

    async def draw(self, shapes: Iterator[Shape]) -> None:
        for shape in shapes:
            await self._stroke(shape)
            await asyncio.sleep(0.25)
        while len(self.drawn) > KEPT:
            self._tag += 1
            await self._send(wire.operation(Op.ERASE, wire.varints(self._tag, self.drawn.popleft())))
            await asyncio.sleep(0.1)

    async def _stroke(self, shape: Shape) -> None:
        """As a browser does it: some points in each frame."""
        data, count = encode(shape), len(shape.points)
        sent = len(encode(replace(shape, points=shape.points[:1])))
        await self._send(wire.operation(Op.BEGIN, wire.pack_key(RANDOM_KEYS + randbits(62)) + data[:sent]))
        for at in range(1, count, POINTS_PER_FRAME):
            upto = min(at + POINTS_PER_FRAME, count)
            end = len(encode(replace(shape, points=shape.points[:upto])))
            await self._send(wire.operation(Op.INK, data[sent:end]))
            sent = end
            await asyncio.sleep(FRAME_SECONDS)
        self._tag += 1
        await self._send(wire.operation(Op.END, wire.varints(self._tag, count)))

    async def visit(self) -> None:
        async with self.connect(f"/ws/drawing/{self.slug}/") as socket:
            await socket.send(json.dumps({"type": "realtime.feed.join", "feed": self.feed, "rev": None, "epoch": ""}))
            self._socket = socket
            pings = asyncio.create_task(ping(socket))
            try:
                async for frame in socket:
                    if isinstance(frame, bytes) and frame[0] == wire.ACK:
                        self._acked(frame)
            finally:
                pings.cancel()
                self._socket = None

    def _acked(self, frame: bytes) -> None:
        reader = wire.Reader(frame[1:])
        _, _, number = reader.varint(), reader.varint(), reader.varint()
        if number:  # of an erasure it is 0
            self.drawn.append(number)

    async def _send(self, frame: bytes) -> None:
        """What cannot be sent is not drawn: a demo needs no outbox."""
        if self._socket:
            with suppress(ConnectionClosed):
                await self._socket.send(frame)
