"""A server for test_socket_js.py: it serves the modules as they are, and speaks `/ws/` the way a test tells it to."""

import asyncio
import json
import threading
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

TESTS = Path(__file__).parent
STATIC = TESTS.parent / "static"
PATIENCE = 5  # seconds until a test that waits gives up

PAGE = """<!doctype html><html lang="en"><title>Lab</title>
<link rel="icon" href="data:,">
<meta name="socket-url" content="{socket_url}">
<meta name="csrf-token" content="the-token">
<meta name="user-id" content="{user}">
<script type="module" src="/lab.js"></script>"""


class Socket:
    """The server's end of one WebSocket."""

    def __init__(self, server: "ScriptedServer", connection: ServerConnection):
        self.server = server
        self.connection = connection
        self.frames: list[dict] = []
        self.closed_with: int | None = None  # the close code that the browser gave

    def expect(self, type: str, count: int = 1) -> dict:
        """The `count`-th frame of this type, waited for."""
        self.server.wait(lambda: len(self.of(type)) >= count, lambda: f"{count} x {type} in {self.frames}")
        return self.of(type)[count - 1]

    def expect_close(self) -> int:
        self.server.wait(lambda: self.closed_with is not None, lambda: "the browser to close")
        return self.closed_with

    def of(self, type: str) -> list[dict]:
        return [frame for frame in self.frames if frame["type"] == type]

    def send(self, type: str, **fields) -> None:
        self.send_text(json.dumps({"type": type, **fields}))

    def send_text(self, text: str | bytes) -> None:
        self.server.run(self.connection.send(text))

    def close(self, code: int) -> None:
        self.server.run(self.connection.close(code))

    def cut(self) -> None:
        """As a network does it: without a word."""
        self.server.loop.call_soon_threadsafe(self.connection.transport.abort)


