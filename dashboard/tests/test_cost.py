"""Watching is cheap: gates against a mistake that would make it several times dearer. `manage.py channels_cost` has the numbers.

CPU time of the least of many rounds, with room for slow machines: README.md has what was measured, a quarter of each bound.
"""

import asyncio

import pytest
from channels.layers import InMemoryChannelLayer
from django.conf import settings
from django.test import SimpleTestCase, override_settings

from dashboard.layers.cost import measure
from dashboard.layers.shares import Interval, of_layer, to_the_frame

ATTEMPTS = 4
SECONDS = 2.0  # of each comparison
NANOSECONDS = {"unknown": 6_000, "in memory": 10_000, "Redis pub/sub": 18_000, "Redis, one inbox per process": 24_000}


@pytest.mark.only_on("memory")  # it has layers of its own
@override_settings(DASHBOARD={**settings.DASHBOARD, "AGENT": False})
class CostTests(SimpleTestCase):
    def test_hooks_cost_less_than_they_may(self):
        costs = [measure() for _ in range(2)]
        self.assertLess(min(cost.add for cost in costs), 3_000)
        self.assertLess(min(cost.took for cost in costs), 3_000)
        for kind, bound in NANOSECONDS.items():
            self.assertLess(min(cost.messages[kind] for cost in costs), bound, kind)

    def test_watching_a_group_of_a_hundred_takes_a_small_share_of_the_layer(self):
        self.assertLess(self.share(of_layer, 100), 0.04)

    def test_watching_takes_a_small_share_of_what_it_costs_until_there_are_frames(self):
        self.assertLess(self.share(to_the_frame, 10), 0.06)

    def share(self, compare, fan_out):
        """What is sure of it: the lower end of the interval, on a machine with other things to do."""
        return min(asyncio.run(compare(InMemoryChannelLayer, fan_out, SECONDS)).watched.low for _ in range(ATTEMPTS))

    def test_the_interval_holds_what_is_known_of_the_median(self):
        interval = Interval.of([float(number) for number in range(101)])
        self.assertEqual(interval.middle, 50)
        self.assertTrue(30 < interval.low < 50 < interval.high < 70)
        self.assertEqual(Interval.of([3.0] * 9).width, 0)
