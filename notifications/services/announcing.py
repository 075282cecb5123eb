"""The staff speak to many at once."""

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from notifications.services.raising import RECIPIENTS, News, _checked, _line, notify_many
from realtime import jobs
from realtime.protocol import Refusal
from realtime.registry import sources

User = get_user_model()


def people_of(audience: str) -> "QuerySet[Any]":
    """`everyone`, `staff`, or `room:3`: whoever is in it. Raises `Refusal` for any other."""
    active = User.objects.filter(is_active=True)
    word, _colon, pk = audience.partition(":")
    if audience == "everyone":
        return active
    if audience == "staff":
        return active.filter(is_staff=True)
    members = _members(word, pk)
    if members is None:
        raise Refusal(
            "bad_value",
            format_lazy(_("{audience} is not everyone, staff or room:ID."), audience=repr(audience)),
            field="audience",
        )
    return active.filter(pk__in=members)


def _members(word: str, pk: str) -> "QuerySet[Any] | None":
    """Who is in a room, asked from the feed of its app, which we do not know."""
    for source in sources().values():
        if source.name.endswith(f".{word}") and pk.isdecimal() and len(pk) < 19:
            return source.members(int(pk))
    return None


def announce(text: str, audience: str, *, url: str = "", actor: Any = None, key: str = "") -> Iterator[tuple[int, int]]:
    """Tell everybody in `audience`. Yields how many of how many have been reached, after each commit.

    The same `key` reaches nobody twice, so an announcement that was interrupted can be made again.
    """
    people, news = people_of(audience), announcement(text, url, actor, key)
    total, done, last = people.count(), 0, 0
    while chunk := list(people.filter(pk__gt=last).order_by("pk")[:RECIPIENTS]):
        notify_many(chunk, news)
        done, last = done + len(chunk), chunk[-1].pk
        yield done, total


def enqueue_announcement(staff: Any, text: str, audience: str, url: str = "") -> None:
    """The same from a web page, which cannot wait: a job tells `RECIPIENTS` people and asks for the next."""
    if not staff.is_staff:
        raise Refusal("not_allowed", _("Only staff may do this."))
    people_of(audience)
    news = announcement(text, url, staff, "")
    facts = {"text": _line(news.text), "url": news.url, "key": news.dedupe_key}
    payload = {**facts, "audience": audience, "actor": staff.pk, "after": 0}
    jobs.enqueue("notifications.announce", payload)


def announce_step(payload: dict[str, Any]) -> None:
    people = people_of(payload["audience"]).filter(pk__gt=payload["after"]).order_by("pk")
    chunk = list(people[:RECIPIENTS])
    actor = User.objects.filter(pk=payload["actor"]).first()
    if chunk:
        notify_many(chunk, announcement(payload["text"], payload["url"], actor, payload["key"]))
        jobs.enqueue("notifications.announce", {**payload, "after": chunk[-1].pk})


def announcement(text: str, url: str, actor: Any, key: str) -> News:
    return _checked(News("notifications.announcement", text, url=url, actor=actor, dedupe_key=key or f"announcement.{uuid4()}"))
