"""Reading buckets: sums over channel layers, losses by kind, percentiles."""

from collections.abc import Iterable
from typing import Any

from django.utils.translation import gettext_lazy as _

from dashboard import histogram
from dashboard.meter import SOCKETS
from dashboard.store import Bucket

# As it is called within a sentence, and why it happens.
LOSSES: dict[str, tuple[Any, Any]] = {
    "full": (_("inbox full"), _("The receiver's queue was at its capacity, so the layer refused the message.")),
    "overflow": (
        _("slow consumer"),
        _("A consumer's own queue was full, and the layer dropped its oldest message without a word."),
    ),
    "nobody": (_("receiver gone"), _("A message was sent to one consumer that is not there any more.")),
    "failed": (_("layer did not answer"), _("The layer raised while sending. Whether the message arrived is not known.")),
    "hints": (
        _("hints given up"),
        _("The hub gave up, or did not try: the layer had just failed, or too many waited. Feeds repair that."),
    ),
}


def total(bucket: Bucket, name: str) -> int:
    """The sum of a counter over all layers."""
    end = f"|{name}"
    return sum(value for key, value in bucket.items() if key.endswith(end) and not key.startswith(("c|", f"{SOCKETS}|")))


def losses(bucket: Bucket) -> dict[str, int]:
    found: dict[str, int] = {}
    for key, value in bucket.items():
        if "|lost." in key and not key.startswith("c|"):
            kind = key.rpartition(".")[2]
            found[kind] = found.get(kind, 0) + value
    if hints := bucket.get(f"{SOCKETS}|hints_lost", 0):
        found["hints"] = hints
    return found


def sent(bucket: Bucket) -> int:
    return total(bucket, "group_sends") + total(bucket, "sends")


def delivered(bucket: Bucket) -> int:
    return total(bucket, "deliveries")


def lost(bucket: Bucket) -> int:
    return sum(losses(bucket).values())


def of_sockets(bucket: Bucket, name: str) -> int:
    return bucket.get(f"{SOCKETS}|{name}", 0)


def latency(buckets: Iterable[Bucket]) -> dict[int, int]:
    """The merged histogram of the time from sending to receiving."""
    merged: dict[int, int] = {}
    for bucket in buckets:
        for key, value in bucket.items():
            _, _, end = key.partition("|h.")
            if end.isdigit():
                merged[int(end)] = merged.get(int(end), 0) + value
    return merged


def percentiles(buckets: Iterable[Bucket]) -> dict[str, float | None]:
    """Milliseconds."""
    merged = latency(buckets)
    found = {name: histogram.percentile(merged, share) for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))}
    return {name: round(seconds * 1000, 3) if seconds is not None else None for name, seconds in found.items()}


def merged(buckets: Iterable[Bucket]) -> Bucket:
    """The counters of several buckets together. Gauges have no sum."""
    whole: Bucket = {}
    for bucket in buckets:
        for name, value in bucket.items():
            if not name.startswith("g:"):
                whole[name] = whole.get(name, 0) + value
    return whole


def gauge(buckets: list[tuple[int, Bucket]], name: str) -> int:
    """The latest value of a gauge."""
    return next((bucket[f"g:{name}"] for _, bucket in reversed(buckets) if f"g:{name}" in bucket), 0)


def point(at: int, bucket: Bucket, step: int = 1) -> dict[str, Any]:
    """One point of the charts. Rates are per second; a bucket without reports is a gap, not a zero."""
    if not bucket:
        return {"t": at}
    rates = {
        "sent": sent(bucket),
        "delivered": delivered(bucket),
        "lost": lost(bucket),
        "opened": of_sockets(bucket, "opened"),
        "closed": of_sockets(bucket, "closed"),
        "frames_in": of_sockets(bucket, "frames_in"),
        "frames_out": of_sockets(bucket, "frames_out"),
        "bytes": total(bucket, "bytes"),
    }
    gauges = {name: bucket.get(f"g:{name}") for name in ("connections", "groups", "members", "processes")}
    lag = bucket.get("g:max.lag")
    return {
        "t": at,
        **{name: round(value / step, 2) for name, value in rates.items()},
        **gauges,
        **percentiles([bucket]),
        "lag": round(lag / 1000, 2) if lag is not None else None,
    }