class ScriptedServer:
    """Behaves well by default; a test changes one of the attributes to make it misbehave."""

    run_number = 0

    def __init__(self):
        self.changed = threading.Condition()
        self.begin()

    def begin(self) -> None:
        """Forgets everything: the next test begins, and what pages of the last one still want is refused."""
        self.run_number += 1
        self.sockets: list[Socket] = []
        self.received: list[dict] = []  # the frames of all sockets, as they arrived
        self.requests: list[dict] = []  # what came by HTTP: {"path", "headers", "command"}
        self.rows: dict[str, int] = {}  # client_id -> id: what a database would hold
        self.user: int | None = 7
        self.accepts = True  # WebSockets; if not, 503
        self.greets = True
        self.pongs = True
        self.acks = True  # if not, commands are stored and the answer is lost
        self.on_command: Callable[[dict], dict | None] = lambda command: None  # an answer instead of storing
        self.on_request: Callable[[dict], tuple[int, dict | str] | None] = lambda command: None

    def __enter__(self) -> "ScriptedServer":
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.thread.start()
        self.listener = self.run(self._listen())
        self.socket_port = self.listener.sockets[0].getsockname()[1]
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.http.server_port}/"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exc) -> None:
        self.http.shutdown()
        self.http.server_close()
        for socket in self.sockets:
            socket.cut()
        self.listener.close()
        self.run(self.listener.wait_closed())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(PATIENCE)
        self.loop.close()

    @property
    def socket_path(self) -> str:
        return f"/ws/{self.run_number}/"

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(PATIENCE)

    def wait(self, condition: Callable[[], bool], meaning: Callable[[], str]) -> None:
        with self.changed:
            if not self.changed.wait_for(condition, PATIENCE):
                raise AssertionError(f"Waited in vain for {meaning()}")

    def socket(self, number: int) -> Socket:
        """The `number`-th connection since the test began, from 1, once it has said where it is."""
        self.wait(lambda: len(self.sockets) >= number, lambda: f"connection {number}, have {len(self.sockets)}")
        socket = self.sockets[number - 1]
        socket.expect("realtime.feeds.resume")
        return socket

    def expect_rows(self, count: int) -> list[str]:
        self.wait(lambda: len(self.rows) >= count, lambda: f"{count} rows in {self.rows}")
        return list(self.rows)

    def commands(self) -> list[str]:
        """The bodies of all commands, in the order they arrived on any socket."""
        return [frame["body"] for frame in self.received if frame["type"] == "chat.message.post"]

    async def _listen(self):
        return await serve(self._talk, "127.0.0.1", 0, process_request=self._refuse, ping_interval=None, close_timeout=1)

    def _refuse(self, connection: ServerConnection, request: Request) -> Response | None:
        is_welcome = self.accepts and request.path == self.socket_path
        return None if is_welcome else connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "No sockets today.\n")

    async def _talk(self, connection: ServerConnection) -> None:
        socket = Socket(self, connection)
        with self.changed:
            self.sockets.append(socket)
            self.changed.notify_all()
        try:
            if self.greets:
                hello = {"type": "realtime.hello", "connection": "c1", "version": 1, "user": self.user}
                await connection.send(json.dumps(hello))
            async for text in connection:
                await self._heard(socket, json.loads(text))
        except ConnectionClosed:
            pass
        with self.changed:
            socket.closed_with = connection.close_code
            self.changed.notify_all()

    async def _heard(self, socket: Socket, frame: dict) -> None:
        answer = None
        if frame["type"] == "realtime.ping" and self.pongs:
            answer = {"type": "realtime.pong"}
        elif "client_id" in frame:
            answer = self.on_command(frame) or self._store(frame)
            if answer["type"] == "realtime.ack" and not self.acks:
                answer = None
        with self.changed:
            socket.frames.append(frame)
            self.received.append(frame)
            self.changed.notify_all()
        if answer:
            await socket.connection.send(json.dumps(answer))

    def _store(self, command: dict) -> dict:
        """The same client_id makes the same row, however often it comes."""
        with self.changed:
            row = self.rows.setdefault(command["client_id"], len(self.rows) + 1)
        return {**self.answer("realtime.ack", command), "rev": row, "id": row}

    @staticmethod
    def answer(type: str, command: dict, **fields) -> dict:
        return {"type": type, "client_id": command["client_id"], "feed": command["feed"], **fields}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                if address.path == "/lab.js":
                    self.reply(200, (TESTS / "socket_lab.js").read_text(), "text/javascript")
                elif address.path.startswith("/static/realtime/"):
                    self.reply(200, (STATIC / address.path.removeprefix("/static/")).read_text(), "text/javascript")
                elif address.path == "/bare":
                    self.reply(200, "<!doctype html><title>Bare</title>", "text/html")
                else:
                    user = parse_qs(address.query, keep_blank_values=True).get("user", ["7"])[0]
                    socket_url = f"ws://127.0.0.1:{server.socket_port}{server.socket_path}"
                    self.reply(200, PAGE.format(user=user, socket_url=socket_url), "text/html")

            def do_POST(self) -> None:
                command = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, body = server.on_request(command) or (200, server._store(command))
                with server.changed:
                    server.requests.append({"path": self.path, "headers": self.headers, "command": command})
                    server.changed.notify_all()
                text = body if isinstance(body, str) else json.dumps(body)
                self.reply(status, text, "text/html" if isinstance(body, str) else "application/json")

            def reply(self, status: int, text: str, content_type: str) -> None:
                body = text.encode()
                self.send_response(HTTPStatus(status))
                self.send_header("Content-Type", f"{content_type}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                is_script = content_type == "text/javascript"
                self.send_header("Cache-Control", "max-age=600" if is_script else "no-cache")
                # As strict as the suite's own policy, but for the port of the sockets.
                sockets = f"ws://127.0.0.1:{server.socket_port}"
                policy = f"default-src 'none'; script-src 'self'; img-src data:; connect-src 'self' {sockets}"
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args) -> None:
                pass

        return Handler
