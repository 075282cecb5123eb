"""The one door for writes. Sockets, forms, the API, the admin, commands and other apps' signals all come in here.

Each function is one verb. It takes people's own inboxes and never an id on trust, writes in one transaction, and
broadcasts after the commit. What is refused raises `Refusal` before anything is written.
"""

from notifications.services.announcing import announce, announce_step, enqueue_announcement, people_of
from notifications.services.digests import send_digest
from notifications.services.inboxes import inbox_of, note_language
from notifications.services.marking import clear_all, mark, mark_read_at, mark_seen, read_all
from notifications.services.preferences import (
    followers_of,
    remove_webhook,
    set_inbox_settings,
    set_level,
    set_preference,
    set_webhook,
    ways_for,
)
from notifications.services.raising import News, notify, notify_many
from notifications.services.tokens import tokens
from notifications.services.webhooks import deliver, retry_dead, send_test
from notifications.services.withdrawing import withdraw

__all__ = [
    "News",
    "announce",
    "announce_step",
    "clear_all",
    "deliver",
    "enqueue_announcement",
    "followers_of",
    "inbox_of",
    "mark",
    "mark_read_at",
    "mark_seen",
    "note_language",
    "notify",
    "notify_many",
    "people_of",
    "read_all",
    "remove_webhook",
    "retry_dead",
    "send_digest",
    "send_test",
    "set_inbox_settings",
    "set_level",
    "set_preference",
    "set_webhook",
    "tokens",
    "ways_for",
    "withdraw",
]
