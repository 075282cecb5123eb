"""The fault checker itself: it finds each kind of violation, and the same seed breaks the same things. The run is in CI."""

import inspect
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from tests.faults.checker import CHECKS, check
from tests.faults.control import REPLACED
from tests.faults.schedule import IN_MEMORY, KINDS, make_schedule
from tests.faults.workload import find_workloads

pytestmark = pytest.mark.once

FEED = "chat.room.1"
START = 2  # where the feed was when the clients came


def invoke(t, who, client_id):
    return {"t": t, "who": who, "op": "invoke", "client_id": client_id, "feed": FEED, "command": {"type": "chat.message.post"}}


def ok(t, who, client_id, rev, row):
    return {"t": t, "who": who, "op": "ok", "client_id": client_id, "feed": FEED, "rev": rev, "id": row}


def fail(t, who, client_id, code):
    return {"t": t, "who": who, "op": "fail", "client_id": client_id, "code": code}


def show(t, who, rev, row, *, is_repeated=False):
    return {"t": t, "who": who, "op": "show", "feed": FEED, "rev": rev, "rows": [row], "is_repeated": is_repeated}


def note(t, who, op, **facts):
    return {"t": t, "who": who, "op": op, **facts}


ONE, TWO, EDITED = [11, 1, 3, "one"], [12, 2, 4, "two"], [11, 1, 5, "one, edited"]


def a_clean_history():
    """ann posts two messages (3 and 4) and edits the first (5). bob is cut, comes back and catches up. His command is refused."""
    return [
        note(0.0, "ann", "open", process=0),
        note(0.0, "bob", "open", process=1),
        note(0.1, "ann", "live", feed=FEED, rev=START),
        note(0.1, "bob", "live", feed=FEED, rev=START),
        invoke(1.0, "ann", "a1"),
        show(1.1, "ann", 3, ONE),
        ok(1.2, "ann", "a1", 3, 11),
        show(1.2, "bob", 3, ONE),
        invoke(2.0, "ann", "a2"),
        show(2.1, "ann", 4, TWO),
        ok(2.2, "ann", "a2", 4, 12),
        note(2.0, "nemesis", "cut", client="bob"),
        note(2.1, "bob", "close", process=1, code=1006, is_final=False),
        invoke(3.0, "ann", "a3"),
        show(3.1, "ann", 5, EDITED),
        ok(3.2, "ann", "a3", 5, 11),
        note(4.0, "bob", "open", process=0),
        show(4.1, "bob", 4, TWO),
        show(4.1, "bob", 5, EDITED),
        note(4.2, "bob", "live", feed=FEED, rev=5),
        invoke(5.0, "bob", "b1"),
        fail(5.1, "bob", "b1", "not_found"),
        note(6.0, "ann", "people", feed=FEED, people=["ann", "bob"]),
        note(6.0, "bob", "people", feed=FEED, people=["ann", "bob"]),
    ]


def what_is_stored():
    changes = [[3, 11, "a1"], [4, 12, "a2"], [5, 11, "a3"]]
    return {FEED: {"start": START, "first": [], "of": None, "rev": 5, "changes": changes, "rows": [EDITED, TWO]}}


def violations(records, stored=None):
    verdict = check(records, stored or what_is_stored(), refusals={"not_found"}, present={"ann", "bob"})
    return {name: len(found) for name, found in verdict.violations.items()}


def without(records, **facts):
    """The history without the records that have all these facts."""
    kept = [record for record in records if not facts.items() <= record.items()]
    assert len(kept) < len(records)
    return kept


def changed(records, new, **facts):
    """The history with these facts changed in the records that have those."""
    assert any(facts.items() <= record.items() for record in records)
    return [{**record, **new} if facts.items() <= record.items() else record for record in records]


def test_a_clean_history_passes():
    verdict = check(a_clean_history(), what_is_stored(), refusals={"not_found"}, present={"ann", "bob"})
    assert verdict.holds, verdict.violations
    assert set(verdict.examined) == set(CHECKS) - {"log", "planned"}


def test_who_catches_up_may_be_spared_what_has_been_superseded():
    """bob is away for all of it, and gets rows as they are: revision 3 went into 5."""
    records = without(a_clean_history(), who="bob", op="show", rev=3)
    assert violations(records) == {}


def test_a_command_without_an_answer_is_found():
    assert violations(without(a_clean_history(), op="ok", client_id="a3")) == {"unacked": 1}


def test_an_acked_command_that_is_not_stored_is_found():
    stored = what_is_stored()
    stored[FEED]["changes"][2][2] = "somebody else's"
    assert violations(a_clean_history(), stored).keys() == {"stored", "phantom"}


