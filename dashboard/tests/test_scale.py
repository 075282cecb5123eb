"""A hundred thousand groups over eight processes: the page is exact, and moves only what can be on it."""

import os
import subprocess
import sys
import time
from unittest import TestCase, mock

import pytest
from django.conf import settings

from dashboard.queries.groups import PAGE, Query, groups
from dashboard.tests.crowd import members_of
from dashboard.tests.stores import shared_store

PROCESSES, GROUPS = 8, 100_000
SECONDS = 180


@pytest.mark.only_on("redis")
class ScaleTests(TestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.store = cls.enterClassContext(shared_store())
        for number in range(PROCESSES):
            process = subprocess.Popen(
                [sys.executable, "-m", "dashboard.tests.crowd", settings.REDIS_URL, cls.store._prefix, str(number), str(GROUPS)],
                cwd=settings.BASE_DIR,
                env=os.environ | {"DJANGO_SETTINGS_MODULE": "config.settings", "DEBUG": "1"},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            cls.addClassCleanup(end, process)
        deadline = time.monotonic() + SECONDS
        while len(cls.store.processes()) < PROCESSES:
            assert time.monotonic() < deadline
            time.sleep(0.1)
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
        self.assertEqual(page.total, sum(members > 0 for members in self.truth.values()))

    def test_the_next_page_goes_on_where_the_first_ends(self):
        first, second = self.ask(), self.ask(page=2)
        self.assertGreaterEqual(first.rows[-1]["members"], second.rows[0]["members"])
        self.assertFalse({row["name"] for row in first.rows} & {row["name"] for row in second.rows})

    def test_by_name_and_by_search(self):
        page = self.ask(sort="name", descending=False)
        names = sorted(name for name, members in self.truth.items() if members)
        self.assertEqual([row["name"] for row in page.rows], names[:PAGE])
        self.assertEqual([row["members"] for row in page.rows], [self.truth[name] for name in names[:PAGE]])
        found = self.ask(search="room.9999")
        wanted = [name for name, members in self.truth.items() if "room.9999" in name and members]
        self.assertEqual(found.total, len(wanted))
        self.assertEqual({row["name"] for row in found.rows}, set(wanted))

    def test_what_is_moved_does_not_grow_with_the_number_of_groups(self):
        moved = []
        ask = type(self.store).ask

        def counting(store, what, details, boot="", timeout=20.0):
            answers = ask(store, what, details, boot, timeout)
            moved.extend(row for answer in answers.values() if isinstance(answer, dict) for row in answer.get("rows", ()))
            return answers

        with mock.patch.object(type(self.store), "ask", counting):
            groups(self.store, Query())
        self.assertLess(len(moved), GROUPS * PROCESSES / 20)

    def test_a_page_comes_soon_though_all_eight_share_the_cores_there_are(self):
        self.assertLess(min(self.ask().milliseconds for _ in range(4)), 1_500)  # README.md has what was measured on two

    def test_what_nobody_looks_at_costs_the_store_little(self):
        keys = list(self.store.redis.scan_iter(self.store._prefix + "*"))
        size = sum(self.store.redis.memory_usage(key) or 0 for key in keys)
        self.assertLess(size, 1_000_000)


def end(process):
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()
