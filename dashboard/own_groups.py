"""The groups of this process, as they are now: sorted, searched and counted when somebody looks, and cheap with 100,000.

Only what is asked for becomes a row; everything before that is dicts and C loops.
"""

import base64
import time
from array import array
from collections import ChainMap, Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cached_property
from heapq import nlargest, nsmallest
from typing import Any
from zlib import adler32, crc32

from dashboard.classes import app_of, class_of, classes_of
from dashboard.meter import Activity, merged, meters
from dashboard.report import group_sizes
from dashboard.tap import taps

RATE_SECONDS = 10  # what a rate is the mean of
SAME_SECONDS = 0.5  # questions within that time are about the same moment
COLUMNS = ("members", "sends", "deliveries", "bytes", "lost", "last")  # of a row, after the name

Row = list[Any]  # [name, members, sends, deliveries, bytes, lost, last]; sends to lost of the last RATE_SECONDS


class Groups:
    """All groups with members here, or to which something was sent lately."""

    def __init__(self) -> None:
        self.at = time.monotonic()
        self.sizes = group_sizes()
        self.active: Activity = merged([meter.activity(RATE_SECONDS) for meter in list(meters.values())])
        known = [meter.last for meter in list(meters.values()) if meter.last]
        self.last: Mapping[str, int] = ChainMap(*reversed(known)) if len(known) > 1 else next(iter(known), {})
        others = (self.active.keys() | taps.keys()) - self.sizes.keys()  # few: with very many, no set of all is made
        self.names: Collection[str] = self.sizes.keys() | others if others else self.sizes.keys()

    def row(self, name: str) -> Row:
        return [name, self.sizes.get(name, 0), *self.active.get(name, (0, 0, 0, 0)), self.last.get(name, 0)]

    def matching(self, search: str, group_class: str, app: str) -> Iterable[str]:
        found: Iterable[str] = self.names
        if search := search.lower():
            found = [name for name in found if search in name.lower()]
        if group_class:
            found = [name for name in found if class_of(name) == group_class]
        if app:
            found = [name for name in found if app_of(class_of(name)) == app]
        return found

    def top(self, names: Any, sort: str, descending: bool, limit: int) -> list[Row]:
        if sort == "name":
            pick = nlargest if descending else nsmallest
            return [self.row(name) for name in pick(limit, names)]
        value = self._value(sort)
        # Of a hundred thousand groups few are active: the others are all equal, and need no sorting.
        if sort != "members":
            places = self.active.keys() if sort != "last" else self.last.keys()
            first = nlargest(limit, [name for name in names if name in places], key=lambda name: (value(name), name))
            rest = nlargest(limit - len(first), (name for name in names if name not in places)) if len(first) < limit else []
            return [self.row(name) for name in [*first, *rest]]
        if names is not self.names:
            return [self.row(name) for name in _largest({name: self.sizes.get(name, 0) for name in names}, limit)]
        first = _counted_of(self.sizes).largest(limit)
        without = nlargest(limit - len(first), (name for name in names if name not in self.sizes)) if len(first) < limit else []
        return [self.row(name) for name in [*first, *without]]

    def at_least(self, names: Iterable[str], sort: str, least: float, limit: int) -> list[tuple[str, int]]:
        """Names and values, at most `limit` of them: the largest."""
        value = self._value(sort)
        if sort == "members" and least > 1 and names is self.names:
            pairs: Iterable[tuple[str, int]] = _counted_of(self.sizes).large.items()
        else:
            pairs = [(name, value(name)) for name in names]
        found = [(name, number) for name, number in pairs if number >= least]
        return found if len(found) <= limit else nlargest(limit, found, key=lambda pair: pair[1])

    def _value(self, sort: str) -> Callable[[str], Any]:
        sizes, active, last = self.sizes, self.active, self.last
        if sort == "members":
            return lambda name: sizes.get(name, 0)
        if sort == "last":
            return lambda name: last.get(name, 0)
        column = COLUMNS.index(sort) - 1
        return lambda name: active[name][column] if name in active else 0

    def classes(self) -> dict[str, list[Any]]:
        """[app, groups, members, deliveries] of each class."""
        counted = _counted_of(self.sizes)
        groups, members = counted.groups.copy(), counted.members
        if len(self.names) > len(self.sizes):  # mostly not, and looking for the others takes as long as finding the largest
            groups += Counter(classes_of([name for name in self.names if name not in self.sizes]))
        deliveries: Counter[str] = Counter()
        for own, row in zip(classes_of(self.active), self.active.values(), strict=True):
            deliveries[own] += row[1]
        return {own: [app_of(own), groups[own], members[own], deliveries[own]] for own in groups}

    @staticmethod
    def hashes(names: Iterable[str]) -> str:
        """A number of 64 bits for each group, so that groups that live in several processes are counted once.

        Two checksums that share nothing: of 100,000 names, two have both in common once in some hundred million times.
        """
        encoded = list(map(str.encode, names))
        both = array("I", bytes(8 * len(encoded)))
        both[::2], both[1::2] = array("I", map(crc32, encoded)), array("I", map(adler32, encoded))  # at the speed of C
        return base64.b64encode(both.tobytes()).decode()


class Counted:
    """What is known of all groups until their members are counted again, which with very many is every few seconds."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self.sizes = sizes
        self._largest: dict[int, list[str]] = {}

    def largest(self, limit: int) -> list[str]:
        if limit not in self._largest:
            self._largest[limit] = _largest(self.large if len(self.large) >= limit else self.sizes, limit)
        return self._largest[limit]

    @cached_property
    def large(self) -> dict[str, int]:
        """Those with more than one member here: mostly few."""
        return {name: size for name, size in self.sizes.items() if size > 1}

    @cached_property
    def groups(self) -> Counter[str]:
        """By class."""
        return Counter(classes_of(self.sizes))

    @cached_property
    def members(self) -> Counter[str]:
        """By class."""
        members = self.groups.copy()
        for name, size in self.large.items():
            members[class_of(name)] += size - 1
        return members


def _largest(sizes: dict[str, int], limit: int) -> list[str]:
    """Sizes are few, so counting them is quicker than sorting the groups."""
    floor = above = 0
    for size, number in sorted(Counter(sizes.values()).items(), reverse=True):
        if (above := above + number) >= limit:
            floor = size
            break
    return [name for _, name in nlargest(limit, [(size, name) for name, size in sizes.items() if size >= floor])]


_counted = Counted({})


def _counted_of(sizes: dict[str, int]) -> Counted:
    global _counted
    if _counted.sizes is not sizes:
        _counted = Counted(sizes)
    return _counted


_groups: Groups | None = None


def own_groups() -> Groups:
    global _groups
    if _groups is None or time.monotonic() - _groups.at > SAME_SECONDS:
        _groups = Groups()
    return _groups


def look_again() -> None:
    """A report was made: what is asked from now on is about a later moment."""
    global _groups
    _groups = None


def series(group: str, field: int) -> list[int]:
    """The last sixty seconds of one group, the latest last."""
    found = [0] * 60
    for meter in list(meters.values()):
        for index, second in enumerate(reversed(list(meter.recent))):
            if row := second.get(group):
                found[59 - index] += row[field]
    return found
