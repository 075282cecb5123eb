"""A real server process for a test, and ways to talk to it."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import asynccontextmanager
from pathlib import Path
from queue import Queue
from unittest import IsolatedAsyncioTestCase

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

ROOT = Path(__file__).resolve().parents[2]
APPLICATION = "realtime.tests.servers_app:application"
COMMANDS = {
    "daphne": ["daphne", "-p", "0", "--websocket-max-message-size", "65536", "--websocket-max-frame-size", "65536"],
    "uvicorn": ["uvicorn", "--port", "0", "--ws-max-size", "65536"],
}
MAX_BODY_BYTES = 1_000_000


class Server:
    """A server process on a port of its own choosing; its log says which, and when it listens."""

    def __init__(self, name: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", *COMMANDS[name], APPLICATION],
            cwd=ROOT,
            env={"PATH": "", "PYTHONPATH": str(ROOT), "MAX_BODY_BYTES": str(MAX_BODY_BYTES)},
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
        )
        self.log: list[str] = []
        ports: Queue[int | None] = Queue()
        threading.Thread(target=self.read_log, args=(ports,), daemon=True).start()
        self.port = ports.get(timeout=20)
        if self.port is None:
            raise RuntimeError("".join(self.log))

    def read_log(self, ports: Queue[int | None]) -> None:
        for line in self.process.stderr:
            self.log.append(line)
            if match := re.search(r"(?:Listening on TCP address |running on http://)127\.0\.0\.1:(\d+)", line):
                ports.put(int(match[1]))
        ports.put(None)

    def stop(self) -> float:
        """Ask the process to end; the seconds it took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(timeout=10)
        self.process.stderr.close()
        return time.monotonic() - start


class LiveTestCase(IsolatedAsyncioTestCase):
    server: Server

    @asynccontextmanager
    async def socket(self, path="/"):
        async with (
            asyncio.timeout(15),
            connect(f"ws://127.0.0.1:{self.server.port}{path}", max_size=None, compression=None, ping_interval=None) as socket,
        ):
            yield socket

    async def ask(self, socket, *command):
        await socket.send(json.dumps(command))

    async def http(self, path="/", head=b"GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", body=()):
        """Status and JSON of an HTTP request; `body` may be sent in pieces, and the answer may come before its end."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)

        async def send():
            for piece in (head % path.encode() if b"%s" in head else head, *body):
                writer.write(piece)
                await writer.drain()

        sending = asyncio.create_task(send())
        answer = b""
        try:
            async with asyncio.timeout(15):
                while chunk := await reader.read(65_536):
                    answer += chunk
        except ConnectionError:
            pass  # cut while we were still sending; what was answered is what counts
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.close()
        head, _, content = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), content

    async def state(self):
        _, content = await self.http()
        return json.loads(content[content.index(b"{") : content.rindex(b"}") + 1])

    async def until(self, condition):
        """The server's state, as soon as it is as it should be."""
        async with asyncio.timeout(15):
            while not condition(state := await self.state()):
                pass
            return state

    async def close_code(self, socket):
        with self.assertRaises(ConnectionClosed):
            while True:
                await socket.recv()
        return socket.close_code
