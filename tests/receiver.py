"""The other end of a webhook: a real HTTP server that notes what it hears, and answers as a test wants."""

import hashlib
import hmac
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread


class Receiver(BaseHTTPRequestHandler):
    url = ""
    status = 200
    answer = b""
    headers_sent: dict[str, str] = {}
    heard: list[tuple[dict[str, str], bytes]] = []
    drips = False  # sends a byte now and then, and never an answer
    meanwhile: Callable[[], None] | None = None  # what happens while the caller waits for the answer

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.heard.append((dict(self.headers), body))
        while self.drips:
            self.wfile.write(b"H")
            Event().wait(0.05)
        if self.meanwhile:
            type(self).meanwhile()
        self.send_response(self.status)
        for name, value in self.headers_sent.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.answer)

    def log_message(self, *_):
        pass


@contextmanager
def receiver() -> Iterator[type[Receiver]]:
    """A server of this process. What the class says is what it does."""
    handler = type("Receiver", (Receiver,), {"heard": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    handler.url = f"http://127.0.0.1:{server.server_port}/hook?x=1"
    Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
    try:
        yield handler
    finally:
        server.shutdown()
        server.server_close()


def check_signature(secret: str, headers: dict[str, str], body: bytes) -> None:
    """As the documents tell a receiver to, before it believes anything."""
    at, signature = (part.split("=")[1] for part in headers["X-Backchannel-Signature"].split(","))
    expected = hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(signature, expected) and abs(time.time() - int(at)) < 60
