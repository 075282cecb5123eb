"""The doctor's rules about processes and the code that runs in them."""

from collections.abc import Iterator

from django.conf import settings

from dashboard.queries.doctor import Facts, Finding, rule


@rule
def processes_that_stand_still(facts: Facts) -> Iterator[Finding]:
    for row in facts.live:
        if row["state"] == "stalled":
            yield Finding(
                "stalled",
                "critical",
                f"{row['name']} does not respond",
                f"Last beat {row['age']:.0f} s ago, event loop {row['lag']:.0f} ms late, {row['connections']} sockets.",
                "Its sockets are open and hear nothing.",
                "Look for blocking calls in async code (time.sleep, synchronous queries). If it is stopped, continue or end it.",
                "processes",
            )
        elif row["lag"] > 100:
            yield Finding(
                "lag",
                "warning",
                f"The event loop of {row['name']} is late",
                f"Up to {row['lag']:.0f} ms within the last second.",
                "Every message through this process is that much later.",
                "Move blocking work to threads, or start more processes.",
                "processes",
            )


@rule
def left_behind(facts: Facts) -> Iterator[Finding]:
    ghosts = sum(row["gauges"].get("ghosts", 0) for row in facts.live)
    if ghosts:
        yield Finding(
            "left behind",
            "warning",
            f"{ghosts} memberships were left behind by consumers that failed",
            "Their sockets ended with an exception. Channels then calls no disconnect(), so they never left their groups.",
            "The layer goes on delivering to them. On pub/sub and in memory that piles up until the process ends.",
            "Look for exceptions in the log, and catch them in the handlers; leave groups in a `finally`.",
        )


@rule
def clocks(facts: Facts) -> Iterator[Finding]:
    offsets = [(row.get("offset", 0.0), row) for row in facts.live]
    for offset, row in offsets:
        if abs(offset) > 0.05:
            yield Finding(
                "clock",
                "hint",
                f"The clock of {row['host']} is {1000 * offset:.0f} ms off",
                "Measured against the clock of the store.",
                "Latencies that involve this host are wrong by as much; the core layer orders messages by the senders' clocks.",
                "Run an NTP client there.",
                "processes",
            )


@rule
def slow_browsers(facts: Facts) -> Iterator[Finding]:
    for row in facts.live:
        if row["buffer"] > 1_000_000:
            yield Finding(
                "slow",
                "warning",
                f"A browser on {row['name']} does not read",
                f"{row['buffer']} bytes are held for it in memory.",
                "Daphne has no limit: memory grows until the connection times out.",
                "Disconnect it: see Connections, sorted by what waits.",
                "connections",
            )


@rule
def mixed_versions(facts: Facts) -> Iterator[Finding]:
    versions = {row["version"] for row in facts.live if row["version"] and row["role"] not in {"shell", "life"}}
    if len(versions) > 1:
        yield Finding(
            "versions",
            "hint",
            "Different versions of the code run side by side",
            ", ".join(sorted(versions)),
            "A message of new code may have no handler in old code, which closes sockets.",
            "Normal during a deploy. If it stays, a process was not restarted.",
            "processes",
        )


@rule
def debug(facts: Facts) -> Iterator[Finding]:
    if settings.DEBUG:
        yield Finding(
            "debug",
            "hint",
            "DEBUG is on",
            "In the settings of this process.",
            "Memory grows with every query, and errors show code to strangers.",
            "Set DEBUG to False on a site that others use.",
        )
