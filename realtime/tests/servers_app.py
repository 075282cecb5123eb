"""A small ASGI application that does what a test of realtime.servers asks for, inside a real server process."""

import asyncio
import json
import resource
import sys
import threading
from typing import Any

from realtime import servers
from realtime.servers.writer import SendWriter

PIECE = 65_536  # bytes of each frame of a flood

servers.install()
if "daphne.server" in sys.modules:
    from realtime.servers import hardening

    hardening.EXIT_SECONDS = 2.0  # a test need not wait for ten

state: dict[str, Any] = {"left": 0, "queued": 0, "reports": []}
release = asyncio.Event()
farewells: list[servers.Writer] = []
dozing: list[Any] = []


@servers.on_shutdown
async def say_goodbye() -> None:
    for writer in farewells:
        writer.write(servers.text_frame(b"bye"))
        await writer.close(4012)


async def application(scope, receive, send):
    await {"lifespan": servers.lifespan, "http": http, "websocket": websocket}[scope["type"]](scope, receive, send)


async def http(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    if scope["path"] == "/release":
        release.set()
    for protocol in dozing:  # Daphne's names or uvicorn's
        state["held"] = getattr(protocol, "is_held", None) or getattr(protocol, "read_paused", False)
        state["waiting"] = (getattr(protocol, "application_queue", None) or protocol.queue).qsize()
    state["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # KiB
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(state).encode()})


async def websocket(scope, receive, send):
    await receive()
    before = servers.writer_for(send).write(servers.text_frame(b"too early"))
    await send({"type": "websocket.accept"})
    writer = SendWriter(send) if scope["path"] == "/fallback" else servers.writer_for(send)
    if scope["path"] == "/eager":
        writer.write(servers.text_frame(b"hello"))
    socket = Socket(receive, send, writer, written_before=before)
    while (message := await receive())["type"] == "websocket.receive":
        command, *arguments = json.loads(message["text"])
        await getattr(socket, command)(*arguments)
    state["left"] += 1
    print("left", message.get("code"), file=sys.stderr, flush=True)


class Socket:
    """Each method is a command that the test may send."""

    def __init__(self, receive, send, writer: servers.Writer, written_before: bool) -> None:
        self.receive, self.send, self.writer, self.written_before = receive, send, writer, written_before
        self.protocol = send.args[0] if hasattr(send, "args") else send.__self__

    async def text(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})

    async def hang(self) -> None:
        """A thread that waits for a database that is away."""
        asyncio.get_running_loop().run_in_executor(None, threading.Event().wait, 60)
        await self.text("hanging")

    async def which(self) -> None:
        await self.text(json.dumps([type(self.writer).__name__, self.written_before, self.writer.closed]))

    async def farewell(self) -> None:
        farewells.append(self.writer)
        await self.text("noted")

    async def mixed(self, count: int) -> None:
        """Numbers, through both ways out in turn."""
        for number in range(0, count, 3):
            self.writer.write(servers.text_frame(b"%d" % number))
            await self.text(str(number + 1))
            self.writer.write(servers.text_frame(b"%d" % (number + 2)))

    async def sizes(self, *sizes: int) -> None:
        """One text and one binary frame of each size, all in one write."""
        frames = [make(b"x" * size) for size in sizes for make in (servers.text_frame, servers.binary_frame)]
        self.writer.write(b"".join(frames))

    async def flood(self, enough: int) -> None:
        """Numbered frames until `enough` bytes are queued, then the word "end" both ways."""
        number = 0
        while self.writer.queued < enough:
            self.writer.write(servers.text_frame(b"%d " % number + b"x" * PIECE))
            number += 1
        state["queued"] = self.writer.queued
        self.writer.write(servers.text_frame(b"end"))

    async def send_flood(self, count: int) -> None:
        """As an ordinary consumer would, without looking at the queue."""
        for _ in range(count):
            await self.text("x" * PIECE)
            state["queued"] = max(state["queued"], self.writer.queued)

    async def doze(self, count: int) -> None:
        """Do not receive until told; then report the `count` frames that came meanwhile."""
        dozing.append(self.protocol)
        await self.text("dozing")
        await release.wait()
        frames = [await self.receive() for _ in range(count)]
        await self.text(json.dumps([int(frame["text"].split()[0]) for frame in frames] == list(range(count))))

    async def close(self, code: int) -> None:
        await self.writer.close(code)
        state["reports"].append([self.writer.write(servers.text_frame(b"late")), self.writer.closed])

    async def abort(self) -> None:
        self.writer.abort()
        state["reports"].append([self.writer.write(servers.text_frame(b"late")), self.writer.closed])
