"""Reports that get lost, come twice, or come from the dead never make a number wrong. The same on both stores."""

import json
import time
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.queries.history import describe, happened
from dashboard.queries.processes import processes
from dashboard.report import EMPTY, FORMAT, Report
from dashboard.store import STEPS as STEPS_KEPT
from dashboard.store import Unreachable
from dashboard.store.local import _rolled
from dashboard.tests.stores import local_store, shared_store

STORES = [
    pytest.param(local_store, id="local"),
    pytest.param(shared_store, id="redis", marks=pytest.mark.only_on("redis")),
]


@pytest.fixture(params=STORES)
def store(request):
    with request.param() as store:
        yield store


def report(seq, boot="a", gauges=None, **counters):
    return Report(boot, seq, {f"default|{name}": value for name, value in counters.items()}, gauges or {}, row(boot))


def row(boot):
    return EMPTY | {"format": FORMAT, "boot": boot, "host": "h", "pid": 1, "role": "daphne"}


def test_totals_are_the_sums_of_what_processes_counted(store):
    store.flush(report(1, "a", sends=5), {})
    store.flush(report(1, "b", sends=7), {})
    store.flush(report(2, "a", sends=6, received=1), {"default|sends": 5})
    assert store.totals() == {"default|sends": 13, "default|received": 1}


def test_a_report_that_comes_twice_counts_once(store):
    store.flush(report(1, sends=5), {})
    store.flush(report(2, sends=9), {"default|sends": 5})
    store.flush(report(2, sends=9), {"default|sends": 5})
    store.flush(report(1, sends=5), {})
    assert store.totals() == {"default|sends": 9}


def test_the_next_report_makes_up_for_one_that_was_lost(store):
    store.flush(report(1, sends=5), {})
    store.flush(report(3, sends=20), {"default|sends": 5})
    assert store.totals() == {"default|sends": 20}


def test_a_report_whose_answer_was_lost_is_not_added_again(store):
    """The process does not know that it arrived, and sends everything since the last answer."""
    store.flush(report(1, sends=5), {})
    store.flush(report(2, sends=8), {})
    assert store.totals() == {"default|sends": 8}


def test_what_is_kept_by_the_second_adds_up_to_the_totals(store):
    for seq in range(1, 6):
        store.flush(report(seq, sends=seq * 10), {})
    buckets = [bucket for _, bucket in store.series(1, 5, with_current=True)]
    assert sum(bucket.get("default|sends", 0) for bucket in buckets) == 50


def test_classes_are_in_the_totals_and_not_in_every_second(store):
    store.flush(Report("a", 1, {"c|default|chat.room.*|sends": 4}, {}, row("a")), {})
    assert store.totals() == {"c|default|chat.room.*|sends": 4}
    assert not any("c|default" in name for _, bucket in store.series(1, 3, with_current=True) for name in bucket)


@pytest.mark.only_on("redis")
def test_classes_stay_few_whatever_processes_come_and_go():
    with shared_store() as store:
        store.flush(Report("a", 1, {"c|default|known.*|sends": 4}, {}, row("a")), {})
        store.redis.hset(store._key("marks"), "classes", 4000)
        for seq in (1, 2):
            store.flush(Report("b", seq, {f"c|default|{name}.*|sends": seq for name in ("new", "known")}, {}, row("b")), {})
        assert store.totals() == {"c|default|known.*|sends": 6, "c|default|other|sends": 2}


def test_a_process_that_leaves_takes_its_gauges_along_and_leaves_its_numbers(store):
    store.flush(report(1, gauges={"connections": 3}, sends=5), {})
    assert [found["boot"] for found in store.processes()] == ["a"]
    store.leave("a")
    assert store.processes() == []
    assert store.totals() == {"default|sends": 5}


def test_values_are_remembered_and_events_listed_latest_first(store):
    assert store.recall("version") is None
    store.remember("version", {"is": "7"})
    store.note("deploy", version="7")
    store.note("lost", boot="a")
    assert store.recall("version") == {"is": "7"}
    assert [event["kind"] for event in store.events(5)] == ["lost", "deploy"]


def test_an_alert_is_kept_by_its_facts_and_told_in_words(store):
    store.note("alert", name="lost", facts=json.dumps({"rate": 2.5}))
    assert happened(store)[0]["text"] == "2.5 messages a second are lost."


def test_seconds_roll_up_into_sums_of_counters_means_of_gauges_and_the_largest_of_the_worst():
    parts = [{"default|sends": 2, "g:connections": 10, "g:max.lag": 5}, {"default|sends": 3, "g:connections": 20, "g:max.lag": 1}]
    assert _rolled(parts) == {"default|sends": 5, "g:connections": 15, "g:max.lag": 5}


