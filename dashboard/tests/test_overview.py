"""One sentence tells how it is, the worst first."""

import pytest

from dashboard.queries.compared import change, with_an_hour_ago
from dashboard.queries.distinct import Number
from dashboard.queries.overview import overview, sentence
from dashboard.report import EMPTY, FORMAT, Report
from dashboard.store.local import LocalStore

pytestmark = pytest.mark.once

ROW = {"name": "daphne 1", "host": "h", "state": "live", "age": 0.5, "lag": 3.0, "fill": 0, "buffer": 0, "worst": "calm"}
QUIET = [(second, {"default|group_sends": 1}) for second in range(10)]
LOSING = [(second, {"default|lost.full": 4}) for second in range(10)]


@pytest.mark.parametrize(
    ("series", "rows", "state", "words"),
    [
        (QUIET, [{}], "calm", "All is well"),
        ([], [], "quiet", "No process reports"),
        (QUIET, [{}, {"name": "daphne 2", "state": "stalled"}], "alarming", "daphne 2 does not respond"),
        (LOSING, [{}], "alarming", "4.0 messages a second are lost, most of them: inbox full"),
        (LOSING, [{"state": "stalled"}], "alarming", "does not respond"),
        (
            QUIET,
            [{"name": "a", "state": "lost", "age": 90}, {"name": "b", "state": "lost", "age": 9}],
            "busy",
            "b on h was lost 9 s",
        ),
        (QUIET, [{"lag": 250.0}], "busy", "250 ms late"),
        (QUIET, [{"fill": 80}], "busy", "80 % full"),
        (QUIET, [{"buffer": 500_000}], "busy", "does not keep up"),
    ],
)
def test_the_worst_comes_first(series, rows, state, words):
    said = sentence(series, [ROW | row for row in rows])
    assert said["state"] == state
    assert words in said["text"]


class Clock:
    def __init__(self, store):
        self.now, store.now = 1_000_000_020, lambda: self.now


def reports(store, clock, seconds, sent, connections):
    """One report a second, with so many messages in each. The counters are those of a process that began with them."""
    boot = str(clock.now)
    row = EMPTY | {"format": FORMAT, "boot": boot}
    for second in range(seconds):
        report = Report(boot, second + 1, {"default|sends": sent * (second + 1)}, {"connections": connections}, row)
        store.flush(report, {})
        clock.now += 1
    store.leave(boot)


def tiles(store):
    return {tile["name"]: tile["ago"] for tile in overview(store, Number(0, 0.0))["tiles"]}


def test_the_last_minute_beside_the_minute_an_hour_ago():
    store = LocalStore()
    clock = Clock(store)
    reports(store, clock, seconds=60, sent=4, connections=10)
    clock.now += 3540 - 60
    reports(store, clock, seconds=60, sent=6, connections=5)
    ago = tiles(store)
    assert (ago["sent"]["before"], ago["sent"]["now"], ago["sent"]["change"]) == (4, 6, "+50 %")
    assert ago["connections"]["change"] == "−50 %"
    assert ago["lost"] == {"before": 0, "now": 0, "change": ""}
    assert ago["p50"] is None  # nothing was measured
    clock.now += 60  # a minute later the minute is another one
    reports(store, clock, seconds=10, sent=6, connections=5)
    assert set(tiles(store).values()) == {None}


def test_without_a_history_of_that_age_nothing_is_compared():
    store = LocalStore()
    clock = Clock(store)
    reports(store, clock, seconds=60, sent=4, connections=10)
    clock.now += 1800
    reports(store, clock, seconds=60, sent=6, connections=5)
    assert with_an_hour_ago(store, store.series(1, 300)) == {}


@pytest.mark.parametrize(
    ("before", "now", "words"),
    [(4, 6, "+50 %"), (4, 3, "−25 %"), (4, 4, ""), (4, 4.01, ""), (2, 50, "×25"), (0, 0, ""), (0, 3, "+3"), (3, 0, "−100 %")],
)
def test_a_change_in_words(before, now, words):
    assert change(before, now) == words
