"""Counting is exact, whoever counts and however it is read; groups are told apart by their kind."""

import threading

import pytest
from django.test import SimpleTestCase, override_settings
from hypothesis import given
from hypothesis import strategies as st

from dashboard import classes, histogram
from dashboard.meter import ACTIVE, Meter

pytestmark = pytest.mark.once

THREADS, EACH = 6, 20_000


class MeterTests(SimpleTestCase):
    def test_no_count_is_lost_between_threads_that_write_and_one_that_reads(self):
        meter, done = Meter("test"), threading.Event()
        seen = []

        def write():
            for number in range(EACH):
                meter.add(f"chat.room.{number % 50}", 1, 3, 10)
                meter.count("received")

        def read():
            while not done.is_set():
                meter.beat()
                seen.append(meter.counters().get("group_sends", 0))

        reader = threading.Thread(target=read)
        writers = [threading.Thread(target=write) for _ in range(THREADS)]
        reader.start()
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        done.set()
        reader.join()
        meter.beat()
        counters = meter.counters()
        self.assertEqual(counters["group_sends"], THREADS * EACH)
        self.assertEqual(counters["deliveries"], 3 * THREADS * EACH)
        self.assertEqual(counters["bytes"], 10 * THREADS * EACH)
        self.assertEqual(counters["received"], THREADS * EACH)
        self.assertEqual(seen, sorted(seen))  # never smaller than before

    def test_what_an_ended_thread_counted_stays_and_its_shard_goes(self):
        meter = Meter("test")
        for _ in range(5):
            thread = threading.Thread(target=meter.add, args=("room", 1, 1, 1))
            thread.start()
            thread.join()
        meter.beat()
        self.assertEqual(meter.counters()["group_sends"], 5)
        self.assertEqual(len(meter._shards), 0)
        meter.beat()
        meter.beat()
        self.assertEqual(meter.activity(60)["room"][0], 5)

    def test_more_groups_in_a_second_than_are_told_apart_are_still_counted(self):
        meter = Meter("test")
        for number in range(ACTIVE + 10):
            meter.add(f"room.{number}", 1, 1, 1)
        self.assertEqual(meter.counters()["group_sends"], ACTIVE + 10)
        self.assertEqual(meter.counters()["untracked"], 10)

    def test_classes_are_few_whatever_groups_there_are(self):
        meter = Meter("test")
        for number in range(3_000):
            meter.add(f"word{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)}", 1, 0, 0)
        self.assertLessEqual(len(meter.by_class()), classes.CLASSES + 1)
        self.assertEqual(sum(row[0] for row in meter.by_class().values()), 3_000)


@pytest.mark.parametrize(
    ("group", "kind"),
    [
        ("chat.room.42", "chat.room.*"),
        ("realtime.user.7", "realtime.user.*"),
        ("board-9f8e7d6c5b4a3928", "board-*"),
        ("doc_123e4567-e89b-12d3-a456-426614174000", "doc_*"),
        ("chat_lobby", "chat_lobby"),
        ("deadbeef", "deadbeef"),  # a word, by chance of these letters only
    ],
)
def test_the_kind_of_a_group_is_its_name_without_what_varies(group, kind):
    assert classes._class_of(group) == kind


def test_a_project_may_say_what_kind_a_group_is():
    classes._patterns.cache_clear()
    with override_settings(DASHBOARD={"GROUP_CLASSES": [(r"chat_\w+", "tutorial rooms")]}):
        assert classes._class_of("chat_lobby") == "tutorial rooms"
    classes._patterns.cache_clear()


@given(st.lists(st.floats(2e-5, 15), min_size=1, max_size=200), st.sampled_from([0.5, 0.95, 0.99]))
def test_a_percentile_is_at_most_9_1_percent_off(times, share):
    buckets = {}
    for seconds in times:
        buckets[histogram.bucket_of(seconds)] = buckets.get(histogram.bucket_of(seconds), 0) + 1
    # The smallest time that at least this share of all are not above: what a percentile is.
    wanted = next(value for index, value in enumerate(sorted(times)) if index + 1 >= share * len(times))
    assert abs(histogram.percentile(buckets, share) - wanted) <= 0.0911 * wanted


@given(st.lists(st.floats(0, 100), max_size=50), st.lists(st.floats(0, 100), max_size=50))
def test_histograms_merge_by_addition(some, others):
    def count(times):
        counted = {}
        for seconds in times:
            counted[histogram.bucket_of(seconds)] = counted.get(histogram.bucket_of(seconds), 0) + 1
        return counted

    merged = count(some)
    for bucket, number in count(others).items():
        merged[bucket] = merged.get(bucket, 0) + number
    assert merged == count(some + others)


def test_a_time_below_zero_by_clocks_that_differ_counts_as_none():
    assert histogram.bucket_of(-3.0) == 0
    assert histogram.percentile({}, 0.5) is None
