"""A hundred thousand groups over eight processes: the page is exact, and moves only what can be on it."""

import json
import subprocess
import sys
from unittest import TestCase, mock

import pytest
from django.conf import settings

from dashboard.queries import distinct
from dashboard.queries.groups import PAGE, Query, groups
from dashboard.tests.crowd import Crowd, members_of
from dashboard.tests.stores import shared_store

PROCESSES, GROUPS = 8, 100_000


@pytest.mark.only_on("redis")
class ScaleTests(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.enterClassContext(shared_store())
        cls.crowd = cls.enterClassContext(Crowd(cls.store, PROCESSES, GROUPS))
        cls.truth = {
            f"crowd.room.{group}": sum(members_of(process, group) for process in range(PROCESSES)) for group in range(GROUPS)
        }

    def ask(self, **wanted):
        """A page that everybody answered; the machine may be too busy for the first."""
        ask = type(self.store).ask
        patient = lambda store, what, details, boot="", timeout=20.0: ask(store, what, details, boot, timeout)  # noqa: E731
        with mock.patch.object(type(self.store), "ask", patient):
            page = groups(self.store, Query(**wanted))
        self.assertEqual(page.answered, PROCESSES)
        return page

    def test_the_largest_are_exactly_the_largest(self):
        page = self.ask()
        wanted = sorted(self.truth, key=lambda name: (self.truth[name], name), reverse=True)[:PAGE]
        self.assertEqual([row["members"] for row in page.rows], [self.truth[name] for name in wanted])
        self.assertEqual(
            {row["name"]: row["members"] for row in page.rows}, {row["name"]: self.truth[row["name"]] for row in page.rows}
        )

    def test_who_comes_first_is_told_the_least_there_must_be_and_whoever_looks_on_the_number(self):
        number, distinct._known = sum(members > 0 for members in self.truth.values()), {}
        first = self.ask()
        self.assertIsNone(first.counted_ago)
        self.assertTrue(number / 2 < first.total < number)
        distinct.wait()
        second = self.ask()
        self.assertEqual(second.total, number)
        self.assertLess(second.counted_ago, 60)

    def test_the_next_page_goes_on_where_the_first_ends(self):
        first, second = self.ask(), self.ask(page=2)
        self.assertGreaterEqual(first.rows[-1]["members"], second.rows[0]["members"])
        self.assertFalse({row["name"] for row in first.rows} & {row["name"] for row in second.rows})

    def test_by_name_and_by_search(self):
        page = self.ask(sort="name", descending=False)
        names = sorted(name for name, members in self.truth.items() if members)
        self.assertEqual([row["name"] for row in page.rows], names[:PAGE])
        self.assertEqual([row["members"] for row in page.rows], [self.truth[name] for name in names[:PAGE]])
        found = self.ask(search="room.9999")  # few, so they are counted at once
        wanted = [name for name, members in self.truth.items() if "room.9999" in name and members]
        self.assertEqual(found.total, len(wanted))
        self.assertEqual({row["name"] for row in found.rows}, set(wanted))

    def test_the_first_page_takes_three_questions_and_what_they_move_does_not_grow_with_the_number_of_groups(self):
        moved, asked, distinct._known = [], [], {}
        ask = type(self.store).ask

        def counting(store, what, details, boot="", timeout=20.0):
            answers = ask(store, what, details, boot, timeout)
            if what != "hashes":  # which is asked aside
                asked.append(what)
                moved.append(len(json.dumps(answers)))
            return answers

        with mock.patch.object(type(self.store), "ask", counting):
            groups(self.store, Query())
            distinct.wait()
        self.assertEqual(asked, ["groups", "groups", "rows"])
        self.assertLess(sum(moved), 100_000)  # bytes; the names of all groups are 14 million

    def test_a_page_costs_each_process_little_whatever_it_has(self):
        """CPU time, as the machine may have other things to do; README.md has what was measured."""
        self.ask()
        distinct.wait()  # a number of its groups was counted a moment ago
        before = self.crowd.spent()
        for _ in range(20):
            self.ask()
        each = [(now - then) / 20 for now, then in zip(self.crowd.spent(), before, strict=True)]
        self.assertLess(sorted(each)[PROCESSES // 2], 0.030)

    def test_what_measures_how_long_it_takes_measures(self):
        told = subprocess.run(
            [sys.executable, "-m", "dashboard.tests.loads", settings.REDIS_URL, "2", "300", "1"],
            cwd=settings.BASE_DIR,
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertRegex(told.stdout, r"cold: 1 loads, median \d+ ms.*\nwarm: 1 loads, median \d+ ms.*")

    def test_what_nobody_looks_at_costs_the_store_little(self):
        keys = list(self.store.redis.scan_iter(self.store._prefix + "*"))
        size = sum(self.store.redis.memory_usage(key) or 0 for key in keys)
        self.assertLess(size, 1_000_000)
