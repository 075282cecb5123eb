"""The example bot, against a server that speaks the wire by script, and against the real one."""

import asyncio
import json
import re
import signal
import subprocess
import sys
from contextlib import suppress
from unittest import IsolatedAsyncioTestCase, mock

import pytest
from django.core.management import CommandError
from django.test import SimpleTestCase
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from chat.management.commands import chat_bot
from chat.management.commands.chat_bot import HELP, Bot, answer_to
from tests.clients import Client, eventually
from tests.server import ROOT, running_server

pytestmark = pytest.mark.once

LIST, ROOM = "chat.list.9", "chat.room.1"


class AnswerTests(SimpleTestCase):
    def test_help_and_what_it_does_not_understand(self):
        for text in ["!help", "!help me", "!roll", "!roll 2d", "!roll 0d6", "!roll 2d0", "!roll 100d6", "!remind 1x a"]:
            self.assertEqual(answer_to(text, "ann"), (0, HELP), text)

    def test_it_says_nothing_to_what_is_not_for_it(self):
        for text in ["", "hello", "!shrug", "not !help", "!helpful"]:
            self.assertIsNone(answer_to(text, "ann"), text)

    def test_dice_show_each_throw_and_the_sum(self):
        _, text = answer_to("!roll 3d6", "ann")
        *rolls, total = map(int, re.findall(r"\d+", text))
        self.assertEqual((len(rolls), sum(rolls)), (3, total))
        self.assertTrue(all(1 <= roll <= 6 for roll in rolls))

    def test_reminders_are_bounded(self):
        self.assertEqual(answer_to("!remind 10s the kettle", "ann"), (10, "@ann: the kettle"))
        self.assertEqual(answer_to("!remind 2m tea", "ann")[0], 120)
        self.assertEqual(answer_to("!remind 9999h tea", "ann")[0], 3600)
        self.assertEqual(len(answer_to(f"!remind 1s {'x' * 4000}", "ann")[1]), len("@ann: ") + 500)


