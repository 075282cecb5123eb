"""Background jobs of `realtime`: what waits, runs and was given up, by kind, for the price of one query now and then."""

from datetime import timedelta
from unittest import mock

import pytest
from django.apps import apps
from django.db import connection
from django.test import SimpleTestCase, TestCase
from django.utils import timezone

from dashboard import jobs
from dashboard.queries.doctor import Facts
from dashboard.queries.doctor_jobs import jobs_that_wait
from dashboard.tests.running import person, reporting
from realtime.models import Job


def make(name, seconds=0, *, dead=False, **fields):
    """A job that is due since so many seconds."""
    now = timezone.now()
    Job.objects.create(name=name, run_after=now - timedelta(seconds=seconds), dead_at=now if dead else None, **fields)


class JobTests(TestCase):
    def setUp(self):
        jobs.forget()
        self.addCleanup(jobs.forget)

    def kinds(self):
        return {kind["name"]: kind for kind in jobs.jobs()["kinds"]}

    def test_by_kind_what_waits_runs_and_was_given_up(self):
        make("mail", 40)
        make("mail", 3)
        make("mail", -60, attempts=1)  # a worker has it
        make("mail", -60, attempts=2, last_error="refused")
        make("mail", 900, attempts=8, last_error="refused", dead=True)
        make("mail", -60)  # later
        make("hook", 900, attempts=8, dead=True)
        make("next-week", -604_800)
        kinds = self.kinds()
        mail = kinds["mail"]
        self.assertEqual((mail["waiting"], mail["running"], mail["again"], mail["dead"]), (2, 1, 1, 1))
        self.assertAlmostEqual(mail["oldest"], 40, delta=5)
        self.assertEqual((kinds["hook"]["waiting"], kinds["hook"]["oldest"], kinds["hook"]["dead"]), (0, None, 1))
        self.assertNotIn("next-week", kinds)

    def test_whoever_looks_the_table_is_asked_once_in_some_seconds(self):
        with self.assertNumQueries(1):
            jobs.jobs()
            jobs.jobs()
        with mock.patch.object(jobs, "FRESH_SECONDS", -1), self.assertNumQueries(1):
            jobs.jobs()

    def test_the_query_goes_along_the_index(self):
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":  # it would rather read a table of no rows as a whole
                cursor.execute("SET LOCAL enable_seqscan = off")
        self.assertRegex(jobs.by_kind(Job).explain(), "(?i)index.* realtime_jo")

    def test_the_page_shows_them_and_where_they_are_tried_again(self):
        make("mail.digest", 40)
        self.client.force_login(person("sid", is_staff=True))
        with reporting():
            page = self.client.get("/dashboard/channels/")
        self.assertContains(page, "mail.digest")
        self.assertContains(page, 'href="/notifications/jobs/"')

    def test_a_project_without_them_has_none(self):
        with mock.patch.object(apps, "get_model", side_effect=LookupError):
            self.assertIsNone(jobs.jobs())


@pytest.mark.once
class DoctorTests(SimpleTestCase):
    def found(self, waiting, oldest, *processes):
        kinds = [{"name": "mail", "waiting": waiting, "oldest": oldest, "running": 0, "again": 0, "dead": 0}]
        with reporting() as agent, mock.patch.object(jobs, "jobs", lambda: {"kinds": kinds, "url": ""}):
            facts = Facts(agent.store)
            facts.live = [{"layers": {"jobs": {"named": {"jobs": {"waiting": number}}}}} for number in processes]
            return list(jobs_that_wait(facts))

    def test_jobs_that_wait_with_no_worker(self):
        (finding,) = self.found(3, 60.0, 0, 0)
        self.assertEqual(finding.level, "critical")
        self.assertIn("no worker", finding.title)
        self.assertIn("3 are due, the oldest since 60 s: mail.", finding.evidence)

    def test_workers_that_do_not_keep_up(self):
        (finding,) = self.found(3, 60.0, 0, 1)
        self.assertEqual(finding.level, "warning")

    def test_what_has_just_become_due_is_no_finding(self):
        self.assertEqual(self.found(3, 2.0, 0), [])
        self.assertEqual(self.found(0, None, 0), [])

    def test_who_does_jobs(self):
        busy, idle = ({"layers": {"jobs": {"named": named}}} for named in ({"jobs": {"waiting": 1}}, {}))
        other = {"layers": {}}
        self.assertEqual(jobs.workers([busy, idle, other]), 1)
        self.assertEqual(jobs.workers([idle]), 0)
        self.assertIsNone(jobs.workers([other]))
