"""A language that nobody speaks, in which each word that can be translated stands in ⟦brackets⟧: what stands outside cannot.

with pseudo_language():
    page = client.get(url, headers=PSEUDO)
    assert leftovers(page.content.decode(), data=["ann", "Incidents"]) == []
"""

import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path

import django
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import override_settings

CODE = "qqx"
PSEUDO = {"Accept-Language": CODE}
DJANGO = Path(django.__file__).parent
PLACES = [Path(settings.BASE_DIR) / app / "locale" for app in [*settings.SUITE_APPS, "realtime", "."]]
READ_ALOUD = {"title", "aria-label", "placeholder", "alt", "aria-description", "aria-roledescription", "data-confirm"}
NOT_WORDS = {"script", "style", "code", "time", "option", "svg"}
VOID = {"br", "hr", "img", "input", "link", "meta", "use", "wbr", "path", "circle", "rect", "line", "source", "col"}


def catalogues(language: str) -> list[Path]:
    return [path for place in PLACES for path in sorted(place.glob(f"{language}/LC_MESSAGES/*.po"))]


@contextmanager
def pseudo_language() -> Iterator[None]:
    """What our catalogues and Django's own list, in brackets."""
    with tempfile.TemporaryDirectory(prefix="suite-test-") as name:
        places = []
        for number, path in enumerate([*catalogues("de"), *DJANGO.glob("**/locale/de/LC_MESSAGES/*.po")]):
            with path.open("rb") as file:
                catalogue = read_po(file)
            for message in catalogue:
                if message.id:
                    several = isinstance(message.id, tuple)
                    message.string = tuple(map(bracketed, message.id)) if several else bracketed(message.id)
            place = Path(name) / str(number)
            target = place / CODE / "LC_MESSAGES" / path.with_suffix(".mo").name
            target.parent.mkdir(parents=True)
            with target.open("wb") as file:
                write_mo(file, catalogue)
            places.append(place)
        languages = [*settings.LANGUAGES, (CODE, "⟦⟧")]
        with override_settings(LANGUAGES=languages, LOCALE_PATHS=places):
            yield


def bracketed(text: str) -> str:
    return f"⟦{text}⟧"


class Words(HTMLParser):
    """Every text of a page that somebody reads or hears. What people wrote is `dir="auto"` or `translate="no"`."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.skipping: list[str] = []  # the open elements from the first that is left out
        self.depth = 0  # of brackets: a text may have elements inside

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        facts = dict(attributes)
        if not self.skipping:
            spoken = READ_ALOUD | ({"value"} if facts.get("type") in {"submit", "button"} and tag == "input" else set())
            self.found += [outside_of_brackets(value)[0] for name, value in attributes if name in spoken and value]
        if tag in VOID:
            return
        is_data = facts.get("dir") == "auto" or facts.get("translate") == "no"
        if self.skipping or tag in NOT_WORDS or is_data:
            self.skipping.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self.skipping and tag in self.skipping:
            while self.skipping.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        text, self.depth = outside_of_brackets(data, self.depth)
        if not self.skipping:
            self.found.append(text)


def leftovers(html: str, data: Iterable[str] = ()) -> list[str]:
    """The texts that were not translated, and are none of these data: names, numbers, what people wrote."""
    words = Words()
    words.feed(html)
    known = sorted({settings.SITE_NAME, *(name for _, name in settings.LANGUAGES), *data}, key=len, reverse=True)
    return [" ".join(text.split()) for text in words.found if re.search(r"[^\W\d_]{2}", without(text, known))]


def outside_of_brackets(text: str, depth: int = 0) -> tuple[str, int]:
    """What stands in no brackets, and how many are open at the end."""
    outside = []
    for character in text:
        depth += (character == "⟦") - (character == "⟧")
        outside.append(" " if depth or character == "⟧" else character)
    return "".join(outside), depth


def without(text: str, known: Iterable[str]) -> str:
    for data in known:
        text = text.replace(data, " ")
    return text
