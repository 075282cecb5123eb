"""The benchmark runs, ends, and says something sane. How fast anything is depends on the machine, so no test asks."""

import json
import sys
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import SimpleTestCase

pytestmark = [
    pytest.mark.services,
    pytest.mark.browser,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the benchmark reads /proc"),
]


class BenchTests(SimpleTestCase):
    def test_it_measures_a_small_world_in_every_way(self):
        out = StringIO()
        tiny = {"clients": 5, "rooms": 1, "rounds": 1, "seconds": 0.3, "layer": "memory", "json": True}
        call_command("bench", "tracker", stdout=out, stderr=StringIO(), **tiny)
        found = json.loads(out.getvalue())["medians"]["1k areas"]
        self.assertTrue(0 < found["match_p50_ms"] <= found["match_p95_ms"])
        for metric in ("incidents_per_second", "times_fewer", "open_seconds", "frames_per_second"):
            self.assertGreater(found[metric], 0, metric)
