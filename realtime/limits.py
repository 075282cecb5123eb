"""Token buckets. Every limit answers with a typed error that says when to come back."""

import time
from collections import OrderedDict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import ClassVar

from django.conf import settings
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal

REMEMBERED = 10_000  # buckets kept per limit; the longest unused go first

_is_unlimited: ContextVar[bool] = ContextVar("is_unlimited", default=False)


@contextmanager
def unlimited() -> Iterator[None]:
    """No limit holds inside: for seeds and imports, where nobody is at the other end to be slowed."""
    token = _is_unlimited.set(True)
    try:
        yield
    finally:
        _is_unlimited.reset(token)


@dataclass(slots=True)
class Bucket:
    tokens: float
    filled_at: float


class Limit:
    """At most `burst` at once and `per_second` in the long run, for each key, in each process.

    With several processes a person who spreads over all of them gets that many times as much: it guards the machine,
    it is not an entitlement.
    """

    all: ClassVar[list["Limit"]] = []

    def __init__(self, name: str, *, burst: float, per_second: float):
        self.all.append(self)
        self.name, self.burst, self.per_second = name, burst, per_second
        self._buckets: OrderedDict[Hashable, Bucket] = OrderedDict()

    def spend(self, key: Hashable, cost: float = 1, now: float | None = None) -> None:
        """Take `cost` tokens from the key's bucket. Raises `Refusal("rate_limited")` with `retry_after` seconds."""
        if wait := self.wait(key, cost, now):
            message = format_lazy(_("Too fast. Try again in {seconds} s."), seconds=f"{wait:.0f}")
            raise Refusal("rate_limited", message, retry_after=round(wait, 2))

    def wait(self, key: Hashable, cost: float = 1, now: float | None = None) -> float:
        """Seconds until `cost` tokens are there; 0.0 when they were, and have been taken."""
        if _is_unlimited.get():
            return 0.0
        now = time.monotonic() if now is None else now
        bucket = self._bucket(key, now)
        bucket.tokens = min(self.burst, bucket.tokens + (now - bucket.filled_at) * self.per_second)
        bucket.filled_at = now
        if bucket.tokens < cost and settings.RATE_LIMITS:
            return max((cost - bucket.tokens) / self.per_second, 0.01)
        bucket.tokens -= cost
        return 0.0

    def give_back(self, key: Hashable, cost: float = 1) -> None:
        """What was taken turned out not to count, such as a password that was right."""
        if bucket := self._buckets.get(key):
            bucket.tokens = min(self.burst, bucket.tokens + cost)

    def clear(self) -> None:
        """Forget everybody, for tests."""
        self._buckets.clear()

    def _bucket(self, key: Hashable, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self.burst, now)
            if len(self._buckets) > REMEMBERED:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(key)
        return bucket
