"""What the dashboard costs on this machine, in CPU time."""

import asyncio
from typing import Any

from channels.layers import InMemoryChannelLayer
from django.conf import settings
from django.core.management import BaseCommand
from django.core.management.base import CommandParser
from django.test import override_settings

from dashboard.layers.cost import measure
from dashboard.layers.shares import Interval, Share, of_layer, to_the_frame

FAN_OUTS = [1, 10, 20, 100]


class Command(BaseCommand):
    help = "Measures the hooks of the dashboard, and a watched in-memory layer against two that nobody watches."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--seconds", type=float, default=10, help="for each comparison, at most; less when it is sure sooner")
        parser.add_argument("--fan-out", type=int, nargs="*", default=FAN_OUTS, help="members of the group")

    def handle(self, seconds: float, fan_out: list[int], **_: Any) -> None:
        with override_settings(DASHBOARD={**getattr(settings, "DASHBOARD", {}), "AGENT": False}):  # what is measured is not news
            self.hooks()
            for title, compare in (("the layer alone", of_layer), ("to the frame", to_the_frame)):
                self.stdout.write(f"in memory, {title}     unwatched     hooks   watched takes more (95 %)    another unwatched")
                for members in fan_out:
                    self.share(members, asyncio.run(compare(InMemoryChannelLayer, members, seconds)))

    def hooks(self) -> None:
        cost = measure()
        self.stdout.write(f"one entry in the meter                      {cost.add:6.0f} ns")
        self.stdout.write(f"one latency                                 {cost.took:6.0f} ns")
        for kind, nanoseconds in cost.messages.items():
            self.stdout.write(f"{f'a message, {kind}':44}{nanoseconds:6.0f} ns")

    def share(self, members: int, share: Share) -> None:
        self.stdout.write(
            f"  fan-out {members:4}  {share.slices:5} slices {share.unwatched:9.1f} us {share.hooks:6.1f} us   "
            f"{percent(share.watched)}   {percent(share.chance)}"
        )


def percent(interval: Interval) -> str:
    return f"{100 * interval.middle:+6.2f} % ({100 * interval.low:+.2f} to {100 * interval.high:+.2f})"
