"""What runs as long as the process outlives each thing that goes wrong in it."""

import asyncio
from unittest import mock

from django.contrib.auth.models import User

from realtime import hub, presence
from realtime.testing import Browser, RealtimeTestCase


class ForeverTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = User.objects.create_user("ann")

    async def test_the_tick_comes_again_after_a_mistake_of_ours(self):
        rounds = FirstFails()
        with mock.patch.object(hub, "TICK_SECONDS", 0), mock.patch.object(hub.Hub, "check", rounds.run):
            await self.goes_on("realtime.hub", rounds)

    async def test_the_heart_beats_again_after_a_mistake_of_ours(self):
        rounds = FirstFails()
        with mock.patch.object(presence, "HEARTBEAT_SECONDS", 0), mock.patch.object(presence, "in_database", rounds.run):
            await self.goes_on("realtime.presence", rounds)

    async def goes_on(self, logger, rounds):
        with self.assertLogs(logger, "ERROR"):
            async with await Browser.open(self.ann), asyncio.timeout(5):
                await rounds.second.wait()


class FirstFails:
    """Something done again and again, of which the first time fails."""

    def __init__(self):
        self.has_failed, self.second = False, asyncio.Event()

    async def run(self, *args, **kwargs):
        if self.has_failed:
            self.second.set()
            return set()
        self.has_failed = True
        raise KeyError("a mistake")