def test_an_ack_with_another_revision_than_the_stored_one_is_found():
    assert violations(changed(a_clean_history(), {"rev": 6}, op="ok", client_id="a3")) == {"stored": 1}


def test_a_command_that_was_carried_out_twice_is_found():
    stored = what_is_stored()
    stored[FEED] |= {"rev": 6, "changes": [*stored[FEED]["changes"], [6, 13, "a3"]]}
    assert violations(a_clean_history(), stored).keys() >= {"stored"}


def test_a_refused_command_that_is_stored_is_found():
    stored = what_is_stored()
    stored[FEED] |= {"rev": 6, "changes": [*stored[FEED]["changes"], [6, 11, "b1"]]}
    assert violations(a_clean_history(), stored)["refused"] == 1


def test_an_unexpected_refusal_is_found():
    assert violations(changed(a_clean_history(), {"code": "server_error"}, op="fail")) == {"refused": 1}


def test_a_missing_revision_is_found():
    stored = what_is_stored()
    del stored[FEED]["changes"][1]
    assert violations(a_clean_history(), stored)["gapless"] == 1


def test_a_revision_of_two_changes_is_found():
    stored = what_is_stored()
    stored[FEED]["changes"].append([5, 12, "b1"])
    assert violations(a_clean_history(), stored)["gapless"] == 1


def test_a_revision_beyond_the_head_is_found():
    stored = what_is_stored()
    stored[FEED]["changes"].append([9, 12, "b1"])
    assert violations(a_clean_history(), stored)["gapless"] == 1


def test_an_order_against_time_is_found():
    """a2 began after the ack of a1, so it cannot come before it."""
    records = changed(a_clean_history(), {"rev": 4}, op="ok", client_id="a1")
    records = changed(records, {"rev": 3}, op="ok", client_id="a2")
    assert violations(records)["real time"] == 1


def test_a_row_that_is_not_displayed_is_found():
    found = violations(without(a_clean_history(), who="ann", op="show", rev=4))
    assert found == {"display": 1, "gap": 1}


def test_a_row_that_is_displayed_as_it_was_is_found():
    records = without(a_clean_history(), who="ann", op="show", rev=5)
    assert violations(records) == {"display": 2}  # the row, and where ann is in the feed


def test_a_row_that_is_not_stored_is_found():
    records = [*a_clean_history(), show(5.5, "ann", 6, [13, 3, 6, "ghost"])]
    assert violations(records)["display"] == 2


def test_rows_in_another_order_are_found():
    records = changed(a_clean_history(), {"rows": [[12, 0, 4, "two"]]}, who="ann", rev=4, op="show")
    assert violations(records)["display"] == 2


def test_a_change_that_is_told_twice_is_found():
    records = [*a_clean_history(), show(5.5, "bob", 5, EDITED, is_repeated=True)]
    assert violations(records) == {"twice": 1}


def test_a_gap_that_is_filled_later_is_found():
    """bob, who is live at 3, is shown 5 before anybody began what makes up for 4."""
    stored = what_is_stored()
    stored[FEED] |= {"rev": 6, "changes": [*stored[FEED]["changes"], [6, 12, "a4"]], "rows": [EDITED, [12, 2, 6, "two again"]]}
    records = without(a_clean_history(), who="bob", op="show", rev=4)
    records += [invoke(5.0, "ann", "a4"), ok(5.2, "ann", "a4", 6, 12)]
    records += [show(5.3, who, 6, [12, 2, 6, "two again"]) for who in ("ann", "bob")]
    assert violations(records, stored) == {"gap": 1}


def test_a_start_past_what_was_missed_is_found():
    """bob comes back and is told that he is at 5, without 4 and 5."""
    records = without(without(a_clean_history(), who="bob", op="show", rev=4), who="bob", op="show", rev=5)
    assert violations(records) == {"gap": 2, "display": 2}


def test_what_is_gone_is_not_displayed_wherever_it_is_still_known():
    """The first message is taken away (5). ann keeps it as a row without content; bob starts from a page that has it not."""
    gone = [11, 1, 5, ""]
    stored = what_is_stored()
    stored[FEED]["rows"] = [gone, TWO]
    records = changed(a_clean_history(), {"rows": [gone]}, op="show", rev=5)
    records = changed(without(records, who="bob", op="show", rev=5), {"op": "reset"}, who="bob", op="live", rev=5)
    records.append(note(4.5, "bob", "page", feed=FEED, rows=[TWO]))
    assert violations(records, stored) == {}


