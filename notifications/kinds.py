"""Kinds of notifications. Each app lists its own in `apps.py`, so that it need not know this one:

    notification_kinds = {"chat.mention": {"label": "Somebody mentions you", "icon": "at", "email": True}}

The words for several at once come from its template `notifications/kinds/<kind>.txt`; without one they are the sender's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from django.apps import apps
from django.template import Context, Template, TemplateDoesNotExist
from django.template.loader import get_template
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext


@dataclass(frozen=True)
class Kind:
    name: str
    label: str | Promise
    icon: str = "bell"
    email: bool = False  # what holds for e-mail until a person chooses
    is_firehose: bool = False  # told only to those who asked for everything of a target


@cache
def kinds() -> dict[str, Kind]:
    """Every kind that an app has listed, in the order of the apps."""
    listed = [getattr(app, "notification_kinds", {}) for app in apps.get_app_configs()]
    return {name: Kind(name, **facts) for kinds in listed for name, facts in kinds.items()}


def kind_of(name: str) -> Kind:
    """Also for one that nobody lists: its app may be gone, or careless."""
    return kinds().get(name) or Kind(name, name.rpartition(".")[2].replace("_", " ").capitalize())


def render_text(kind: str, text: str, actors: Sequence[str], count: int, data: dict[str, Any], language: str) -> str:
    """The line that people read. `text` is what the last sender said, in this language: plain text, escaped where it is shown."""
    template = _template(kind)
    if template is None and count == 1:
        return text
    with translation.override(language):
        if template is None:
            several = ngettext("{text} (and {count} more)", "{text} (and {count} more)", count - 1)
            return several.format(text=text, count=count - 1)
        facts = {**data, "text": text, "who": names(actors), "people": len(actors), "count": count}
        return " ".join(template.render(Context(facts, autoescape=False)).split())


@lru_cache(maxsize=100)
def _template(kind: str) -> Template | None:
    try:
        return get_template(f"notifications/kinds/{kind}.txt").template  # type: ignore[attr-defined]
    except TemplateDoesNotExist:
        return None


def names(people: Sequence[str]) -> str:
    """`ann`, `ann and bob`, `ann, bob and 3 others`"""
    match list(people):
        case []:
            return gettext("Somebody")
        case [one]:
            return one
        case [one, other]:
            return gettext("{one} and {other}").format(one=one, other=other)
        case [one, other, third]:
            return gettext("{one}, {other} and {third}").format(one=one, other=other, third=third)
        case [one, other, *rest]:
            several = ngettext("{one}, {other} and {count} other", "{one}, {other} and {count} others", len(rest))
            return several.format(one=one, other=other, count=len(rest))
    raise AssertionError
