"""The doctor's rules about processes and the code that runs in them."""

from collections.abc import Iterator

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from dashboard.queries.doctor import Facts, Finding, rule


@rule
def processes_that_stand_still(facts: Facts) -> Iterator[Finding]:
    for row in facts.live:
        if row["state"] == "stalled":
            yield Finding(
                "stalled",
                "critical",
                _("%(name)s does not respond") % row,
                _("Last beat %(age).0f s ago, event loop %(lag).0f ms late, %(connections)s sockets.") % row,
                _("Its sockets are open and hear nothing."),
                _(
                    "Look for blocking calls in async code (time.sleep, synchronous queries). "
                    "If it is stopped, continue or end it."
                ),
                "processes",
            )
        elif row["lag"] > 100:
            yield Finding(
                "lag",
                "warning",
                _("The event loop of %(name)s is late") % row,
                _("Up to %(lag).0f ms within the last second.") % row,
                _("Every message through this process is that much later."),
                _("Move blocking work to threads, or start more processes."),
                "processes",
            )


@rule
def left_behind(facts: Facts) -> Iterator[Finding]:
    ghosts = sum(row["gauges"].get("ghosts", 0) for row in facts.live)
    if ghosts:
        yield Finding(
            "left behind",
            "warning",
            ngettext(
                "%(number)s membership was left behind by a consumer that failed",
                "%(number)s memberships were left behind by consumers that failed",
                ghosts,
            )
            % {"number": ghosts},
            _("Their sockets ended with an exception. Channels then calls no disconnect(), so they never left their groups."),
            _("The layer goes on delivering to them. On pub/sub and in memory that piles up until the process ends."),
            _("Look for exceptions in the log, and catch them in the handlers; leave groups in a `finally`."),
        )


@rule
def clocks(facts: Facts) -> Iterator[Finding]:
    offsets = [(row.get("offset", 0.0), row) for row in facts.live]
    for offset, row in offsets:
        if abs(offset) > 0.05:
            yield Finding(
                "clock",
                "hint",
                _("The clock of %(host)s is %(offset).0f ms off") % {"host": row["host"], "offset": 1000 * offset},
                _("Measured against the clock of the store."),
                _(
                    "Latencies that involve this host are wrong by as much; "
                    "the core layer orders messages by the senders' clocks."
                ),
                _("Run an NTP client there."),
                "processes",
            )


@rule
def slow_browsers(facts: Facts) -> Iterator[Finding]:
    for row in facts.live:
        if row["buffer"] > 1_000_000:
            yield Finding(
                "slow",
                "warning",
                _("A browser on %(name)s does not read") % row,
                _("%(buffer)s bytes are held for it in memory.") % row,
                _("Daphne has no limit: memory grows until the connection times out."),
                _("Disconnect it: see Connections, sorted by what waits."),
                "connections",
            )


@rule
def mixed_versions(facts: Facts) -> Iterator[Finding]:
    versions = {row["version"] for row in facts.live if row["version"] and row["role"] not in {"shell", "life"}}
    if len(versions) > 1:
        yield Finding(
            "versions",
            "hint",
            _("Different versions of the code run side by side"),
            ", ".join(sorted(versions)),
            _("A message of new code may have no handler in old code, which closes sockets."),
            _("Normal during a deploy. If it stays, a process was not restarted."),
            "processes",
        )


@rule
def debug(facts: Facts) -> Iterator[Finding]:
    if settings.DEBUG:
        yield Finding(
            "debug",
            "hint",
            _("DEBUG is on"),
            _("In the settings of this process."),
            _("Memory grows with every query, and errors show code to strangers."),
            _("Set DEBUG to False on a site that others use."),
        )
