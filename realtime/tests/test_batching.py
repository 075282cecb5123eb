import asyncio
from unittest import mock

import pytest
from django.test import SimpleTestCase

from realtime import batching
from realtime.batching import Batcher

pytestmark = pytest.mark.once


class BatcherTests(SimpleTestCase):
    async def test_what_waits_together_is_done_together(self):
        batches = []

        def work(requests):
            batches.append(list(requests))
            return [request * 10 for request in requests]

        batcher = Batcher(work)
        results = await asyncio.gather(*(batcher.submit(number) for number in range(5)))
        self.assertEqual(results, [0, 10, 20, 30, 40])
        self.assertEqual(batches, [[0, 1, 2, 3, 4]])

    async def test_a_batch_has_a_limit_and_keeps_the_order(self):
        sizes = []
        batcher = Batcher(lambda requests: sizes.append(len(requests)) or list(requests))
        results = await asyncio.gather(*(batcher.submit(number) for number in range(batching.BATCH + 6)))
        self.assertEqual(results, list(range(batching.BATCH + 6)))
        self.assertEqual(sizes, [batching.BATCH, 6])

    async def test_one_answer_may_be_an_error_of_its_own(self):
        batcher = Batcher(lambda requests: [ValueError(request) if request == 1 else request for request in requests])
        results = await asyncio.gather(*(batcher.submit(number) for number in range(3)), return_exceptions=True)
        self.assertEqual([results[0], results[2]], [0, 2])
        self.assertIsInstance(results[1], ValueError)

    async def test_one_that_spoils_the_transaction_does_not_spoil_it_for_the_others(self):
        def work(requests):
            if 1 in requests:
                raise RuntimeError("rolled back")
            return list(requests)

        batcher = Batcher(work)
        results = await asyncio.gather(*(batcher.submit(number) for number in range(3)), return_exceptions=True)
        self.assertEqual([results[0], results[2]], [0, 2])
        self.assertIsInstance(results[1], RuntimeError)

    async def test_somebody_who_stopped_waiting_does_not_hold_up_the_others(self):
        batcher = Batcher(list)
        gone = asyncio.create_task(batcher.submit(1))
        here = asyncio.create_task(batcher.submit(2))
        await asyncio.sleep(0)
        gone.cancel()
        self.assertEqual(await here, 2)

    async def test_one_that_rests_starts_at_once_and_gathers_what_comes_meanwhile(self):
        batches, rests = [], []
        resting, woken = asyncio.Event(), asyncio.Event()

        async def rest(seconds):
            rests.append(seconds)
            resting.set()
            await woken.wait()

        batcher = Batcher(lambda requests: batches.append(list(requests)) or list(requests), rest=0.05)
        with mock.patch.object(batching.asyncio, "sleep", rest):
            self.assertEqual(await batcher.submit(1), 1)
            await resting.wait()
            later = asyncio.gather(batcher.submit(2), batcher.submit(3))
            woken.set()
            await later
        self.assertEqual((batches, rests[:1]), ([[1], [2, 3]], [0.05]))
