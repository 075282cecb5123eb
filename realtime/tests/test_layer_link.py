"""The hub's link to a layer that does not answer: what is lost is counted, once."""

import asyncio
from collections import Counter
from unittest import IsolatedAsyncioTestCase, mock

import pytest

from realtime import layer

pytestmark = pytest.mark.once


class Layer:
    """Takes what it is given when it is told to, or raises."""

    def __init__(self, error=None):
        self.error, self.may_go_on = error, asyncio.Event()

    async def group_send(self, group, message):
        await self.may_go_on.wait()
        if self.error:
            raise self.error


class LostHintTests(IsolatedAsyncioTestCase):
    def link(self, **options):
        self.layer, self.counters = Layer(**options), Counter()
        with mock.patch("realtime.layer.get_channel_layer", return_value=self.layer):
            return layer.LayerLink("hub", lambda _: None, self.counters)

    async def send(self, link, number):
        for _ in range(number):
            link.send("room", {"type": "x"})
            await asyncio.sleep(0)  # the first of them is on its way

    async def finish(self, link):
        self.layer.may_go_on.set()
        async with asyncio.timeout(10):
            await link._sender

    async def test_what_falls_out_of_a_full_queue_is_lost(self):
        with mock.patch("realtime.layer.QUEUED", 3):
            link = self.link()
            await self.send(link, 6)
        await self.finish(link)
        self.assertEqual(self.counters["hints_lost"], 2)  # one was being sent, three waited

    async def test_one_that_the_layer_raised_for_is_the_layers_loss_and_those_behind_it_are_ours(self):
        link = self.link(error=OSError("away"))
        await self.send(link, 3)
        await self.finish(link)
        self.assertEqual((self.counters["hints_lost"], self.counters["layer_errors"]), (2, 1))

    async def test_one_that_the_layer_does_not_take_in_time_is_ours_too(self):
        with mock.patch("realtime.layer.SEND_SECONDS", 0):
            link = self.link()
            await self.send(link, 1)
            async with asyncio.timeout(10):
                await link._sender
        self.assertEqual(self.counters["hints_lost"], 1)
