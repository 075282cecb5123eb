"""The arithmetic of the capacity model, against examples that were worked out by hand."""

from dataclasses import replace
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from realtime.capacity import Limits, Load, TooMuch, hearers_of, plan, plan_cell

pytestmark = pytest.mark.once

SMALL = Load(sockets=10_000, rooms=1_000)  # one message a minute each


def test_what_people_do_follows_from_how_many_they_are():
    load = Load(sockets=6_000, rooms=100, per_minute=2, follows=3)
    assert load.members == 180
    assert load.messages == 200
    assert load.deliveries == 36_000


def test_a_message_reaches_the_processes_that_have_somebody_in_the_room():
    assert hearers_of(1, 100) == pytest.approx(1)
    assert hearers_of(2, 2) == 1.5  # both on the same process, or not
    assert hearers_of(10_000, 8) == pytest.approx(8)


def test_ten_thousand_sockets():
    """166.7 messages/s at 1 ms, 1,667 deliveries/s at 5 us, 10,000 pings in 15 s at 125 us; 1.998 of two processes hear each."""
    cell = plan_cell(SMALL)
    assert cell.processes == 2
    assert cell.hearers == pytest.approx(1.998, abs=0.001)
    assert cell.web_cores_busy == pytest.approx(0.1667 + 0.0083 + 0.0833 + 0.0500, abs=0.001)
    assert cell.memory_gib == pytest.approx((160 + 226.6) / 1024, abs=0.001)
    assert cell.redis_megabits == pytest.approx(166.7 * 1.998 * 1_100 * 8 / 1e6, abs=0.01)
    assert cell.storm_seconds == pytest.approx(11.2, abs=0.1)


def test_coming_back_in_time_takes_processes_though_nobody_says_anything():
    """22.4 s of CPU for 10,000 connects: within one second that is 23 cores."""
    assert plan_cell(replace(SMALL, per_minute=0, back_within=1)).processes == 23


def test_half_of_each_core_is_left():
    for sockets in (10_000, 50_000, 400_000):
        cell = plan_cell(Load(sockets, sockets // 10, back_within=10_000))
        assert cell.web_cores_busy <= cell.processes / 2
        assert cell.processes == 2 or cell.web_cores_busy > (cell.processes - 2) / 2, "and no more than that"


def test_near_the_rate_that_a_process_can_hear_their_number_grows_without_sense():
    """1,667 messages/s that all hear take 0.25 of each core; the other 0.25 are for 169.2 cores of all else. At 3,167/s it is
    0.025 for 606.4 cores."""
    assert plan_cell(Load(sockets=100_000, rooms=5)).processes == pytest.approx(169.2 / 0.25, rel=0.01)
    assert plan_cell(Load(sockets=190_000, rooms=5)).processes > 10_000


def test_more_cells_are_taken_when_one_is_too_small_and_the_plan_says_why():
    load = Load(sockets=2_000_000, rooms=200_000)  # 33,333 messages/s at 500 us: 33.3 cores are 34 with half of each left
    assert plan(load, Limits(postgres_cores=34)).cells == 1
    made = plan(load, Limits(postgres_cores=20))
    assert (made.cells, made.limit) == (2, "PostgreSQL: cores of one primary")
    assert made.cell.postgres_cores == 17


def test_a_room_that_is_written_to_faster_than_its_lock_allows_is_refused():
    with pytest.raises(TooMuch, match=r"2,000 messages a second in one room.*split the room"):
        plan(Load(sockets=120_000, rooms=1))


def test_a_room_that_is_too_large_for_a_cell_is_refused():
    with pytest.raises(TooMuch, match="relay it between cells"):
        plan(Load(sockets=100_000, rooms=1))


def told(*arguments):
    out = StringIO()
    call_command("capacity", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_takes_numbers_as_people_write_them():
    assert told("--sockets", "1e4", "--rooms", "1e3") == told("--sockets", "10_000", "--rooms", "1000")


@pytest.mark.parametrize("arguments", [("--sockets", "0", "--rooms", "1"), ("--sockets", "1e5", "--rooms", "1")])
def test_the_command_says_in_a_sentence_what_cannot_be(arguments):
    with pytest.raises(CommandError):
        told(*arguments)
