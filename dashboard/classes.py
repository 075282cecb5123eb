"""What kind of group a group is: `chat.room.42` is a `chat.room.*`. Classes are few, whatever groups there are."""

import re
from collections.abc import Collection
from functools import cache

from django.apps import apps

from dashboard.conf import option

CLASSES = 128  # in one process; the rest is one class
OTHER = "other"
REMEMBERED = 250_000  # groups whose class is kept

UUID = r"[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}"
TOKEN = r"(?=[0-9a-fA-F]*\d)[0-9a-fA-F]{8,}"
VARIABLE = re.compile(rf"{UUID}|{TOKEN}|\d+")
FIRST_WORD = re.compile(r"[^._-]+")

_classes: dict[str, str] = {}
_known: set[str] = set()
_apps: dict[str, str] = {}


def class_of(group: str) -> str:
    """The class of a group, by the project's patterns, else with its variable parts replaced by a star."""
    found = _classes.get(group)
    if found is None:
        if len(_classes) >= REMEMBERED:
            _classes.clear()
        found = _classes[group] = _bounded(_class_of(group))
    return found


def classes_of(groups: Collection[str]) -> list[str]:
    """The classes of very many groups, at the speed of a dict when all are known."""
    try:
        return list(map(_classes.__getitem__, groups))
    except KeyError:
        return [class_of(group) for group in groups]


def app_of(group_class: str) -> str:
    """The label of the app whose groups these are: by the first word of the name, else by who joined first."""
    if not (match := FIRST_WORD.match(group_class)):
        return ""
    word = match.group()
    return word if word in _labels() else _apps.get(group_class, "")


def note_app(group: str, app: str) -> None:
    """A consumer of this app, or "" for a program, joined the group. The class is looked up now, so that it is known later."""
    own = class_of(group)
    if app:
        _apps.setdefault(own, app)


@cache
def _labels() -> frozenset[str]:
    return frozenset(config.label for config in apps.get_app_configs())


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    return [(re.compile(pattern), name) for pattern, name in option("GROUP_CLASSES")]


def _class_of(group: str) -> str:
    for pattern, name in _patterns():
        if pattern.fullmatch(group):
            return name
    return VARIABLE.sub("*", group)


def _bounded(name: str) -> str:
    if name not in _known:
        if len(_known) >= CLASSES:
            return OTHER
        _known.add(name)
    return name
