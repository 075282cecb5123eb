"""One sentence tells how it is, the worst first."""

import pytest

from dashboard.queries.overview import sentence

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
