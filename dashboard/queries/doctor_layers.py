"""The doctor's rules about channel layers: what they lose, and how they are set up."""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from dashboard.layers import observers
from dashboard.queries import numbers
from dashboard.queries.channels import channels
from dashboard.queries.doctor import Facts, Finding, rule
from dashboard.words import pointed


@rule
def lost_messages(facts: Facts) -> Iterator[Finding]:
    cures = {
        "full": _("Raise the layer's `capacity`, or start more processes: on the core layer one inbox serves all of a process."),
        "overflow": _("A consumer is slower than its traffic. Make its handlers faster, or raise `capacity`."),
        "nobody": _("Somebody sends to channels that are gone. Forget a channel's name when its consumer disconnects."),
        "failed": _("See whether Redis was restarted or slow. Catch the exception where messages are sent."),
        "hints": _("See whether Redis was away. The feeds repair what was lost."),
    }
    for kind, number in numbers.losses(facts.recent).items():
        title, why = numbers.LOSSES.get(kind, (kind, ""))
        worst = max(facts.ledger["classes"], key=lambda row: row.get("lost", 0), default=None)
        if worst and worst.get("lost"):
            evidence = _("%(number)s in the last five minutes. Most of them in %(groups)s.")
        else:
            evidence = _("%(number)s in the last five minutes.")
        yield Finding(
            f"lost.{kind}",
            "critical",
            _("Messages are lost: %(how)s") % {"how": title},
            evidence % {"number": number, "groups": worst["class"] if worst else ""},
            str(why),
            cures.get(kind, _("See the ledger.")),
            "ledger",
        )


@rule
def unaccounted(facts: Facts) -> Iterator[Finding]:
    for entry in facts.ledger["layers"]:
        if entry["unaccounted"]:
            yield Finding(
                "unaccounted",
                "warning",
                _("Messages on “%(alias)s” vanished without a trace") % entry,
                _("%(unaccounted)s of %(enqueued)s were taken in, and neither came out nor wait.") % entry,
                _("They expired unread, were sent to a process that had just died, or were cut off with a connection to Redis."),
                _(
                    "If it grows while all live: look at Redis' client-output-buffer-limit, and "
                    "for members left behind by crashes."
                ),
                "ledger",
            )


@rule
def small_capacity(facts: Facts) -> Iterator[Finding]:
    for alias, layer in facts.layers.items():
        capacity = layer.get("capacity")
        busiest = max((row["connections"] for row in facts.live), default=0)
        if layer["kind"] == "in memory" and capacity and capacity <= 100:
            yield Finding(
                "capacity",
                "hint",
                _("“%(alias)s” drops messages from the %(number)sst on") % {"alias": alias, "number": capacity + 1},
                _(
                    "The in-memory layer has its default capacity of %(capacity)s for each channel, and "
                    "says nothing when it drops."
                )
                % {"capacity": capacity},
                _("A burst is lost for slow consumers."),
                _('Set "CONFIG": {"capacity": 10000} in CHANNEL_LAYERS.'),
            )
        if "one inbox" in layer["kind"] and alias in facts.with_members and capacity and capacity < 10 * busiest:
            yield Finding(
                "capacity",
                "warning",
                _("The inboxes of “%(alias)s” are small for %(number)s sockets") % {"alias": alias, "number": busiest},
                _("One inbox of %(capacity)s messages serves all sockets of a process.") % {"capacity": capacity},
                _("When it is full, everybody on that process misses the message."),
                _("Raise `capacity` to some thousands."),
            )


@rule
def memory_in_many_processes(facts: Facts) -> Iterator[Finding]:
    for alias, layer in facts.layers.items():
        servers = [row for row in facts.live if alias in row["layers"] and row["connections"]]
        if layer["kind"] == "in memory" and len(servers) > 1:
            yield Finding(
                "memory",
                "critical",
                _("“%(alias)s” is in memory, but there are %(number)s processes with sockets")
                % {"alias": alias, "number": len(servers)},
                ", ".join(row["name"] for row in servers),
                _("They cannot hear each other: people on one miss what is said on the other."),
                _("Use channels_redis."),
            )


