"""A webhook's call: one signed POST to an address that somebody typed.

    X-Backchannel-Signature: t=1767225600,v1=<hex HMAC-SHA256 of "1767225600.<body>" with the secret>

The time is signed too, so that a receiver can refuse what somebody recorded and plays again. What a failure means, and when
the call is made again, is for the app to say whose webhook it is; no app calls one for longer than `FAILING` in vain.
"""

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer
from typing import Any

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from realtime.addresses import check_url, resolve
from realtime.protocol import Refusal

CALL_SECONDS = 10  # for each of: to connect, to agree on TLS, to send, to answer
FAILING = timedelta(days=1)  # without a single success; not a number of failures: a restart at a busy hour has hundreds
TAKEN_BYTES = 1_000  # of the answer, for the error message


class NotDelivered(Exception):
    """The receiver did not answer with 2xx."""


FAILURES = (NotDelivered, Refusal, OSError, http.client.HTTPException, ValueError)  # ValueError: a name that is none


@sensitive_variables("secret")
def call(url: str, secret: str, said: dict[str, Any]) -> int:
    """POST it. Returns 2xx or 410; raises `NotDelivered` for another status, `Refusal` for an address that is not public."""
    parts = check_url(url)
    address, port = resolve(parts)
    body = json.dumps(said, ensure_ascii=False).encode()
    context = ssl.create_default_context() if parts.scheme == "https" else None
    connection = PinnedConnection(str(parts.hostname), port, address, context)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers_for(secret, body))
        with cut_off_after(CALL_SECONDS, connection.sock):
            response = connection.getresponse()  # a redirect is not followed: it could lead anywhere
            if 200 <= response.status < 300 or response.status == http.client.GONE:
                return response.status
            raise NotDelivered(_line(f"{response.status} {response.read(TAKEN_BYTES).decode('latin-1')}"))
    except http.client.HTTPException as error:
        raise NotDelivered(_line(f"{type(error).__name__}: {error}")) from None
    finally:
        connection.close()


def _line(text: str) -> str:
    """A stranger's words as one short line of what can be shown and stored: PostgreSQL takes no NUL."""
    return " ".join("".join(character if character.isprintable() else " " for character in text).split())[:100]


class PinnedConnection(http.client.HTTPConnection):
    """Connects to an address that was checked; the name is used for the Host header and the certificate only."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None):
        super().__init__(host, port, timeout=CALL_SECONDS)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host) if self._tls else plain


@contextmanager
def cut_off_after(seconds: float, sock: socket.socket) -> Iterator[None]:
    """A socket's own timeout holds for each read alone: who sends a byte now and then would keep us for hours."""
    timer = Timer(seconds, socket.socket.shutdown, [sock, socket.SHUT_RDWR])  # not SSLSocket's: it is being read from
    end = time.monotonic() + seconds
    timer.start()
    try:
        yield
    except (OSError, http.client.HTTPException):
        if time.monotonic() >= end:
            raise NotDelivered(format_lazy(_("no answer in {seconds} seconds"), seconds=seconds)) from None
        raise
    finally:
        timer.cancel()


def headers_for(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Backchannel",
        "X-Backchannel-Signature": sign(secret, body, int(time.time() if now is None else now)),
    }


def sign(secret: str, body: bytes, at: int) -> str:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
