"""A person's webhook: each notification as one signed POST (realtime/webhooks.py).

Failures are tried again by the job that called (realtime/jobs.py). A receiver that has failed for a day is called no more,
and its owner told; an answer that says "gone" (410) ends the webhook.
"""

import http.client
from collections.abc import Iterable
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from notifications.models import Notification, Webhook
from notifications.services.raising import notify
from realtime import jobs
from realtime.limits import Limit
from realtime.models import Job
from realtime.protocol import Refusal
from realtime.webhooks import FAILING, FAILURES, call

tests_per_person = Limit("webhook tests", burst=3, per_second=1 / 20)


def deliver(user_id: int, notification_id: int) -> None:
    """Call the person's webhook, unless the reason is gone meanwhile. Raises whatever went wrong, to be tried again."""
    hook = Webhook.objects.filter(user=user_id, user__is_active=True, off_at=None).first()
    notification = Notification.objects.filter(inbox=user_id, pk=notification_id, withdrawn_at=None).first()
    if hook is None or notification is None:
        return
    try:
        status = call(hook.url, hook.secret, describe(notification))
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
        status = call(hook.url, hook.secret, {"type": "notifications.test", "text": "It works."})
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
