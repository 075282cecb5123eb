"""What leaves the site: a job for each, in the transaction of the notification."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils import timezone

from notifications.models import Inbox, Notification
from notifications.services.preferences import Ways
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


def digest_job(inbox: Inbox, now: datetime) -> jobs.Job:
    """One e-mail waits for each person, however much is raised meanwhile; not in their quiet hours."""
    due = now + timedelta(minutes=inbox.email_after_minutes)
    run_after = max(due, inbox.quiet_end(due) or due)
    return jobs.new_job("notifications.digest", {"user": inbox.pk}, run_after=run_after, key=f"notifications.digest.{inbox.pk}")