@rule
def limited_sight(facts: Facts) -> Iterator[Finding]:
    for alias, layer in facts.layers.items():
        if layer["exactness"] == "limited":
            yield Finding(
                "limited",
                "hint",
                _("“%(alias)s” is seen from outside only") % {"alias": alias},
                _("It is a kind or version of layer that the dashboard does not know."),
                _("Losses inside of it, and latency, are not counted."),
                _("See the log at the start of the process for what differs."),
            )


@rule
def one_timeout_like_the_other(facts: Facts) -> Iterator[Finding]:
    """redis-py 8 gives sockets a timeout of 5 s, and the core layer's blocking pop waits for 5 s."""
    for alias, observer in list(observers.items()):
        hosts = getattr(observer.layer, "hosts", None) if hasattr(observer, "inbox") else None
        for host in hosts or []:
            timeout = host.get("socket_timeout", _default_timeout())
            wait = getattr(observer.layer, "brpop_timeout", 5)
            if timeout is not None and timeout <= wait:
                seconds = pointed(str(timeout))
                yield Finding(
                    "timeout",
                    "critical",
                    _("Idle sockets of “%(alias)s” die every %(timeout)s s") % {"alias": alias, "timeout": seconds},
                    _("The socket to Redis times out after %(timeout)s s, and the layer waits %(wait)s s for a message.")
                    % {"timeout": seconds, "wait": pointed(str(wait))},
                    _("When nothing is sent, the wait fails, and Channels closes the consumer's socket with 1011."),
                    _('Set "hosts": [{"address": ..., "socket_timeout": 15}].'),
                )


def _default_timeout() -> float | None:
    """What a connection has that was not told otherwise; it is made, and not connected."""
    from redis.asyncio import Connection

    return Connection().socket_timeout


@rule
def several_hosts(facts: Facts) -> Iterator[Finding]:
    for alias, observer in list(observers.items()):
        if hasattr(observer, "inbox") and len(getattr(observer.layer, "hosts", [])) > 1:
            yield Finding(
                "shards",
                "critical",
                _("Direct sends on “%(alias)s” go to the wrong host") % {"alias": alias},
                _("Of its %(number)s hosts, send() chooses by a channel's whole name, receive() by a part of it.")
                % {"number": len(observer.layer.hosts)},
                _("About half of what is sent to single channels never arrives. Groups are not affected."),
                _("Use one host, or the pub/sub layer."),
            )


@rule
def old_members(facts: Facts) -> Iterator[Finding]:
    for alias, observer in list(observers.items()):
        expiry = vars(observer.layer).get("group_expiry")
        oldest = max((facts.store.now() - row["started"] for row in facts.live), default=0)
        if expiry and alias in facts.with_members and oldest > 0.9 * expiry:
            yield Finding(
                "expiry",
                "warning",
                _("Sockets older than %(hours).0f h fall out of their groups on “%(alias)s”")
                % {"hours": expiry / 3600, "alias": alias},
                _("group_expiry is %(expiry)s s, and the oldest process runs since %(hours).0f h.")
                % {"expiry": expiry, "hours": oldest / 3600},
                _("A healthy socket goes deaf, without an error."),
                _("Join the groups again now and then, or raise `group_expiry`."),
            )


@rule
def named_channels(facts: Facts) -> Iterator[Finding]:
    for channel in channels(facts.store):
        if channel["trouble"]:
            yield Finding(
                "channel",
                "warning",
                _("The channel “%(name)s”") % channel,
                channel["trouble"],
                _("Work is late, done twice, or not done."),
                _("Start or end workers (manage.py runworker); use the core layer for jobs."),
                "channels",
            )
