"""A tab on a board, in the test's own event loop: what `static/drawing/` does, in Python."""

import json
from itertools import count
from typing import Any

from asgiref.sync import sync_to_async
from channels.testing import ApplicationCommunicator
from django.test import AsyncClient

from drawing import elements, wire
from drawing.consumers import BoardConsumer
from drawing.elements import Kind, Shape
from drawing.models import Board
from drawing.wire import Op
from realtime.testing import ANSWER_SECONDS, Browser, rest

_keys = count(1)


def new_key() -> int:
    return next(_keys)


def stroke(*points: tuple[float, float], pressure: float = 0.5, width: float = 4.0) -> bytes:
    """A pen stroke as bytes."""
    return elements.encode(Shape(Kind.PEN, (20, 20, 20), width, [(x, y, pressure) for x, y in points or [(0, 0), (9, 9)]]))


def rectangle(x: float = 0, y: float = 0, wide: float = 40, high: float = 30) -> bytes:
    return elements.encode(Shape(Kind.RECT, (200, 30, 30), 2, [(x, y, 0.5), (x + wide, y + high, 0.5)]))


def text(words: str) -> bytes:
    return elements.encode(Shape(Kind.TEXT, (20, 20, 20), 20, [(0, 0, 0.5)], text=words))


class Tab(Browser):
    """Frames are kept as they come: JSON as dicts, binary ones as `wire.Change`, acks as `("ack", tag, rev, number)`, ticks as
    `("tick", [(participant, op, body), ...])`."""

    tag = 0

    @classmethod
    async def at(cls, board: Board, user: Any = None, *, rev: int | None = None, cookie: str = "") -> "Tab":
        """Open the board's socket and join it."""
        tab = await cls.knock(board.slug, user, cookie=cookie)
        tab.opened = await tab.expect("drawing.board.opened")
        tab.feed = board.group
        await tab.join(rev)
        return tab

    @classmethod
    async def knock(cls, slug: str, user: Any = None, *, cookie: str = "", origin: str = "http://testserver") -> "Tab":
        """Like `at`, but whatever the server answers is left to the test."""
        http = AsyncClient()
        if user is not None:
            await http.aforce_login(user)
        cookies = [f"{name}={morsel.value}" for name, morsel in http.cookies.items()] + ([cookie] if cookie else [])
        headers = {"host": "testserver", "origin": origin, "cookie": "; ".join(cookies)}
        scope = {
            "type": "websocket",
            "path": f"/ws/drawing/{slug}/",
            "scheme": "ws",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items() if value],
            "url_route": {"kwargs": {"slug": slug}},
        }
        socket = ApplicationCommunicator(BoardConsumer.as_asgi(), scope)
        await socket.send_input({"type": "websocket.connect"})
        return cls(user, http, socket)

    async def join(self, rev: int | None = None, epoch: str = "") -> dict[str, Any]:
        await self.send({"type": "realtime.feed.join", "feed": self.feed, "rev": rev, "epoch": epoch})
        return await self.expect("realtime.feed.live", "realtime.feed.reset")

    async def ink(self, *operations: bytes) -> None:
        await self.socket.send_input({"type": "websocket.receive", "bytes": b"".join(operations)})

    async def put(self, data: bytes, key: int | None = None) -> Any:
        """The answer: an ack, or the refusal."""
        return await self.ask(Op.PUT, wire.pack_key(key or new_key()) + data)

    async def edit(self, number: int, base: int, data: bytes) -> Any:
        return await self.ask(Op.EDIT, wire.varints(number, base) + data)

    async def erase(self, *numbers: int) -> Any:
        return await self.ask(Op.ERASE, wire.varints(*numbers))

    async def restore(self, *numbers: int) -> Any:
        return await self.ask(Op.RESTORE, wire.varints(*numbers))

    async def ask(self, op: int, body: bytes) -> Any:
        self.tag += 1
        await self.ink(wire.operation(op, wire.varints(self.tag) + body))
        return await self.answer(self.tag)

    async def draw(self, data: bytes, *pieces: bytes, key: int | None = None, ends: bool = True) -> Any:
        """A stroke, live: its beginning, then what comes after."""
        await self.ink(wire.operation(Op.BEGIN, wire.pack_key(key or new_key()) + data))
        for piece in pieces:
            await self.ink(wire.operation(Op.INK, piece))
        if ends:
            points = len(elements.decode(data + b"".join(pieces)).points)
            self.tag += 1
            await self.ink(wire.operation(Op.END, wire.varints(self.tag, points)))
            return await self.answer(self.tag)

    async def answer(self, tag: int) -> Any:
        while True:
            frame = await self.next()
            if isinstance(frame, tuple) and frame[:2] == ("ack", tag):
                return frame
            if isinstance(frame, dict) and frame["type"] == "drawing.operation.refused" and frame.get("tag") == tag:
                return frame
            if isinstance(frame, dict) and frame["type"] == "websocket.close":
                raise AssertionError(f"closed with {frame.get('code')}")

    async def next(self) -> Any:
        while True:
            message = await self.socket.receive_output(ANSWER_SECONDS)
            if message["type"] == "websocket.send":
                frame = read(message["bytes"]) if message.get("bytes") is not None else json.loads(message["text"])
                self.frames.append(frame)
                return frame
            if message["type"] == "websocket.close":
                return message

    async def expect(self, *types: str) -> dict[str, Any]:
        while True:
            frame = await self.next()
            if isinstance(frame, dict):
                if frame["type"] in types:
                    return frame
                if frame["type"] == "websocket.close":
                    raise AssertionError(f"closed with {frame.get('code')} while waiting for {types}")

    async def change(self) -> wire.Change:
        """The next thing that was committed."""
        while not isinstance(frame := await self.next(), wire.Change):
            assert isinstance(frame, tuple) or frame["type"] != "websocket.close", frame
        return frame

    async def tick(self) -> list[tuple[int, int, bytes]]:
        while not (isinstance(frame := await self.next(), tuple) and frame[0] == "tick"):
            assert isinstance(frame, tuple) or frame["type"] != "websocket.close", frame
        return frame[1]

    async def closed(self) -> int:
        while not (isinstance(frame := await self.next(), dict) and frame["type"] == "websocket.close"):
            pass
        return frame["code"]

    async def silence(self) -> list[Any]:
        """All that was on its way when a ping was answered."""
        seen = len(self.frames)
        await self.send({"type": "realtime.ping"})
        await self.expect("realtime.pong")
        return self.frames[seen:-1]

    async def close(self) -> None:
        if not self.socket.future.done():
            await self.socket.send_input({"type": "websocket.disconnect", "code": 1001})
        await self.socket.wait(ANSWER_SECONDS)
        await rest()


def read(data: bytes) -> Any:
    kind = data[0]
    if kind == wire.CHANGE:
        return wire.read_change(data)
    reader = wire.Reader(data[1:])
    if kind == wire.ACK:
        return ("ack", reader.varint(), reader.varint(), reader.varint())
    said = []
    while not reader.is_done:
        number, op = reader.varint(), reader.byte()
        said.append((number, op, reader.take(reader.varint())))
    return ("tick", said)


in_thread = sync_to_async