class Script:
    """The server's end: it keeps what the bot sends, and says what the test wants."""

    def __init__(self):
        self.connections, self.frames, self.authorization = [], [], ""

    async def __aenter__(self):
        self.server = await serve(self.talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def talk(self, connection):
        self.authorization = connection.request.headers["Authorization"]
        self.connections.append(connection)
        with suppress(ConnectionClosed):
            await self.say(type="realtime.hello", user=9)
            async for text in connection:
                self.frames.append(json.loads(text))

    async def say(self, **frame):
        await self.connections[-1].send(json.dumps(frame))

    async def sent(self, type, count=1):
        return (await eventually(lambda: found if len(found := self.of(type)) >= count else None, what=type))[count - 1]

    def of(self, type):
        return [frame for frame in self.frames if frame["type"] == type]

    async def message(self, rev, body, author=3, **more):
        await self.say(
            type="chat.message.posted", feed=ROOM, rev=rev, id=100 + rev, seq=rev, author=author, author_name="ann",
            kind="text", at="", body=body, html=more.pop("html", ""), **more,
        )  # fmt: skip

    async def into_the_room(self):
        """The bot resumes, hears that it is in a room, and joins it."""
        await self.sent("realtime.feeds.resume")
        await self.say(type="chat.list.changed", feed=LIST, rev=1, room=1, is_member=True)
        await self.say(type="realtime.feed.live", feed=LIST, rev=1, epoch="e")
        await self.sent("realtime.feed.join")
        await self.say(type="realtime.feed.live", feed=ROOM, rev=10, epoch="e")


class WireTests(IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.script = await self.enterAsyncContext(Script())
        self.bot = Bot(self.script.url, "bc_secret")
        self.enterContext(mock.patch.object(chat_bot.random, "uniform", return_value=0.01))
        self.running = asyncio.create_task(self.bot.run())

    async def asyncTearDown(self):
        self.running.cancel()
        with suppress(asyncio.CancelledError, CommandError):
            await self.running

    async def test_it_shows_its_token_in_a_header_and_reads_its_list_from_the_beginning(self):
        resume = await self.script.sent("realtime.feeds.resume")
        self.assertEqual(resume["feeds"], {LIST: {"rev": 0}})
        self.assertEqual(self.script.authorization, "Bearer bc_secret")

    async def test_it_joins_a_room_that_it_is_put_in_and_answers_there(self):
        await self.script.into_the_room()
        await self.script.message(11, "!help")
        post = await self.script.sent("chat.message.post")
        self.assertEqual((post["feed"], post["body"], post["reply_to"]), (ROOM, HELP, 111))

    async def test_it_leaves_a_room_that_it_is_taken_out_of(self):
        await self.script.into_the_room()
        await self.script.say(type="chat.list.changed", feed=LIST, rev=2, room=1, is_member=False)
        self.assertEqual((await self.script.sent("realtime.feed.leave"))["feed"], ROOM)

    async def test_it_answers_to_its_name_but_not_to_itself_nor_to_webhooks(self):
        await self.script.into_the_room()
        mention = '<p><span class="mention" data-user="9">@gull</span></p>'
        await self.script.message(11, "!help", author=9)
        await self.script.message(12, "!help", author=None)
        await self.script.message(13, "@gull", html=mention)
        post = await self.script.sent("chat.message.post")
        self.assertEqual((post["reply_to"], len(self.script.of("chat.message.post"))), (113, 1))

    async def test_a_message_heard_twice_is_answered_once(self):
        await self.script.into_the_room()
        for _ in range(3):
            await self.script.message(11, "!help")
        await self.script.message(12, "!roll 1d1")
        await self.script.sent("chat.message.post", 2)
        self.assertEqual([post["reply_to"] for post in self.script.of("chat.message.post")], [111, 112])

    async def test_cut_off_it_comes_back_where_it_was_and_says_again_what_was_not_acked(self):
        await self.script.into_the_room()
        await self.script.message(11, "!help")
        first = await self.script.sent("chat.message.post")
        self.script.connections[-1].transport.abort()
        resume = await self.script.sent("realtime.feeds.resume", 2)
        self.assertEqual(resume["feeds"][ROOM], {"rev": 11, "epoch": "e"})
        self.assertEqual(await self.script.sent("chat.message.post", 2), first)

    async def test_what_is_acked_is_not_said_again(self):
        await self.script.into_the_room()
        await self.script.message(11, "!help")
        post = await self.script.sent("chat.message.post")
        await self.script.say(type="realtime.ack", client_id=post["client_id"], feed=ROOM, rev=12, id=1)
        await eventually(lambda: not self.bot.unacked)
        await self.script.connections[-1].close(4012)
        await self.script.sent("realtime.feeds.resume", 2)
        await self.script.message(13, "!roll 1d1")
        await self.script.sent("chat.message.post", 2)
        self.assertEqual([post["reply_to"] for post in self.script.of("chat.message.post")], [111, 113])

    async def test_what_came_too_fast_is_said_again_later_and_what_is_forbidden_is_not(self):
        await self.script.into_the_room()
        await self.script.message(11, "!help")
        await self.script.message(12, "!help")
        slow, forbidden = await self.script.sent("chat.message.post"), await self.script.sent("chat.message.post", 2)
        error = {"type": "realtime.error", "message": ""}
        await self.script.say(**error, code="muted", client_id=forbidden["client_id"])
        await self.script.say(**error, code="rate_limited", client_id=slow["client_id"], retry_after=0.01)
        self.assertEqual(await self.script.sent("chat.message.post", 3), slow)

    async def test_the_answer_to_a_message_has_the_same_id_in_every_life(self):
        await self.script.into_the_room()
        await self.script.message(11, "!help")
        first = await self.script.sent("chat.message.post")
        reborn = Bot(self.script.url, "bc_secret")
        reborn.user, reborn.socket, reborn.cursors = 9, mock.AsyncMock(), {ROOM: {"rev": 10}}
        await reborn.read({"type": "chat.message.posted", "feed": ROOM, "rev": 11, "id": 111, "author": 3,
                           "author_name": "ann", "kind": "text", "body": "!help"})  # fmt: skip
        await eventually(lambda: reborn.unacked)
        self.assertEqual(list(reborn.unacked), [first["client_id"]])

    async def test_a_token_that_is_over_ends_it(self):
        await self.script.sent("realtime.feeds.resume")
        await self.script.connections[-1].close(4401)
        with self.assertRaisesRegex(CommandError, "token"):
            await asyncio.wait_for(self.running, 5)


class RealServerTests(IsolatedAsyncioTestCase):
    async def test_put_into_a_room_it_answers_and_ends_at_a_sigterm(self):
        with running_server() as server:
            bot = self.start_bot(server, server.run(MAKE_BOT.format(room=server.rooms["lobby"]["id"])).strip())
            async with Client(server, "bob") as bob:
                await eventually(lambda: "gull" in bob.people(), 30, what="the bot is here")
                await bob.said("!roll 2d1")
                await bob.shows("1 + 1 = **2**")
            bot.send_signal(signal.SIGTERM)
            self.assertEqual(await asyncio.to_thread(bot.wait, 10), 0)

    def start_bot(self, server, token):
        command = [sys.executable, ROOT / "manage.py", "chat_bot", "--url", server.url, "--seconds", "60"]
        process = subprocess.Popen(command, env=server.environment | {"CHAT_BOT_TOKEN": token}, cwd=ROOT)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process


MAKE_BOT = """
from django.contrib.auth.models import User
from chat import services

ann = User.objects.get(username="ann")
bot = services.create_bot(ann, "gull")
services.invite_member(ann, {room}, bot.user)
print(services.issue_token(ann, bot.pk, "test", ["chat:read", "chat:write"])[1])
"""
