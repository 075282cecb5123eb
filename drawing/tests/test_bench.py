"""The benchmark draws what it says it draws, and counts what arrives."""

import random

import pytest
from django.test import SimpleTestCase

from drawing import bench, elements
from drawing.bench_load import Stroke, percentiles
from realtime.bench.machine import cores
from realtime.bench.modes import Options
from realtime.bench.site import running_site, suite_program


class StrokeTests(SimpleTestCase):
    def test_the_pieces_of_a_stroke_are_the_stroke(self):
        data = bench.handwriting(random.Random(1))
        stroke = Stroke(data, bench.POINTS_PER_FRAME)
        self.assertEqual(b"".join(stroke.pieces), data)
        self.assertEqual((sum(stroke.points), set(stroke.points)), (bench.POINTS_PER_STROKE, {bench.POINTS_PER_FRAME}))
        elements.check(stroke.pieces[0])
        self.assertEqual(elements.points_in(stroke.pieces[1], True), bench.POINTS_PER_FRAME)

    def test_percentiles_of_nothing_are_nothing(self):
        self.assertEqual(percentiles([]), [0.0, 0.0])
        self.assertEqual(percentiles([n / 1000 for n in range(100)]), [50.0, 95.0])


@pytest.mark.services
class LoadTests(SimpleTestCase):
    def test_a_small_load_arrives_whole(self):
        options = Options(clients=5, rooms=1, in_flight=1, seconds=1, rounds=1)
        program, (servers, _) = suite_program("drawing.bench"), cores()
        facts = {"server": "daphne", "processes": 1, "database": "", "redis": ""}
        with running_site(program, cores=servers, rooms=1, people=options.clients, **facts) as site:
            outcome = bench.run_load(site, options)
        metrics = bench.read(outcome, options)
        self.assertEqual(metrics["lost"], 0)
        self.assertGreater(outcome.points_sent, 0)
        self.assertLess(metrics["bytes_up"], 8)
        self.assertLess(metrics["bytes_down"], 8)
        self.assertLessEqual(set(metrics), set(bench.UNITS))
