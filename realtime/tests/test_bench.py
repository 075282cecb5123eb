"""The benchmark runs, ends, and says something sane. How fast anything is depends on the machine, so no test asks."""

import json
import subprocess
import sys
from io import StringIO
from unittest import mock
from xml.etree import ElementTree

import pytest
from django.core.management import CommandError, call_command

from realtime.bench.machine import Usage
from realtime.bench.modes import MODES, Options, OwnMode, medians
from realtime.bench.report import summarise, table

TINY = {"clients": 8, "rooms": 2, "rounds": 1, "seconds": 0.2, "json": True}
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the benchmark reads /proc")


def bench(mode, **options):
    out = StringIO()
    call_command("bench", mode, stdout=out, stderr=StringIO(), **(TINY | options))
    return json.loads(out.getvalue())


@linux
@pytest.mark.services
@pytest.mark.parametrize("mode", MODES)
def test_each_mode_measures_the_suite(mode):
    found = bench(mode, layer="memory")
    metrics = found["medians"]["chat"]
    assert list(found["rounds"]) == ["chat"]
    assert all(value >= 0 for name, value in metrics.items() if name not in {"kib_per_socket", "slow_growth_mib"})
    assert found["ratios"] == {}


@linux
@pytest.mark.services
def test_the_baseline_is_measured_in_the_same_run_and_makes_ratios(tmp_path):
    found = bench("ingest", layer="memory", baseline="numbering", chart=tmp_path / "chart.svg")
    assert set(found["medians"]) == {"chat", "tutorial"}
    assert found["medians"]["tutorial"]["messages_per_second"] > 0
    assert found["ratios"]["messages_per_second"] > 0
    assert ElementTree.parse(tmp_path / "chart.svg").getroot().tag.endswith("svg")


@linux
@pytest.mark.services
def test_no_server_is_left_behind():
    started = []
    popen = subprocess.Popen

    def note(*args, **kwargs):
        started.append(popen(*args, **kwargs))
        return started[-1]

    with mock.patch("subprocess.Popen", note):
        bench("connect", layer="memory")
    assert started
    assert all(one.poll() is not None for one in started)


@pytest.mark.parametrize("wrong", [{"clients": 10**9}, {"seconds": 0}, {"processes": 2, "layer": "memory"}])
def test_numbers_that_make_no_sense_are_refused(wrong):
    with pytest.raises(CommandError):
        bench("fanout", **wrong)


def test_an_app_measures_what_only_it_can(monkeypatch):
    def measure(options, backing, tell):
        return {"own": [{"ms_to_open": 5.0}, {"ms_to_open": 7.0}, {"ms_to_open": 6.0}][: options.rounds]}

    own = OwnMode(Options(8, 1, 1, 0.1, 3), {"ms_to_open": "ms to open"}, measure)
    monkeypatch.setattr("realtime.management.commands.bench.own_modes", lambda: {"own": own})
    assert bench("own", layer="memory", rounds=3)["medians"] == {"own": {"ms_to_open": 6.0}}
    with pytest.raises(CommandError):
        bench("own", layer="memory", baseline="default")


def test_ratios_say_how_many_times_better_the_suite_is():
    ours = {"us_per_message": 50.0, "messages_per_second": 300.0}
    theirs = {"us_per_message": 100.0, "messages_per_second": 100.0}
    summary = summarise({"chat": [ours], "tutorial": [theirs]})
    assert summary["ratios"] == {"us_per_message": 2, "messages_per_second": 3}
    assert "times better" in table(summary)


def test_one_busy_round_does_not_decide():
    assert medians([{"p50_ms": 1}, {"p50_ms": 90}, {"p50_ms": 2}]) == {"p50_ms": 2}


def test_usage_is_what_was_used_since():
    assert Usage(5.0, 30).since(Usage(2.0, 10)) == Usage(3.0, 20)
