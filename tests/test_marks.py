"""The marks of a test decide in which runs of `manage.py test` it is. None may keep it out of both: it would never run."""

import pytest

from conftest import is_in_no_run

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("marks", "needs"),
    [
        ({"services", "browser"}, {"sqlite"}),
        ({"services"}, {"memory"}),
        ({"browser"}, {"redis"}),
        ({"once"}, {"postgresql"}),
        (set(), {"sqlite", "redis"}),
    ],
)
def test_marks_that_exclude_each_other_are_found(marks, needs):
    assert is_in_no_run(marks, needs)


@pytest.mark.parametrize(
    ("marks", "needs"),
    [
        (set(), set()),
        ({"services", "browser"}, set()),
        ({"services"}, {"postgresql"}),
        ({"browser"}, {"sqlite"}),
        ({"once"}, {"memory"}),
        (set(), {"redis"}),
    ],
)
def test_all_others_have_a_run(marks, needs):
    assert not is_in_no_run(marks, needs)
