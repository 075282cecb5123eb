"""The doctor: what is wrong or soon will be, each finding with its evidence, what follows from it, and the cure.

A rule is a function that looks at the facts and yields findings, in the language of whoever asks. Rules are cheap: they read what
was reported anyway, but for those of `doctor_redis.py`.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from channels.layers import get_channel_layer
from django.conf import settings

from dashboard.queries import ledger, numbers
from dashboard.queries.processes import processes
from dashboard.store import Store

LEVELS = ("critical", "warning", "hint")


@dataclass(frozen=True)
class Finding:
    rule: str
    level: str  # critical: something is lost or stands still; warning: it will be; hint: worth knowing
    title: str
    evidence: str
    consequence: str
    cure: str
    page: str = ""  # where more of the evidence is


class Facts:
    """What the rules look at, each read once."""

    def __init__(self, store: Store):
        self.store = store

    @cached_property
    def processes(self) -> list[dict[str, Any]]:
        return processes(self.store)

    @cached_property
    def live(self) -> list[dict[str, Any]]:
        return [row for row in self.processes if row["state"] != "lost"]

    @cached_property
    def recent(self) -> dict[str, int]:
        return numbers.merged(bucket for _at, bucket in self.store.series(1, 300))

    @cached_property
    def ledger(self) -> dict[str, Any]:
        return ledger.ledger(self.store)

    @cached_property
    def layers(self) -> dict[str, dict[str, Any]]:
        return {alias: layer for row in self.live for alias, layer in row["layers"].items()}

    @cached_property
    def with_members(self) -> set[str]:
        """The layers that have groups: others are for jobs."""
        return {alias for row in self.live for alias, layer in row["layers"].items() if layer.get("members")}


Rule = Callable[[Facts], Iterator[Finding]]
RULES: list[Rule] = []


def rule(function: Rule) -> Rule:
    RULES.append(function)
    return function


def diagnose(store: Store) -> list[Finding]:
    """All findings, the worst first."""
    from dashboard.queries import doctor_layers, doctor_processes, doctor_redis  # noqa: F401  # they add their rules

    for alias in getattr(settings, "CHANNEL_LAYERS", {}):
        get_channel_layer(alias)  # made now, if it was not used here so far, so that its settings can be looked at
    facts = Facts(store)
    found = [finding for look in RULES for finding in look(facts)]
    return sorted(found, key=lambda finding: LEVELS.index(finding.level))
