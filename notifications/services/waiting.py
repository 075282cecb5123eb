"""When the e-mail of what is unread goes out: after the minutes that the person chose, not in their quiet hours."""

from datetime import datetime, timedelta

from django.utils import timezone

from notifications.models import Inbox
from realtime import jobs


def digest_job(inbox: Inbox, asked_at: datetime) -> jobs.Job:
    """One e-mail waits for each person, however much is raised meanwhile."""
    return jobs.new_job("notifications.digest", {"user": inbox.pk}, run_after=digest_time(inbox, asked_at), key=digest_key(inbox))


def digest_time(inbox: Inbox, asked_at: datetime) -> datetime:
    due = max(asked_at + timedelta(minutes=inbox.email_after_minutes), timezone.now())
    return inbox.quiet_end(due) or due


def digest_key(inbox: Inbox) -> str:
    return f"notifications.digest.{inbox.pk}"


def move_digest(inbox: Inbox) -> None:
    """The person chose anew: so does the e-mail that waits already."""
    if waiting := jobs.waiting(digest_key(inbox)):
        jobs.move(waiting, digest_time(inbox, waiting.created_at))
