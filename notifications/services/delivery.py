"""What leaves the site: a job for each, in the transaction of the notification."""

from collections.abc import Iterable

from django.utils import timezone

from notifications.models import Inbox, Notification
from notifications.services.preferences import Ways
from notifications.services.waiting import digest_job
from realtime import jobs


def enqueue(raised: Iterable[tuple[Inbox, Notification, Ways]]) -> None:
    now = timezone.now()
    wanted = []
    for inbox, notification, ways in raised:
        if ways.email:
            wanted.append(digest_job(inbox, now))
        if ways.webhook:
            payload = {"user": inbox.pk, "notification": notification.pk, "rev": notification.rev}
            wanted.append(jobs.new_job("notifications.webhook", payload))
    jobs.enqueue_all(wanted)