@pytest.mark.only_on("redis")
def test_the_script_rolls_up_as_the_local_store_does():
    with shared_store() as store:
        now = int(store.redis.time()[0])
        start = now // 10 * 10 - 20
        parts = [
            {"default|sends": 2, "g:connections": 10, "g:max.lag": 5},
            {"default|sends": 3, "g:connections": 21, "g:max.lag": 1},
        ]
        for at, part in zip((start + 1, start + 4), parts, strict=True):
            store.redis.hset(store._key("t", 1, at), mapping=part)
        store.redis.hset(store._key("marks"), "10", start)
        store.flush(report(1), {})
        found = {name: int(value) for name, value in store.redis.hgetall(store._key("t", 10, start)).items()}
        assert found == _rolled(parts) | {"g:connections": 16}  # half is rounded up there


@pytest.mark.only_on("redis")
def test_gauges_of_the_whole_are_sums_over_living_processes_and_maxima():
    with shared_store() as store:
        for boot, connections, lag in (("a", 3, 10), ("b", 4, 70)):
            store.flush(report(1, boot, {"connections": connections, "max.lag": lag}), {})
        wait_for_another_second(store)
        store.flush(report(2, "a", {"connections": 3, "max.lag": 10}), {})
        bucket = store.series(1, 1, with_current=True)[-1][1]
        assert (bucket["g:connections"], bucket["g:max.lag"], bucket["g:processes"]) == (7, 70, 2)


@pytest.mark.only_on("redis")
def test_a_silent_process_is_lost_after_its_lease_unless_a_neighbour_has_seen_it():
    with shared_store() as store:
        for boot in ("silent", "seen", "living"):
            store.flush(report(1, boot, {"connections": 5}), {})
        for boot in ("silent", "seen"):
            store.redis.zincrby(store._key("procs"), -11, boot)
        store.vouch("seen", True)
        wait_for_another_second(store)
        flushed = store.flush(report(2, "living", {"connections": 5}), {})
        assert flushed.quiet == 1  # the one that is there and stands still
        assert {found["boot"] for found in store.processes()} == {"seen", "living"}
        assert [found["boot"] for found in store.gone()] == ["silent"]
        assert store.series(1, 1, with_current=True)[-1][1]["g:connections"] == 10
        assert describe(store.events(1)[0]) == "Process daphne 1 on h was lost"


@pytest.mark.only_on("redis")
def test_a_process_whose_pid_is_gone_is_lost_at_once():
    with shared_store() as store:
        store.flush(report(1, "dead"), {})
        store.vouch("dead", False)
        wait_for_another_second(store)
        store.flush(report(1, "living"), {})
        assert [found["boot"] for found in store.processes()] == ["living"]


@pytest.mark.only_on("redis")
def test_of_a_process_with_other_code_it_is_known_that_it_is_there():
    with shared_store() as store:
        store.flush(Report("old", 1, {}, {}, {"boot": "old", "pid": 7, "gauges": "another meaning", "own": {}}), {})
        (found,) = processes(store)
        assert (found["boot"], found["pid"], found["connections"], found["own"]) == ("old", 7, 0, 0)


@pytest.mark.only_on("redis")
def test_a_process_that_was_taken_for_lost_comes_back_with_nothing_counted_twice():
    with shared_store() as store:
        store.flush(report(1, "a", sends=5), {})
        store.vouch("a", False)
        wait_for_another_second(store)
        store.flush(report(1, "b"), {})
        store.flush(report(2, "a", sends=6), {"default|sends": 5})
        assert store.totals() == {"default|sends": 6}
        assert {found["boot"] for found in store.processes()} == {"a", "b"}
        assert store.gone() == []


@pytest.mark.only_on("redis")
def test_after_an_empty_redis_only_what_is_new_is_added():
    with shared_store() as store:
        store.flush(report(1, sends=500), {})
        for key in store.redis.scan_iter(store._prefix + "*"):
            store.redis.delete(key)
        store.flush(report(2, sends=503), {"default|sends": 500})
        assert store.totals() == {"default|sends": 3}


@pytest.mark.only_on("redis")
def test_a_process_that_stands_still_is_waited_for_once():
    with shared_store() as store, closing(store.redis.pubsub()) as deaf:
        store.flush(report(1, "still"), {})
        deaf.subscribe(store._key("ask"))
        assert store.ask("groups", {}, timeout=0.1) == {}
        began = time.monotonic()
        assert store.ask("groups", {}, timeout=60) == {}
        assert time.monotonic() - began < 30


