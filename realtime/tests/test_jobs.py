"""Jobs run whatever dies, and nothing else happens because of them."""

import asyncio
from datetime import timedelta
from threading import Thread
from unittest import mock

import pytest
from django.db import connection, transaction
from django.test import TestCase, TransactionTestCase
from django.utils import timezone

from realtime import jobs
from realtime.models import Job

NAME = "tests.note"


class JobTestCase(TestCase):
    def setUp(self):
        self.done = []
        functions = {NAME: lambda payload: self.done.append(payload["n"]), "tests.fail": self.fail_it}
        self.enterContext(mock.patch.dict(jobs._functions, functions))

    def fail_it(self, payload):
        raise OSError("the other end is away")

    def later(self, **time):
        return timezone.now() + timedelta(**time)


class JobTests(JobTestCase):
    def test_it_is_done_once_and_gone(self):
        jobs.enqueue(NAME, {"n": 1})
        self.assertEqual((jobs.run_due(), jobs.run_due(), self.done, Job.objects.count()), (1, 0, [1], 0))

    def test_it_is_there_only_if_its_cause_is(self):
        with self.assertRaises(ZeroDivisionError), transaction.atomic():
            jobs.enqueue(NAME, {"n": 1})
            raise ZeroDivisionError
        self.assertEqual(Job.objects.count(), 0)

    def test_it_waits_for_its_time(self):
        jobs.enqueue(NAME, {"n": 1}, run_after=self.later(minutes=10))
        self.assertEqual(jobs.run_due(), 0)
        self.assertEqual(jobs.run_due(self.later(minutes=11)), 1)

    def test_of_two_with_the_same_key_one_waits(self):
        for number in (1, 2):
            jobs.enqueue(NAME, {"n": number}, key="one")
        jobs.run_due()
        self.assertEqual(self.done, [1])

    def test_what_is_asked_for_while_it_runs_is_another_job(self):
        jobs.enqueue(NAME, {"n": 1}, key="one")
        running = jobs.claim()
        jobs.enqueue(NAME, {"n": 2}, key="one")
        jobs.perform(running)
        jobs.run_due()
        self.assertEqual(self.done, [1, 2])

    def test_a_worker_that_was_killed_does_not_take_the_job_with_it(self):
        jobs.enqueue(NAME, {"n": 1})
        self.assertIsNotNone(jobs.claim())  # and then it was gone
        self.assertIsNone(jobs.claim())
        self.assertEqual(jobs.run_due(timezone.now() + jobs.LEASE), 1)
        self.assertEqual(self.done, [1])

    def test_what_a_worker_cannot_finish_when_it_is_told_to_end_is_due_at_once_and_no_attempt(self):
        jobs.enqueue(NAME, {"n": 1})
        jobs.give_back([jobs.claim()])
        self.assertEqual(Job.objects.get().attempts, 0)
        self.assertEqual((jobs.run_due(), self.done), (1, [1]))

    def test_nothing_is_given_back_that_is_done_or_somebody_elses_by_now(self):
        jobs.enqueue(NAME, {"n": 1})
        mine = jobs.claim()
        theirs = jobs.claim(timezone.now() + jobs.LEASE)
        jobs.give_back([mine])
        self.assertEqual(Job.objects.get().run_after, theirs.run_after)
        jobs.perform(theirs)
        jobs.give_back([theirs])
        self.assertEqual(Job.objects.count(), 0)

    def test_what_fails_is_tried_again_later_each_time_and_given_up_in_the_end(self):
        jobs.enqueue("tests.fail", {})
        now, waits = timezone.now(), []
        for _ in range(jobs.ATTEMPTS):
            job = jobs.claim(now)
            with mock.patch("random.uniform", return_value=1):
                jobs.perform(job, now)
            waits.append((job.run_after - now).total_seconds())
            now = job.run_after
        job = Job.objects.get()
        self.assertEqual(waits[:-1], [10, 20, 40, 80, 160, 320, 600])
        self.assertEqual((job.attempts, job.last_error), (8, "OSError: the other end is away"))
        self.assertIsNotNone(job.dead_at)
        self.assertIsNone(jobs.claim(self.later(days=400)))

    def test_a_job_that_kills_its_worker_each_time_is_given_up_too(self):
        jobs.enqueue(NAME, {"n": 1})
        Job.objects.update(attempts=jobs.ATTEMPTS)
        self.assertEqual((jobs.run_due(), self.done), (0, []))
        self.assertIsNotNone(Job.objects.get().dead_at)

    def test_the_dead_can_be_tried_again(self):
        jobs.enqueue(NAME, {"n": 1})
        Job.objects.update(dead_at=timezone.now(), attempts=8)
        self.assertEqual(jobs.retry(Job.objects.dead()), 1)
        self.assertEqual((jobs.run_due(), self.done), (1, [1]))

    def test_a_job_of_newer_code_is_kept(self):
        jobs.enqueue("tests.unknown", {})
        self.assertEqual((jobs.run_due(), Job.objects.get().attempts), (0, 1))

    def test_one_persons_jobs_are_done_one_at_a_time(self):
        jobs.enqueue_all([jobs.new_job(NAME, {"user": user}) for user in (1, 1, 2)])
        first = jobs.claim()
        second = jobs.claim(beside=[first])
        self.assertEqual((first.payload, second.payload), ({"user": 1}, {"user": 2}))

    def test_no_name_takes_all_lanes(self):
        jobs.enqueue_all([jobs.new_job(NAME, {"n": number}) for number in range(jobs.LANES)])
        running = []
        while job := jobs.claim(beside=running):
            running.append(job)
        self.assertEqual(len(running), jobs.LANES_PER_NAME)
        jobs.enqueue("tests.other", {})
        self.assertEqual(jobs.claim(beside=running).name, "tests.other")

    def test_looking_for_work_takes_no_lock(self):
        with self.assertNumQueries(1):
            jobs.claim()


class RunnerTests(JobTestCase):
    async def test_a_wake_up_has_it_done_at_once(self):
        with mock.patch.object(jobs, "POLL_SECONDS", 600):
            runner, is_done = jobs.Runner.here(), asyncio.Event()
            function = lambda payload: runner.loop.call_soon_threadsafe(is_done.set)  # noqa: E731
            with mock.patch.dict(jobs._functions, {NAME: function}):
                await Job.objects.acreate(name=NAME)
                runner.wake()
                async with asyncio.timeout(5):
                    await is_done.wait()
                await runner.stop()
        self.assertEqual(await Job.objects.acount(), 0)

    async def test_told_to_end_it_ends(self):
        runner = jobs.Runner.here()
        async with asyncio.timeout(5):
            await runner.stop()
        self.assertTrue(all(lane.done() for lane in runner._lanes))


@pytest.mark.only_on("postgresql")  # the tests' SQLite is in memory, where tables are locked as a whole
class ManyWorkersTests(TransactionTestCase):
    def test_workers_at_the_same_time_never_have_the_same_job(self):
        taken = []
        jobs.enqueue_all([jobs.new_job(NAME, {"n": number}) for number in range(20)])

        def work():
            try:
                while job := jobs.claim():
                    taken.append(job.payload["n"])
            finally:
                connection.close()

        threads = [Thread(target=work) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(sorted(taken), list(range(20)))