def test_what_one_event_does_to_several_rows_is_displayed():
    both = [[11, 1, 3, "one, read"], [12, 2, 4, "two, read"]]
    stored = what_is_stored()
    stored[FEED]["rows"] = both
    records = changed(a_clean_history(), {"rows": both}, op="show", rev=5)
    assert violations(records, stored) == {}
    assert violations(changed(records, {"rows": both[:1]}, op="show", rev=5, who="bob"), stored)["display"] == 1


def test_a_feed_of_one_person_is_not_looked_for_on_the_screens_of_others():
    stored = what_is_stored()
    stored[FEED]["of"] = "ann"
    records = [record for record in a_clean_history() if record["who"] != "bob" or "feed" not in record]
    assert violations(without(records, op="fail"), stored) == {}


def test_a_reset_starts_from_a_page():
    records = without(without(a_clean_history(), who="bob", op="show", rev=4), who="bob", op="show", rev=5)
    records = changed(records, {"op": "reset"}, who="bob", op="live", rev=5)
    assert violations(records) == {"display": 2}
    records.append(note(4.5, "bob", "page", feed=FEED, rows=[EDITED, TWO]))
    assert violations(records) == {}


def test_a_close_without_a_fault_is_found():
    assert violations(without(a_clean_history(), op="cut")) == {"closed": 1}


def test_a_close_after_a_fault_of_another_is_found():
    assert violations(changed(a_clean_history(), {"client": "ann"}, op="cut")) == {"closed": 1}


def test_a_close_of_a_process_that_was_told_to_end_is_a_planned_one():
    told = changed(a_clean_history(), {"op": "terminate", "process": 1}, op="cut")
    assert violations(told) == {"planned": 1}  # with 1006
    assert violations(changed(told, {"code": 4012}, op="close")) == {}


def test_who_heard_nothing_when_it_was_told_is_excused():
    told = changed(a_clean_history(), {"op": "terminate", "process": 1}, op="cut")
    assert violations([note(1.9, "nemesis", "deaf", client="bob"), *told]) == {}


def test_a_close_of_a_killed_process_is_none():
    records = changed(a_clean_history(), {"op": "kill", "process": 1}, op="cut")
    assert violations(records) == {}


def test_a_close_for_good_is_found():
    assert violations(changed(a_clean_history(), {"code": 4401, "is_final": True}, op="close")) == {"gave up": 1}


@pytest.mark.parametrize("people", [["ann"], ["ann", "bob", "eve"]])
def test_presence_unlike_the_live_sockets_is_found(people):
    assert violations(changed(a_clean_history(), {"people": people}, who="bob", op="people")) == {"presence": 1}


def test_the_same_seed_breaks_the_same_things():
    schedule = make_schedule(7, 60, "pubsub", clients=6, processes=2)
    assert schedule == make_schedule(7, 60, "pubsub", clients=6, processes=2)
    assert schedule != make_schedule(8, 60, "pubsub", clients=6, processes=2)
    assert schedule[: len(make_schedule(7, 20, "pubsub", 6, 2))] == make_schedule(7, 20, "pubsub", 6, 2)


@pytest.mark.parametrize("seed", range(20))
def test_a_minute_has_every_kind_of_fault(seed):
    schedule = make_schedule(seed, 60, "pubsub", clients=6, processes=2)
    assert {fault.kind for fault in schedule} == set(KINDS)
    assert {fault.kind for fault in make_schedule(seed, 60, "memory", 6, 1)} == set(IN_MEMORY)
    assert all(fault.at < 60 for fault in schedule)


def test_every_app_with_a_workload_is_found():
    assert "chat" in find_workloads()


@pytest.mark.parametrize(("owner", "name", "replacement"), REPLACED)
def test_the_control_is_called_as_what_it_replaces(owner, name, replacement):
    """Else its servers would fail at each change, and that proves nothing of repair."""
    wanted, given = [inspect.signature(function).parameters for function in (getattr(owner, name), replacement)]
    assert [(name, wanted[name].default) for name in wanted] == [(name, given[name].default) for name in given]


def test_the_control_counts_when_something_was_lost_and_nothing_else_was_wrong():
    verdict = check(a_clean_history(), what_is_stored(), refusals={"not_found"}, present={"ann", "bob"})
    assert not verdict.is_of_loss
    verdict.judge("gap", False, "went past a revision")
    assert verdict.is_of_loss
    verdict.judge("log", False, "TypeError")
    assert not verdict.is_of_loss


def test_the_command_refuses_what_it_cannot_do():
    with pytest.raises(CommandError, match="--clients"):
        call_command("faults", clients=99, stdout=StringIO())
