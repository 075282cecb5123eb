"""A histogram of times that merges by addition: buckets grow by 2^0.25, so that a percentile is at most 9.1 % off.

Percentiles of several processes come from their merged histograms, never from averages of percentiles.
"""

from collections.abc import Mapping
from math import log2

FLOOR = 1e-5  # seconds; shorter times fall into the first bucket
STEPS = 4  # buckets for each doubling
BUCKETS = 85  # the last one begins at about 21 s

_FACTOR = 1 / FLOOR


def bucket_of(seconds: float) -> int:
    """The bucket of a time. What is below zero, by clocks that differ, counts as none."""
    if seconds <= FLOOR:
        return 0
    return min(int(log2(seconds * _FACTOR) * STEPS), BUCKETS - 1)


def upper_bound(bucket: int) -> float:
    """Seconds; what is in the bucket is at most as long."""
    return FLOOR * 2 ** ((bucket + 1) / STEPS)


def percentile(buckets: Mapping[int, int], share: float) -> float | None:
    """Seconds below which `share` (0 to 1) of all lie: the middle of the bucket. None without any."""
    total = sum(buckets.values())
    if not total:
        return None
    wanted, seen = share * total, 0
    for bucket in sorted(buckets):
        seen += buckets[bucket]
        if seen >= wanted:
            return FLOOR * 2 ** ((bucket + 0.5) / STEPS)
    return upper_bound(max(buckets))
