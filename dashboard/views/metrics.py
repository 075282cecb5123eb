"""OpenMetrics for a collector: totals of the whole cluster, with labels that cannot grow without bounds.

https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md. Neither groups nor people are labels: classes of
groups are, and they are at most 128 per process.
"""

from collections.abc import Iterator, Mapping

from channels import DEFAULT_CHANNEL_LAYER
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.http import require_safe

from dashboard.conf import option
from dashboard.histogram import BUCKETS, upper_bound
from dashboard.meter import SOCKETS
from dashboard.permissions import may
from dashboard.queries.processes import processes
from dashboard.store import Bucket, Unreachable, store

CONTENT_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"

# counter: (name here, name there, help)
OF_LAYERS = [
    ("group_sends", "group_messages_sent", "Messages sent to groups."),
    ("sends", "channel_messages_sent", "Messages sent to single channels."),
    ("enqueued", "messages_enqueued", "Messages that the layer took in."),
    ("received", "messages_received", "Messages that processes received."),
    ("deliveries", "deliveries", "Members that group messages were handed to."),
    ("bytes", "delivered_bytes", "Bytes handed to members of groups."),
    ("canary.send_lost", "canary_messages_lost", "Messages of processes to themselves that did not arrive."),
    ("canary.group_lost", "canary_group_messages_lost", "Messages of processes to a group of their own that did not arrive."),
    ("reconnects", "reconnects", "Connections to the layer that were lost."),
]
OF_SOCKETS = [
    ("opened", "sockets_opened", "WebSockets accepted."),
    ("closed", "sockets_closed", "WebSockets that ended."),
    ("frames_in", "frames_received", "Frames from browsers."),
    ("frames_out", "frames_written", "Frames to browsers."),
    ("slow", "sockets_too_slow", "Sockets that were cut off because their browser did not read."),
    ("rate_limited", "commands_rate_limited", "Commands refused because there were too many."),
    ("repairs", "feed_repairs", "Gaps in feeds that were repaired from the database."),
    ("resets", "feed_resets", "Sockets that had missed too much and had to start afresh."),
]
OF_CLASSES = [
    ("sends", "class_messages_sent", "Messages by class of group."),
    ("deliveries", "class_deliveries", "By class of group."),
]
GAUGES = [
    ("connections", "sockets", "Open WebSockets."),
    ("groups", "process_groups", "Groups, counted once in each process that has members."),
    ("members", "group_members", "Sockets in groups, once for each group."),
    ("buffered", "buffered_bytes", "Bytes that wait for browsers."),
]


@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """For who shows the token of the settings, or may look at the dashboard."""
    if not (has_token(request) or may(request.user, "view")):
        return HttpResponse("Send a bearer token, or log in as staff.\n", status=401, content_type="text/plain")
    try:
        return HttpResponse("".join(lines()), content_type=CONTENT_TYPE)
    except Unreachable as error:
        return HttpResponse(f"The store does not answer: {error}\n", status=503, content_type="text/plain")


def has_token(request: HttpRequest) -> bool:
    token = option("METRICS_TOKEN")
    return bool(token) and constant_time_compare(request.headers.get("Authorization", ""), f"Bearer {token}")


def lines() -> Iterator[str]:
    where = store()
    totals, rows = where.totals(), processes(where)
    aliases = sorted(getattr(settings, "CHANNEL_LAYERS", {}))
    live = [row for row in rows if row["state"] != "lost"]
    for name, there, help_text in OF_LAYERS:
        values = {f'layer="{escaped(alias)}"': totals.get(f"{alias}|{name}", 0) for alias in aliases}
        yield from family(there, "counter", help_text, values)
    yield from family("messages_lost", "counter", "Messages lost, by how.", losses(totals, aliases))
    for name, there, help_text in OF_SOCKETS:
        yield from family(there, "counter", help_text, {"": totals.get(f"{SOCKETS}|{name}", 0)})
    for name, there, help_text in OF_CLASSES:
        yield from family(there, "counter", help_text, by_class(totals, name))
    for name, there, help_text in GAUGES:
        yield from family(there, "gauge", help_text, {"": sum(row["gauges"].get(name, 0) for row in live)})
    states = {state: sum(row["state"] == state for row in rows) for state in ("live", "stalled", "lost")}
    yield from family("processes", "gauge", "Processes by state.", {f'state="{state}"': n for state, n in states.items()})
    lag = max((row["gauges"].get("max.lag", 0) for row in live), default=0) / 1e6
    yield from family("event_loop_lag_seconds", "gauge", "The latest event loop.", {"": lag})
    yield from histogram(totals, aliases)
    yield "# EOF\n"


def losses(totals: Bucket, aliases: list[str]) -> dict[str, int]:
    found = {}
    for name, value in totals.items():
        alias, _, kind = name.partition("|lost.")
        if kind and alias in aliases:
            found[f'layer="{escaped(alias)}",kind="{escaped(kind)}"'] = value
    if hints := totals.get(f"{SOCKETS}|hints_lost", 0):  # the hub's, which is on the default layer
        found[f'layer="{DEFAULT_CHANNEL_LAYER}",kind="hints"'] = hints
    return found


def by_class(totals: Bucket, field: str) -> dict[str, int]:
    found = {}
    for name, value in totals.items():
        if name.startswith("c|") and name.endswith(f"|{field}"):
            _, alias, group_class, _ = name.split("|")
            found[f'layer="{escaped(alias)}",class="{escaped(group_class)}"'] = value
    return found


def histogram(totals: Bucket, aliases: list[str]) -> Iterator[str]:
    yield from header("latency_seconds", "histogram", "From sending to receiving.")
    for alias in aliases:
        label, seen = f'layer="{escaped(alias)}"', 0
        for bucket in range(BUCKETS - 1):
            seen += totals.get(f"{alias}|h.{bucket}", 0)
            if bucket % 4 == 3:  # every doubling: enough for a collector, and few enough
                yield f'channels_latency_seconds_bucket{{{label},le="{upper_bound(bucket):.6g}"}} {seen}\n'
        seen += totals.get(f"{alias}|h.{BUCKETS - 1}", 0)
        yield f'channels_latency_seconds_bucket{{{label},le="+Inf"}} {seen}\n'


def family(name: str, kind: str, help_text: str, values: Mapping[str, float]) -> Iterator[str]:
    yield from header(name, kind, help_text)
    for labels, value in values.items():
        yield (
            f"channels_{name}{'_total' if kind == 'counter' else ''}{{{labels}}} {value}\n"
            if labels
            else (f"channels_{name}{'_total' if kind == 'counter' else ''} {value}\n")
        )


def header(name: str, kind: str, help_text: str) -> Iterator[str]:
    yield f"# TYPE channels_{name} {kind}\n"
    yield f"# HELP channels_{name} {help_text}\n"


def escaped(label: str) -> str:
    return label.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