@pytest.mark.only_on("redis")
def test_one_process_leads_until_it_is_silent():
    with shared_store() as store:
        assert store.flush(report(1, "a"), {}).leads
        assert not store.flush(report(1, "b"), {}).leads
        store.redis.delete(store._key("leader"))
        assert store.flush(report(2, "b"), {}).leads


def test_a_store_that_is_away_says_so():
    from dashboard.store.shared import SharedStore

    store = SharedStore("redis://127.0.0.1:1/0", "{x}:")
    with pytest.raises(Unreachable):
        store.flush(report(1), {})
    with pytest.raises(Unreachable):
        store.processes()


FATES = ["arrives", "is lost", "comes twice", "answer lost"]
STEPS = st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.sampled_from(FATES)), max_size=40)


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_whatever_happens_to_reports_the_totals_are_right_in_the_end(steps):
    with local_store() as store:
        check_faulty_reports(store, steps)


@pytest.mark.only_on("redis")
@settings(max_examples=25, deadline=None)
@given(STEPS)
def test_the_same_in_redis(steps):
    with shared_store() as store:
        check_faulty_reports(store, steps)


@pytest.mark.only_on("redis")
def test_a_report_may_have_very_many_counters():
    with shared_store() as store:
        counters = {f"c|default|room.{number}|sends": number for number in range(3_000)}
        store.flush(Report("a", 1, counters, {}, row("a")), {})
        store.flush(Report("a", 2, {name: number + 1 for name, number in counters.items()}, {}, row("a")), {})
        assert store.totals() == {name: number + 1 for name, number in counters.items()}


@pytest.mark.only_on("redis")
def test_a_hundred_processes_for_a_week_fit_into_eight_megabytes():
    """Measured on one bucket of each kind and one process, and multiplied: they are all alike."""
    with shared_store() as store:
        counters = {f"default|{name}": 10**6 for name in ("group_sends", "sends", "deliveries", "bytes", "enqueued", "received")}
        counters |= {f"default|h.{bucket}": 10**4 for bucket in range(20, 45)} | {
            f"sockets|{n}": 10**5 for n in ("opened", "closed")
        }
        gauges = dict.fromkeys(("connections", "groups", "members", "buffered", "max.buffer", "max.lag", "ghosts"), 10**4)
        facts = row("a") | {"versions": {"python": "3.13.0"}, "layers": {"default": {"kind": "Redis pub/sub", "named": {}}}}
        classes = {f"c|default|app.kind{number}.*|{field}": 10**5 for number in range(20) for field in ("sends", "deliveries")}
        store.flush(Report("a", 1, counters | classes, gauges, facts), {})
        wait_for_another_second(store)
        store.flush(Report("a", 2, {name: 2 * number for name, number in counters.items()}, gauges, facts), {})
        sizes = {kind: max(map(store.redis.memory_usage, keys), default=0) for kind, keys in keys_by_kind(store).items()}
        buckets = sum(STEPS_KEPT.values()) + 700 - STEPS_KEPT[1]  # seconds are kept a little longer, to be rolled up
        assert buckets * sizes["t"] + 100 * (sizes["p"] + sizes["g"]) < 8_000_000


def keys_by_kind(store):
    found = {}
    for key in store.redis.scan_iter(store._prefix + "*"):
        found.setdefault(key.removeprefix(store._prefix).partition(":")[0], []).append(key)
    return found


def check_faulty_reports(store, steps):
    counted, acknowledged, seqs = {}, {}, {}
    for boot, number, fate in steps:
        counted[boot] = counted.get(boot, 0) + number
        seqs[boot] = seqs.get(boot, 0) + 1
        if fate == "is lost":
            continue
        for _ in range(1 + (fate == "comes twice")):
            store.flush(report(seqs[boot], boot, sends=counted[boot]), {"default|sends": acknowledged.get(boot, 0)})
        if fate != "answer lost":
            acknowledged[boot] = counted[boot]
    for boot, number in counted.items():
        store.flush(report(seqs[boot] + 1, boot, sends=number), {"default|sends": acknowledged.get(boot, 0)})
    assert store.totals().get("default|sends", 0) == sum(counted.values())


def wait_for_another_second(store):
    """What is done once a second is done in the first report of one."""
    second = store.redis.time()[0]
    deadline = time.monotonic() + 5
    while store.redis.time()[0] == second:
        assert time.monotonic() < deadline
        time.sleep(0.01)
