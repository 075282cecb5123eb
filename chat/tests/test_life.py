"""The demo's visitors speak the protocol, keep their pace, and exist on a laptop only."""

import asyncio
import json
import random
from contextlib import suppress
from unittest import mock

from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, override_settings
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from chat import events, life
from chat.models import BODY_LENGTH
from chat.services.messages import is_emoji
from realtime.events import Resume
from realtime.protocol import decode
from realtime.testing import RealtimeTestCase


class Site:
    """A server that knows nothing but sockets: it greets, tells of one message, and keeps what it is told."""

    def __init__(self):
        self.told = asyncio.Queue()

    async def talk(self, socket):
        await socket.send(json.dumps({"type": "realtime.hello", "user": 1}))
        for author in (1, 2):
            message = {"type": "chat.message.posted", "feed": "chat.room.7", "id": author * 10, "author": author}
            await socket.send(json.dumps(message))
        with suppress(ConnectionClosed):
            async for text in socket:
                await self.told.put(decode(text))

    async def next(self, kind):
        async with asyncio.timeout(5):
            while not isinstance(command := await self.told.get(), kind):
                pass
        return command


class TabTests(SimpleTestCase):
    async def test_a_tab_resumes_then_types_speaks_and_reacts_to_others_only(self):
        site = Site()
        async with serve(site.talk, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            tab = life.Tab(f"http://127.0.0.1:{port}/", "kim", {"lobby": 7})
            stay = asyncio.create_task(tab.stay())
            self.assertEqual(list((await site.next(Resume)).feeds), ["chat.room.7"])
            await tab.type("lobby", 0)
            self.assertEqual((await site.next(events.StartTyping)).feed, "chat.room.7")
            await tab.say("lobby", "hello")
            self.assertEqual((await site.next(events.PostMessage)).body, "hello")
            self.assertEqual(list(tab.heard["lobby"]), [20])
            await tab.react("lobby", 20, "👍")
            self.assertEqual((await site.next(events.React)).id, 20)
            stay.cancel()
            with suppress(asyncio.CancelledError):
                await stay

    async def test_what_is_said_without_a_socket_is_not_said(self):
        await life.Tab("http://127.0.0.1:1/", "kim", {"lobby": 7}).say("lobby", "hello")


class PaceTests(SimpleTestCase):
    async def test_visitors_do_one_thing_in_eight_seconds_at_most_and_calm_down(self):
        pauses = []

        async def sleep(seconds):
            pauses.append(seconds)
            if len(pauses) == 20:
                raise asyncio.CancelledError

        clock = mock.Mock(**{"monotonic.side_effect": [0, *range(0, 36_000, 1_800)]})
        tab = mock.AsyncMock(rooms={"lobby": "chat.room.7"}, heard={"lobby": [3]})
        with mock.patch.object(life, "time", clock), mock.patch.object(asyncio, "sleep", sleep), suppress(asyncio.CancelledError):
            await life.converse([tab], random.Random(1))
        self.assertGreaterEqual(min(pauses), 8)
        self.assertGreater(pauses[-1], 8 * 20)

    def test_what_they_say_and_show_is_allowed(self):
        self.assertTrue(all(is_emoji(emoji) for emoji in life.EMOJI))
        self.assertTrue(all(0 < len(line) < BODY_LENGTH for lines in life.REMARKS.values() for line in lines))
        self.assertEqual(set(life.REMARKS), set(life.ROOMS))


class RoomTests(RealtimeTestCase):
    def test_they_know_the_rooms_that_the_seed_made(self):
        self.assertEqual(life.find_rooms(), {})
        call_command("seed_chat", verbosity=0, stdout=mock.Mock())
        self.assertEqual(set(life.find_rooms()), {"lobby", "random"})


class CommandTests(RealtimeTestCase):
    def test_there_is_no_life_without_debug(self):
        with self.assertRaisesMessage(CommandError, "DEBUG=1"):
            call_command("life")

    @override_settings(DEBUG=True, SUITE_APPS=["chat"])
    def test_a_site_that_is_not_there_is_told_in_a_sentence(self):
        with mock.patch.object(life, "find_rooms", return_value={}), self.assertRaisesMessage(CommandError, "refused"):
            call_command("life", url="http://127.0.0.1:1/")
