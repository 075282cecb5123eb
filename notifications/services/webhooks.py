"""A person's webhook: each notification as one signed POST.

    X-Backchannel-Signature: t=1767225600,v1=<hex HMAC-SHA256 of "1767225600.<body>" with the secret>

The time is signed too, so that a receiver can refuse what somebody recorded and plays again. Failures are tried again by
the job that called (realtime/jobs.py). A receiver that has failed for a day is called no more, and its owner told; an answer
that says "gone" (410) ends the webhook.
"""

import hashlib
import hmac
import http.client
import json
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from threading import Timer
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from notifications.models import Notification, Webhook
from notifications.services.addresses import check_url, resolve
from notifications.services.raising import notify
from realtime import jobs
from realtime.limits import Limit
from realtime.models import Job
from realtime.protocol import Refusal

CALL_SECONDS = 10  # for each of: to connect, to agree on TLS, to send, to answer
FAILING = timedelta(days=1)  # without a single success; not a number of failures: a restart at a busy hour has hundreds
TAKEN_BYTES = 1_000  # of the answer, for the error message
tests_per_person = Limit("webhook tests", burst=3, per_second=1 / 20)


class NotDelivered(Exception):
    """The receiver did not answer with 2xx."""


FAILURES = (NotDelivered, Refusal, OSError, http.client.HTTPException, ValueError)  # ValueError: a name that is none


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
    hook = Webhook.objects.filter(user=user_id, user__is_active=True, off_at=None).first()
    notification = Notification.objects.filter(inbox=user_id, pk=notification_id, withdrawn_at=None).first()
    if hook is None or notification is None:
        return
    try:
        status = call(hook, describe(notification))
    except FAILURES as error:
        if _has_failed_for_long(hook):
            _switch_off(hook, error)
            return
        raise
    if status == http.client.GONE:
        hook.delete()
    else:
        _has_worked(hook)


def send_test(user: Any) -> int:
    """Call the webhook now, so that the person sees what it answers. Returns the status; raises `Refusal`."""
    hook = Webhook.objects.filter(user=user).first()
    if hook is None:
        raise Refusal("not_found", _("There is no webhook."))
    tests_per_person.spend(user.pk)
    try:
        status = call(hook, {"type": "notifications.test", "text": "It works."})
    except FAILURES as error:
        raise Refusal("bad_value", format_lazy(_("It did not work: {error}"), error=error), field="url") from None
    _has_worked(hook)
    return status


def _has_worked(hook: Webhook) -> None:
    if hook.failing_since or hook.off_at:
        Webhook.objects.filter(pk=hook.pk).update(failing_since=None, off_at=None)


def _has_failed_for_long(hook: Webhook) -> bool:
    now = timezone.now()
    if hook.failing_since is None:
        Webhook.objects.filter(pk=hook.pk, failing_since=None).update(failing_since=now)
    return now - (hook.failing_since or now) > FAILING


def _switch_off(hook: Webhook, error: Exception) -> None:
    """Until its owner saves it again, or tries it with success."""
    if Webhook.objects.filter(pk=hook.pk, off_at=None).update(off_at=timezone.now()):
        text, url = _("Your webhook is switched off: it has failed for a day"), reverse("notifications:settings")
        notify(hook.user, "notifications.webhook", text, detail=format_lazy("{error}", error=error), url=url)


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
        with cut_off_after(CALL_SECONDS, connection.sock):
            response = connection.getresponse()  # a redirect is not followed: it could lead anywhere
            if 200 <= response.status < 300 or response.status == http.client.GONE:
                return response.status
            raise NotDelivered(f"{response.status} {response.read(TAKEN_BYTES)[:100].decode('latin-1')}")
    finally:
        connection.close()


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
        raise Refusal("not_allowed", _("Only staff may do this."))
    return jobs.retry(chosen)
