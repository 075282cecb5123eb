"""What the dashboard costs on this machine, in nanoseconds a message."""

from typing import Any

from django.core.management import BaseCommand

from dashboard.layers.cost import MEMBERS, measure


class Command(BaseCommand):
    help = "Measures the hooks of the dashboard, and a watched in-memory layer against two that nobody watches."
    requires_system_checks: list[str] = []

    def handle(self, **_: Any) -> None:
        cost = measure()
        self.stdout.write(f"one entry in the meter                      {cost.add:6.0f} ns")
        self.stdout.write(f"one latency                                 {cost.took:6.0f} ns")
        for kind, nanoseconds in cost.messages.items():
            self.stdout.write(f"{f'a message, {kind}':44}{nanoseconds:6.0f} ns")
        share = f"{100 * cost.in_memory:+.1f} % (two unwatched differ by {100 * cost.noise:.1f} %)"
        self.stdout.write(f"in memory, fan-out of {MEMBERS}                    {share}")
