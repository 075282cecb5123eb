"""Finding messages by their words, in the rooms a person may read. The index is made by migration 0002."""

import re
import string
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time

from django.db import connection
from django.db.models import Prefetch
from django.db.models.expressions import RawSQL
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import make_aware

from chat.markup import plain_text
from chat.models import Membership, Message, Room
from realtime.feeds import Person

PAGE = 20  # results
QUERY_LENGTH = 200  # characters
MAX_TERMS = 16
EXCERPT = 240  # characters of a message shown around its first hit

MATCHING = {
    "sqlite": "SELECT rowid FROM chat_search WHERE chat_search MATCH %s",
    "postgresql": "SELECT id FROM chat_message WHERE search @@ to_tsquery('simple', %s)",
}


@dataclass(frozen=True, slots=True)
class Term:
    """Words that follow each other. The last of them may be the beginning of a word only."""

    words: tuple[str, ...]
    is_prefix: bool = False


@dataclass(frozen=True, slots=True)
class Hit:
    message: Message
    excerpt: SafeString  # HTML: escaped text, with what was found in <mark>


def search_messages(
    user: Person,
    query: str,
    *,
    room: Room | None = None,
    author: str = "",
    since: date | None = None,
    until: date | None = None,
    limit: int = PAGE,
    before: int | None = None,
) -> list[Hit]:
    """Messages that contain every word of `query`, latest first, in rooms the person may read.

    The last word may be unfinished; "words in quotes" must follow each other. `author` is a user name, `since` and
    `until` are days, both included. `before` is the id of the last hit of the page before. Deleted messages are never
    found. Without words the filters alone decide; a query of punctuation alone finds nothing.
    """
    terms = parse(query)
    if query.strip() and not terms:
        return []
    messages = Message.objects.readable_by(user).filter(deleted_at=None).select_related("room", "author")
    if terms:
        messages = messages.filter(pk__in=RawSQL(MATCHING[connection.vendor], [_expression(terms)]))
    if room:
        messages = messages.filter(room=room)
    if author:
        messages = messages.filter(author_name__iexact=author.strip().removeprefix("@"))
    if since:
        messages = messages.filter(created_at__gte=make_aware(datetime.combine(since, time.min)))
    if until:
        messages = messages.filter(created_at__lte=make_aware(datetime.combine(until, time.max)))
    if before is not None:
        messages = messages.filter(pk__lt=before)
    people = Prefetch("room__memberships", Membership.objects.of_direct_rooms())
    found = messages.prefetch_related(people).order_by("-pk")[:limit]
    return [Hit(message, highlight(plain_text(message.html), terms)) for message in found]


def parse(query: str) -> list[Term]:
    """What was typed, without any syntax but quotes: operators of the database are words like others."""
    terms = []
    for phrase, word in re.findall(r'"([^"]*)"?|([^\s"]+)', query[:QUERY_LENGTH]):
        if words := _words(phrase or word):
            terms.append(Term(words, is_prefix=bool(word)))
    terms = terms[:MAX_TERMS]
    return [*(Term(term.words) for term in terms[:-1]), *terms[-1:]]


def highlight(text: str, terms: Sequence[Term]) -> SafeString:
    """The part of a text around the first hit, escaped, with every hit in <mark>."""
    spans = list(_hits(text, terms))
    start, end = _window(text, spans[0][0] if spans else 0)
    parts, position = [escape("…" if start else "")], start
    for left, right in spans:
        if start <= left and right <= end:
            parts += [escape(text[position:left]), format_html("<mark>{}</mark>", text[left:right])]
            position = right
    return mark_safe("".join([*parts, escape(text[position:end]), "…" if end < len(text) else ""]))


# Spaces and punctuation, of ASCII and the usual typographic ones. Marks are no separators: they are parts of words.
SEPARATORS = (
    rf"\s{re.escape(string.punctuation)}\u00a1-\u00a9\u00ab-\u00b1\u00b4\u00b6-\u00b8\u00bb\u00bf\u2000-\u206f\u3000-\u303f"
)
WORD = re.compile(f"[^{SEPARATORS}]+")


def _words(text: str) -> tuple[str, ...]:
    """What has no letter or digit (an emoji, a dash) is not in the index."""
    words = WORD.findall(text.replace("\0", " "))
    return tuple(word for word in words if any(character.isalnum() for character in word))


def _fold(text: str) -> str:
    """Without accents and in lower case, as the index of PostgreSQL has it; that of SQLite folds by itself."""
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(character for character in decomposed if not "\u0300" <= character <= "\u036f").lower()


def _expression(terms: Sequence[Term]) -> str:
    """The terms in the language of the database, every word in quotes, so that none of them is an operator."""
    if connection.vendor == "sqlite":
        return " AND ".join(f'"{" ".join(term.words)}"' + ("*" if term.is_prefix else "") for term in terms)
    return " & ".join(
        "(" + " <-> ".join(f"'{word}'" for word in _words(_fold(" ".join(term.words)))) + (":*)" if term.is_prefix else ")")
        for term in terms
    )


def _hits(text: str, terms: Sequence[Term]) -> Iterator[tuple[int, int]]:
    """Where words of the terms are in the text. Of a phrase each word is marked wherever it is: good enough to see."""
    whole = {_fold(word) for term in terms for word in term.words}
    prefixes = tuple(_fold(term.words[-1]) for term in terms if term.is_prefix)
    for match in WORD.finditer(text):
        word = _fold(match[0])
        if word in whole or (prefixes and word.startswith(prefixes)):
            yield match.span()


def _window(text: str, hit: int) -> tuple[int, int]:
    """About `EXCERPT` characters with the hit in their first third, beginning and ending between words."""
    start = max(0, hit - EXCERPT // 3)
    if start and (space := text.find(" ", start, hit)) >= 0:
        start = space + 1
    end = min(len(text), start + EXCERPT)
    if end < len(text) and (space := text.rfind(" ", max(hit, start), end)) > start:
        end = space
    return start, end
