"""How many groups there are, when each may live in several processes: by a checksum of every name.

Few are counted at once. Of very many that takes a third of a second, so they are counted aside: who comes first is told the least
there must be, and whoever looks on is told the number with one of the next ticks, and how old it is.
"""

import base64
import logging
import threading
import time
from array import array
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from dashboard.store import Store, Unreachable

logger = logging.getLogger(__name__)

FEW_SECONDS = 2.0  # how old the number may be
MANY, MANY_SECONDS = 50_000, 15.0  # it may be older, and is counted aside, when there are very many
KNOWN_SECONDS = 60.0  # after which a number is no more to be told
REMEMBERED = 100  # searches

Key = tuple[Store, str, str, str]


class Number(NamedTuple):
    value: int
    age: float | None  # seconds since they were counted; None: they were not, and there are at least so many


_known: dict[Key, tuple[float, int]] = {}
_counting: dict[Key, Future[None]] = {}
_aside = ThreadPoolExecutor(1, "dashboard-count")
_lock = threading.Lock()


def distinct(store: Store, details: dict[str, Any], totals: list[int]) -> Number:
    """`totals`: how many each process has of those that `details` ask for."""
    if len(totals) < 2:
        return Number(sum(totals), 0.0)
    key: Key = (store, details["search"], details["class"], details["app"])
    are_many = sum(totals) >= MANY
    at, value = _known.get(key, (float("-inf"), 0))
    age = time.monotonic() - at
    if age > (MANY_SECONDS if are_many else FEW_SECONDS):
        if not are_many:
            _count(key, details)
            return Number(_known[key][1], 0.0)
        _count_aside(key, details)
    return Number(value, age) if age < KNOWN_SECONDS else Number(max(totals), None)


def wait() -> None:
    """Until nothing is being counted."""
    for future in list(_counting.values()):
        future.result()


def _count_aside(key: Key, details: dict[str, Any]) -> None:
    with _lock:
        if key not in _counting:
            _counting[key] = _aside.submit(_count_and_tell, key, details)


def _count_and_tell(key: Key, details: dict[str, Any]) -> None:
    try:
        _count(key, details)
    except Unreachable as error:
        logger.info("Groups were not counted: %s.", error)  # whoever looks on is told, and asks again
    finally:
        _counting.pop(key, None)


def _count(key: Key, details: dict[str, Any]) -> None:
    parts = []
    for packed in key[0].ask("hashes", details).values():
        parts.append(array("Q"))
        parts[-1].frombytes(base64.b64decode(packed))
    if len(_known) >= REMEMBERED:
        _known.clear()
    _known[key] = (time.monotonic(), len(set[int]().union(*parts)))
