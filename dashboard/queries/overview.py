"""The first page: one sentence, then rates, latency, saturation, and where to look next."""

from typing import Any

from django.utils.translation import gettext as _

from dashboard.queries import numbers
from dashboard.queries.processes import processes
from dashboard.store import Bucket, Store
from dashboard.words import pointed

LIVE_SECONDS = 300
LOST_SECONDS = 300  # how long a lost process is news
RATE_SECONDS = 5  # what a "now" is the mean of
OFF_PERCENT = 9  # that a percentile may be, by the width of a bucket

Series = list[tuple[int, Bucket]]


def overview(store: Store, groups: int) -> dict[str, Any]:
    """`groups`: how many there are, as only the processes know together."""
    series = store.series(1, LIVE_SECONDS)
    found = [row for row in processes(store) if row["state"] != "lost" or row["age"] < LOST_SECONDS]
    recent = [bucket for _at, bucket in series[-RATE_SECONDS:] if bucket]
    now = numbers.merged(recent)
    return {
        "sentence": sentence(series, found),
        "tiles": tiles(series, now, max(len(recent), 1), groups),
        "cost": round(100 * sum(row["own"] for row in found if row["state"] != "lost"), 2),  # % of one core, of all agents
        "processes": found,
        "age": min((row["age"] for row in found), default=None),
        "reporting": sum(row["state"] == "live" for row in found),
        "known": sum(row["state"] != "lost" for row in found),
    }


def tiles(series: Series, now: Bucket, seconds: int, groups: int) -> list[dict[str, Any]]:
    """Rates as means of some seconds, with the last minute as a line."""
    minute = series[-60:]

    def line(read: Any) -> list[int]:
        return [read(bucket) for _at, bucket in minute]

    last_ten = [bucket for _at, bucket in series[-10:]]
    times = numbers.percentiles(last_ten)
    return [
        {
            "name": "connections",
            "label": _("Connections"),
            "value": numbers.gauge(series, "connections"),
            "line": line(lambda bucket: bucket.get("g:connections", 0)),
            "help": _("Open WebSockets of all processes that report. Each counts its own, so a crash cannot leave any behind."),
        },
        {
            "name": "groups",
            "label": _("Groups"),
            "value": groups,
            "line": line(lambda bucket: bucket.get("g:groups", 0)),
            "help": _(
                "Groups with members, or to which something was sent lately, each counted once. The line counts a group once "
                "in each process."
            ),
        },
        {
            "name": "members",
            "label": _("Memberships"),
            "value": numbers.gauge(series, "members"),
            "line": line(lambda bucket: bucket.get("g:members", 0)),
            "help": _("Sockets in groups, each counted once for every group it is in."),
        },
        {
            "name": "sent",
            "label": _("Sent"),
            "unit": "/s",
            "value": numbers.sent(now) / seconds,
            "line": line(numbers.sent),
            "help": _("Messages given to a channel layer: to a group, or to one channel."),
        },
        {
            "name": "delivered",
            "label": _("Delivered"),
            "unit": "/s",
            "value": numbers.delivered(now) / seconds,
            "line": line(numbers.delivered),
            "help": _("Members that group messages were handed to: one message to a group of 44 is 44 deliveries."),
        },
        {
            "name": "lost",
            "label": _("Lost"),
            "unit": "/s",
            "value": numbers.lost(now) / seconds,
            "line": line(numbers.lost),
            "state": "alarming" if numbers.lost(now) else "",
            "help": _("Messages that a layer dropped or refused. The ledger has them by kind."),
        },
        {
            "name": "p50",
            "label": _("Latency"),
            "unit": "ms",
            "value": times["p50"],
            "more": {"p95": times["p95"], "p99": times["p99"]},
            "line": line(lambda bucket: numbers.percentiles([bucket])["p95"] or 0),
            "help": _(
                "From sending to receiving, over the last ten seconds. Half of all messages were faster (p50). At most "
                "%(percent)s %% off, plus what the clocks of the hosts differ. The line is the p95."
            )
            % {"percent": OFF_PERCENT},
        },
    ]


def sentence(series: Series, found: list[dict[str, Any]]) -> dict[str, str]:
    """How it is, worst first, with a link to the evidence."""
    lost = [row for row in found if row["state"] == "lost"]
    stalled = [row for row in found if row["state"] == "stalled"]
    recent = numbers.merged(bucket for _at, bucket in series[-10:])
    losses = numbers.losses(recent)
    if stalled:
        names = ", ".join(row["name"] for row in stalled[:3])
        text = _("%(names)s does not respond: its event loop is blocked, or it stands still.")
        return say("alarming", text % {"names": names}, "processes")
    if losses:
        kind = max(losses, key=lambda name: losses[name])
        facts = {"rate": pointed(f"{sum(losses.values()) / 10:.1f}"), "kind": numbers.LOSSES.get(kind, (kind, ""))[0]}
        return say("alarming", _("%(rate)s messages a second are lost, most of them: %(kind)s.") % facts, "ledger")
    if lost:
        row = min(lost, key=lambda row: row["age"])
        return say("busy", _("%(name)s on %(host)s was lost %(age)d s ago.") % row, "processes")
    busy = max(found, key=lambda row: row["lag"], default=None)
    if busy and busy["lag"] > 100:
        return say("busy", _("%(name)s is busy: its event loop was %(lag).0f ms late.") % busy, "processes")
    full = max(found, key=lambda row: row["fill"], default=None)
    if full and full["fill"] >= 50:
        return say("busy", _("The fullest queue of %(name)s is %(fill).0f %% full.") % full, "processes")
    if slow := next((row for row in found if row["buffer"] > 100_000), None):
        return say("busy", _("A browser on %(name)s does not keep up with what it is sent.") % slow, "connections")
    if not any(bucket for _at, bucket in series[-10:]):
        return say("quiet", _("No process reports yet."), "processes")
    return say("calm", _("All is well: nothing is lost, and every process responds."), "ledger")


def say(state: str, text: str, page: str) -> dict[str, str]:
    return {"state": state, "text": text, "page": page}


def points(store: Store, step: int = 1, number: int = LIVE_SECONDS) -> list[dict[str, Any]]:
    """What the charts show."""
    return [numbers.point(at, bucket, step) for at, bucket in store.series(step, number)]
