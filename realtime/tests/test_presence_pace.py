import asyncio
import json
from types import SimpleNamespace
from unittest import mock

import pytest
from django.test import SimpleTestCase

from realtime import presence
from realtime.presence import Person, Presence, Roster
from realtime.servers import split_frames

pytestmark = pytest.mark.once

FEED = "chat.room.1"


class PresencePaceTests(SimpleTestCase):
    """A feed is told of comings and goings at once, then from time to time."""

    def setUp(self):
        self.enterContext(mock.patch.object(presence, "SHOW_SECONDS", 0.01))
        self.told = []

    def presence(self):
        topic = SimpleNamespace(tell=self.told.append)
        hub = SimpleNamespace(id="here", loop=asyncio.get_running_loop(), topics={FEED: topic})
        shown = Presence(hub)
        shown._rosters[FEED] = Roster()
        return shown

    async def frames(self):
        await asyncio.sleep(0.05)
        return [json.loads(payload) for frame in self.told for _, payload in split_frames(frame)]

    async def test_the_first_who_comes_is_told_at_once_and_the_others_together(self):
        shown = self.presence()
        for number in range(1, 101):
            shown._came(FEED, "there", Person(number, f"person{number}"))
        self.assertEqual(len(self.told), 1)
        first, rest = await self.frames()
        self.assertEqual([person["id"] for person in first["joined"]], [1])
        self.assertEqual((len(rest["joined"]), rest["count"]), (99, 100))

    async def test_of_somebody_who_came_and_went_meanwhile_the_end_is_told(self):
        shown = self.presence()
        shown._came(FEED, "there", Person(1, "ann"))
        shown._came(FEED, "there", Person(2, "bob"))
        shown._went(FEED, "there", 2)
        _, rest = await self.frames()
        self.assertEqual((rest["joined"], [person["id"] for person in rest["left"]], rest["count"]), ([], [2], 1))
