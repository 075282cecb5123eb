"""A person's webhook: each notification as one signed POST.

    X-Backchannel-Signature: t=1767225600,v1=<hex HMAC-SHA256 of "1767225600.<body>" with the secret>

The time is signed too, so that a receiver can refuse what somebody recorded and plays again. Failures are tried again by
the job that called (realtime/jobs.py); an answer that says "gone" (410) ends the webhook.
"""

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterable
from typing import Any

from django.views.decorators.debug import sensitive_variables

from notifications.models import Notification, Webhook
from notifications.services.addresses import check_url, resolve
from realtime import jobs
from realtime.limits import Limit
from realtime.models import Job
from realtime.protocol import Refusal

CALL_SECONDS = 10
TAKEN_BYTES = 1_000  # of the answer, for the error message
tests_per_person = Limit("webhook tests", burst=3, per_second=1 / 20)


class NotDelivered(Exception):
    """The receiver did not answer with 2xx."""


class PinnedConnection(http.client.HTTPConnection):
    """Connects to an address that was checked; the name is used for the Host header and the certificate only."""

    def __init__(self, host: str, port: int, address: str, context: ssl.SSLContext | None):
        super().__init__(host, port, timeout=CALL_SECONDS)
        self._address, self._tls = address, context

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host) if self._tls else plain


def deliver(user_id: int, notification_id: int) -> None:
    """Call the person's webhook, unless the reason is gone meanwhile. Raises whatever went wrong, to be tried again."""
    hook = Webhook.objects.filter(user=user_id, user__is_active=True).first()
    notification = Notification.objects.filter(inbox=user_id, pk=notification_id, withdrawn_at=None).first()
    if hook is None or notification is None:
        return
    if call(hook, describe(notification)) == http.client.GONE:
        hook.delete()


def send_test(user: Any) -> int:
    """Call the webhook now, so that the person sees what it answers. Returns the status; raises `Refusal`."""
    hook = Webhook.objects.filter(user=user).first()
    if hook is None:
        raise Refusal("not_found", "There is no webhook.")
    tests_per_person.spend(user.pk)
    try:
        return call(hook, {"type": "notifications.test", "text": "It works."})
    except (NotDelivered, OSError, http.client.HTTPException) as error:
        raise Refusal("bad_value", f"It did not work: {error}", field="url") from None


@sensitive_variables("secret")
def call(hook: Webhook, said: dict[str, Any]) -> int:
    """POST it. Returns 2xx or 410; raises `NotDelivered` for another status, `Refusal` for an address that is not public."""
    parts = check_url(hook.url)
    address, port = resolve(parts)
    body = json.dumps(said, ensure_ascii=False).encode()
    context = ssl.create_default_context() if parts.scheme == "https" else None
    connection = PinnedConnection(str(parts.hostname), port, address, context)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body, headers_for(hook.secret, body))
        response = connection.getresponse()  # a redirect is not followed: it could lead anywhere
        answer = response.read(TAKEN_BYTES)
    finally:
        connection.close()
    if 200 <= response.status < 300 or response.status == http.client.GONE:
        return response.status
    raise NotDelivered(f"{response.status} {answer[:100].decode('latin-1')}")


def headers_for(secret: str, body: bytes, now: float | None = None) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "Backchannel",
        "X-Backchannel-Signature": sign(secret, body, int(time.time() if now is None else now)),
    }


def sign(secret: str, body: bytes, at: int) -> str:
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def describe(notification: Notification) -> dict[str, Any]:
    """What programs are told: over a webhook and by the API."""
    return {
        "type": "notifications.item",
        "id": notification.pk,
        "rev": notification.rev,
        "kind": notification.kind,
        "text": notification.text,
        "detail": notification.detail,
        "url": notification.url,
        "count": notification.count,
        "at": notification.raised_at.isoformat(timespec="seconds"),
        "is_unread": notification.is_unread,
        "is_done": notification.done_at is not None,
        "is_saved": notification.saved_at is not None,
    }


def retry_dead(staff: Any, chosen: Iterable[Job]) -> int:
    """Give jobs that were given up another chance. Staff may."""
    if not staff.is_staff:
        raise Refusal("not_allowed", "Only staff may do this.")
    return jobs.retry(chosen)
