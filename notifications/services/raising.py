"""Telling people: whatever their number, the same few statements."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from uuid import uuid4

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from notifications.frames import raised_event
from notifications.kinds import kind_of, render_text
from notifications.models import (
    DETAIL_LENGTH,
    KEY_LENGTH,
    TEXT_LENGTH,
    URL_LENGTH,
    Cause,
    Inbox,
    Notification,
)
from notifications.services import delivery
from notifications.services.inboxes import locked_inboxes
from notifications.services.preferences import Ways, ways_for
from realtime.broadcast import broadcast_each
from realtime.protocol import Event, Refusal

RECIPIENTS = 500  # in one transaction: their inboxes are locked meanwhile


@dataclass(frozen=True, slots=True)
class News:
    """What is to be told, the same for everybody who is told. See realtime/signals.py for the meaning of each.

    What is lazy is said to each in the language of their inbox.
    """

    kind: str
    text: str | Promise
    url: str = ""
    detail: str | Promise = ""
    actor: Any = None
    dedupe_key: str = ""
    group_key: str = ""
    target: str = ""
    place: int | None = None
    data: dict[str, Any] = field(default_factory=dict)


class Words(NamedTuple):
    """What news say in one language."""

    text: str
    detail: str
    data: dict[str, Any]


def notify(user: Any, kind: str, text: str | Promise, **facts: Any) -> Notification | None:
    """Tell one person. None when they know it already, or did not want to. Raises `Refusal` for a bad URL or text."""
    raised = _tell([user.pk], _checked(News(kind, text, **facts)))
    return raised[0] if raised else None


def notify_many(users: Iterable[Any], news: News) -> int:
    """Tell many people, `RECIPIENTS` in each transaction. Returns how many were told.

    With a dedupe key a run that was interrupted can be run again: nobody is told twice.
    """
    news = _checked(news)
    ids = users.order_by("pk").values_list("pk", flat=True) if isinstance(users, QuerySet) else {user.pk for user in users}
    return sum(len(_tell(chunk, news)) for chunk in _chunks(sorted(set(ids)), RECIPIENTS))


def _tell(user_ids: Collection[int], news: News) -> list[Notification]:
    with transaction.atomic():
        return _tell_all(user_ids, news)


def _tell_all(user_ids: Collection[int], news: News) -> list[Notification]:
    """One chunk: lock, leave out who knows or does not want, fold or insert, count, broadcast."""
    user_ids = {pk for pk in user_ids if news.actor is None or pk != news.actor.pk}
    ways = ways_for(user_ids, news.kind, news.target)
    if not ways:
        return []
    inboxes = locked_inboxes(ways.keys())
    known = set(Cause.objects.filter(inbox__in=inboxes, dedupe_key=news.dedupe_key).values_list("inbox_id", flat=True))
    told = [inbox for pk, inbox in sorted(inboxes.items()) if pk not in known]
    if not told:
        return []
    notifications = _fold_or_insert(told, news)
    now = timezone.now()
    events: list[tuple[str, Event]] = []
    for inbox, notification in zip(told, notifications, strict=True):
        event = raised_event(inbox, notification, now=now, browser=ways[inbox.pk].browser)
        events.append((inbox.group, event))
    broadcast_each(events)
    _deliver(told, notifications, ways)
    return notifications


def _fold_or_insert(told: list[Inbox], news: News) -> list[Notification]:
    """The notification of each inbox, as it is from now on: an unread one of the same group, or a new one."""
    open_ones = Notification.objects.unread().filter(inbox__in=told, withdrawn_at=None, group_key=news.group_key)
    folded = {notification.inbox_id: notification for notification in open_ones} if news.group_key else {}
    names = _actor_names(folded.values(), news)
    words = {language: _words(news, language) for language in {inbox.reader_language for inbox in told}}
    now = timezone.now()
    new, result = [], []
    for inbox in told:
        inbox.rev += 1
        inbox.raised_rev = inbox.rev
        notification = folded.get(inbox.pk)
        if notification is None:
            inbox.unread_count += 1
            notification = Notification(inbox=inbox, kind=news.kind, group_key=news.group_key, count=0)
            new.append(notification)
        _update(notification, inbox, news, words[inbox.reader_language], names.get(notification.pk, names_of([news.actor])), now)
        result.append(notification)
    Notification.objects.bulk_create(new)
    Notification.objects.bulk_update(folded.values(), _COLUMNS)
    Cause.objects.bulk_create(_causes(told, result, news, words))
    _count([inbox for inbox in told if inbox.pk not in folded], 1)
    _count([inbox for inbox in told if inbox.pk in folded], 0)
    return result


_COLUMNS = [
    "rev",
    "raised_rev",
    "raised_at",
    "count",
    "actor",
    "text",
    "detail",
    "url",
    "target",
    "place",
    "emailed_at",
    "done_at",
]


def _words(news: News, language: str) -> Words:
    """Once for each language, however many read it."""
    with translation.override(language):
        data = {name: str(fact) if isinstance(fact, Promise) else fact for name, fact in news.data.items()}
        return Words(_line(news.text), _plain(str(news.detail)).strip()[:DETAIL_LENGTH], data)


def _update(notification: Notification, inbox: Inbox, news: News, words: Words, actors: list[str], now: Any) -> None:
    notification.rev = notification.raised_rev = inbox.rev
    notification.raised_at = now
    notification.count += 1
    notification.actor = news.actor
    text = render_text(news.kind, words.text, actors, notification.count, words.data, inbox.reader_language)
    notification.text, notification.detail = text[:TEXT_LENGTH], words.detail
    notification.url, notification.target = news.url, news.target
    notification.place = max(filter(None, [notification.place, news.place]), default=None)
    notification.emailed_at = notification.done_at = None


def _actor_names(folded: Collection[Notification], news: News) -> dict[int, list[str]]:
    """Who is behind each of these, the latest first, without repetition."""
    names: dict[int, list[str]] = defaultdict(list)
    if folded:
        causes = Cause.objects.filter(notification__in=folded).select_related("actor").order_by("-pk")
        for cause in causes:
            names[cause.notification_id] += names_of([cause.actor])
    return {pk: list(dict.fromkeys(names_of([news.actor]) + earlier)) for pk, earlier in names.items()}


def names_of(actors: Iterable[Any]) -> list[str]:
    return [actor.get_username() for actor in actors if actor is not None]


def _causes(told: list[Inbox], notifications: list[Notification], news: News, words: dict[str, Words]) -> list[Cause]:
    return [
        Cause(
            inbox_id=inbox.pk,
            notification=notification,
            dedupe_key=news.dedupe_key,
            actor=news.actor,
            url=news.url,
            place=news.place,
            **words[inbox.reader_language]._asdict(),
        )
        for inbox, notification in zip(told, notifications, strict=True)
    ]


def _count(inboxes: list[Inbox], unread: int) -> None:
    """The next revision of each of these inboxes, which are held, with one statement."""
    if inboxes:
        Inbox.objects.filter(pk__in=[inbox.pk for inbox in inboxes]).update(
            rev=F("rev") + 1, raised_rev=F("rev") + 1, unread_count=F("unread_count") + unread
        )


def _deliver(told: list[Inbox], notifications: list[Notification], ways: dict[int, Ways]) -> None:
    delivery.enqueue([(inbox, notification, ways[inbox.pk]) for inbox, notification in zip(told, notifications, strict=True)])


def _checked(news: News) -> News:
    if not _line(news.text):
        raise Refusal("bad_value", _("A notification needs a text."), field="text")
    if len(news.url) > URL_LENGTH or not is_safe_url(news.url):
        raise Refusal("bad_value", _("A notification leads to a page of this site, or to one with http or https."), field="url")
    if len(news.kind) > 40 or len(news.dedupe_key) > KEY_LENGTH or len(news.group_key) > KEY_LENGTH:
        raise Refusal("bad_value", _("A kind or a key is too long."), field="kind")
    return replace(news, kind=kind_of(news.kind).name, dedupe_key=news.dedupe_key or f"once.{uuid4()}")


def _line(text: str | Promise) -> str:
    return " ".join(_plain(str(text)).split())[:TEXT_LENGTH]


def _plain(text: str) -> str:
    return text.replace("\x00", "")  # PostgreSQL refuses it


def is_safe_url(url: str) -> bool:
    """A link that does no more than lead somewhere: `javascript:` and its like are code, `//` is somebody else's site."""
    if not url:
        return True
    if any(ord(character) <= 32 or character == "\\" for character in url):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme:
        return parts.scheme in {"http", "https"} and bool(parts.hostname)
    return url.startswith("/") and not url.startswith("//")


def _chunks(items: Iterable[int], size: int) -> Iterator[list[int]]:
    rest = iter(items)
    while chunk := list(islice(rest, size)):
        yield chunk
