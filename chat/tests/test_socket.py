"""The socket: who may open it, what it answers, and when it is closed."""

from datetime import timedelta
from itertools import count
from unittest import mock
from uuid import UUID

import pytest
from asgiref.sync import sync_to_async
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.db import OperationalError
from django.test import AsyncClient, override_settings
from django.utils import timezone

from chat import services
from realtime import commands, consumers
from realtime.access import access_changed
from realtime.hub import Hub
from realtime.models import AccessToken
from realtime.repair import Repair
from realtime.testing import Browser, RealtimeTestCase

User = get_user_model()


class SocketTestCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = User.objects.create_user("ann", password="ann")
        self.room = services.create_room(self.ann, name="Lobby")
        self.feed = self.room.group


class HandshakeTests(SocketTestCase):
    async def refused_before_it_opens(self, **headers):
        browser = await Browser.connect(self.ann, **headers)
        message = await browser.next()
        await browser.socket.wait()
        return message == {"type": "websocket.close"}

    async def test_a_page_of_another_site_cannot_use_the_cookie(self):
        for origin in [
            "https://evil.example",
            "http://testserver:81",
            "https://testserver",
            "http://testserver.evil.example",
            "http://evil@testserver",
            "null",
            "file://",
            "",
        ]:
            with self.subTest(origin):
                self.assertTrue(await self.refused_before_it_opens(origin=origin))

    async def test_a_host_that_is_not_ours_is_refused(self):
        self.assertTrue(await self.refused_before_it_opens(host="evil.example", origin="http://evil.example"))

    @override_settings(CSRF_TRUSTED_ORIGINS=["https://front.example"])
    async def test_a_trusted_origin_may(self):
        async with await Browser.open(self.ann, origin="https://front.example") as browser:
            self.assertEqual(browser.frames[0]["user"], self.ann.pk)

    async def test_cookies_of_others_whose_names_are_none_do_no_harm(self):
        await (client := AsyncClient()).aforce_login(self.ann)
        cookie = f"a/b=1; {{x}}=2; sessionid={client.cookies['sessionid'].value}; @"
        async with await Browser.open(None, cookie=cookie) as browser:
            self.assertEqual(browser.frames[0]["user"], self.ann.pk)

    async def test_who_is_not_logged_in_is_told_so(self):
        browser = await Browser.connect(None)
        self.assertEqual((await browser.next())["code"], 4401)
        await browser.close()

    async def test_a_forged_session_is_nobody(self):
        browser = await Browser.connect(None, cookie="sessionid=forged")
        self.assertEqual((await browser.next())["code"], 4401)
        await browser.close()

    async def test_an_expired_session_is_nobody(self):
        browser = await Browser.open(self.ann)
        await browser.close()
        await Session.objects.aupdate(expire_date=timezone.now() - timedelta(seconds=1))
        cookie = f"sessionid={browser.http.cookies['sessionid'].value}"
        again = await Browser.connect(None, cookie=cookie)
        self.assertEqual((await again.next())["code"], 4401)
        await again.close()

    async def test_a_rotated_secret_key_logs_nobody_out(self):
        with self.settings(SECRET_KEY="old"):
            browser = await Browser.open(self.ann)
            await browser.close()
        cookie = f"sessionid={browser.http.cookies['sessionid'].value}"
        with self.settings(SECRET_KEY="new", SECRET_KEY_FALLBACKS=["old"]):
            async with await Browser.open(None, cookie=cookie) as again:
                self.assertEqual(again.frames[0]["user"], self.ann.pk)
        self.assertEqual(await Session.objects.acount(), 1)

    async def test_a_program_comes_with_a_token(self):
        _, secret = await sync_to_async(AccessToken.issue)(self.ann, "bot", "chat:read")
        async with await Browser.open(None, origin="", authorization=f"Bearer {secret}") as bot:
            answer = await bot.post("chat.message.post", self.feed, body="hello")
            self.assertEqual(answer["code"], "not_allowed")
            self.assertEqual((await bot.resume(**{self.feed.replace(".", "_"): None}))["type"], "realtime.feed.live")

    async def test_a_wrong_token_is_nobody(self):
        browser = await Browser.connect(None, origin="", authorization="Bearer bc_wrong")
        self.assertEqual((await browser.next())["code"], 4401)
        await browser.close()

    async def test_one_person_may_not_open_sockets_without_end(self):
        with mock.patch.object(consumers, "SOCKETS_PER_PERSON", 1):
            async with await Browser.open(self.ann):
                second = await Browser.connect(self.ann)
                self.assertEqual((await second.next())["code"], 4429)
                await second.close()


class FrameTests(SocketTestCase):
    async def test_a_bad_frame_is_answered_and_the_socket_lives(self):
        async with await Browser.open(self.ann) as ann:
            await ann.send("{")
            self.assertEqual((await ann.expect("realtime.error"))["code"], "bad_json")
            await ann.nothing("realtime.error")

    async def test_a_refused_frame_is_named_by_its_client_id(self):
        async with await Browser.open(self.ann) as ann:
            answer = await ann.post("chat.message.post", self.feed, body="x" * 4001)
            self.assertEqual((answer["code"], answer["field"], "client_id" in answer), ("bad_field", "body", True))

    async def test_posts_that_come_while_one_is_written_share_the_next_transaction_in_order(self):
        async with await Browser.open(self.ann) as ann:
            for number in range(5):
                await ann.send(
                    {"type": "chat.message.post", "client_id": str(UUID(int=number)), "feed": self.feed, "body": f"{number}"}
                )
            acks = [await ann.expect("realtime.ack") for _ in range(5)]
        self.assertEqual([UUID(ack["client_id"]).int for ack in acks], [0, 1, 2, 3, 4])
        self.assertEqual([ack["rev"] - acks[0]["rev"] for ack in acks], [0, 1, 2, 3, 4])

    async def test_an_edit_waits_for_the_post_before_it(self):
        async with await Browser.open(self.ann) as ann:
            known = await ann.post("chat.message.post", self.feed, body="first")
            await ann.send({"type": "chat.message.post", "client_id": str(UUID(int=1)), "feed": self.feed, "body": "second"})
            edited = await ann.post("chat.message.edit", self.feed, id=known["id"], body="changed")
        self.assertEqual(edited["rev"], known["rev"] + 2)

    async def test_a_binary_frame_is_refused(self):
        async with await Browser.open(self.ann) as ann:
            await ann.socket.send_input({"type": "websocket.receive", "bytes": b"\x00"})
            self.assertEqual((await ann.expect("realtime.error"))["code"], "binary_not_supported")

    async def test_many_bad_frames_close_the_socket(self):
        async with await Browser.open(self.ann) as ann:
            for _ in range(consumers.BAD_FRAMES + 1):
                await ann.send("{")
            while (frame := await ann.next())["type"] == "realtime.error":
                pass
            self.assertEqual(frame["code"], 4400)

    async def test_a_flood_is_refused_and_then_closed(self):
        async with await Browser.open(self.ann) as ann:
            for _ in range(150):
                await ann.send('{"type": "realtime.ping"}')
            while (frame := await ann.next())["type"] != "websocket.close":
                if frame["type"] == "realtime.error":
                    self.assertEqual(frame["code"], "rate_limited")
                    self.assertGreater(frame["retry_after"], 0)
            self.assertEqual(frame["code"], 4429)

    async def test_a_refused_command_is_not_a_bad_frame(self):
        async with await Browser.open(self.ann) as ann:
            for _ in range(consumers.BAD_FRAMES + 1):
                answer = await ann.post("chat.message.post", "chat.room.999", body="hello")
                self.assertEqual(answer["code"], "not_found")

    async def test_a_database_that_is_away_is_said_so_and_the_socket_lives(self):
        async with await Browser.open(self.ann) as ann:
            with mock.patch("chat.services.messages.Room.objects.lock_all", side_effect=OperationalError("away")):
                answer = await ann.post("chat.message.post", self.feed, body="hello")
            self.assertEqual((answer["code"], answer["retry_after"]), ("retry_later", 2))
            self.assertEqual((await ann.post("chat.message.post", self.feed, body="hello"))["type"], "realtime.ack")

    @pytest.mark.logs_errors
    async def test_a_mistake_of_ours_is_said_so_and_the_socket_lives(self):
        async with await Browser.open(self.ann) as ann:
            with mock.patch("chat.services.messages.Room.objects.lock_all", side_effect=AssertionError):
                answer = await ann.post("chat.message.post", self.feed, body="hello")
            self.assertEqual(answer["code"], "server_error")
            self.assertEqual((await ann.post("chat.message.post", self.feed, body="hello"))["type"], "realtime.ack")

    async def test_a_newer_client_is_told_to_reload(self):
        async with await Browser.open(self.ann) as ann:
            await ann.send('{"type": "realtime.feeds.resume", "version": 99}')
            self.assertEqual((await ann.next())["code"], 4409)


class FeedTests(SocketTestCase):
    async def test_a_feed_that_does_not_exist_and_one_that_is_private_look_the_same(self):
        private = await sync_to_async(services.create_room)(self.ann, name="Private", kind="closed")
        bob = await User.objects.acreate_user("bob")
        async with await Browser.open(bob) as browser:
            for feed in (private.group, "chat.room.999999", "no.such.1", f"chat.list.{self.ann.pk}"):
                await browser.send({"type": "realtime.feed.join", "feed": feed})
                refused = await browser.expect("realtime.feed.refused", "realtime.feed.live")
                self.assertEqual(refused, {"type": "realtime.feed.refused", "feed": feed, "code": "not_found"})

    async def test_a_client_from_another_epoch_or_the_future_starts_afresh(self):
        await self.room.arefresh_from_db()
        async with await Browser.open(self.ann) as ann:
            for rev, epoch in ((0, "other"), (self.room.rev + 7, "")):
                await ann.send({"type": "realtime.feed.join", "feed": self.feed, "rev": rev, "epoch": epoch})
                reset = await ann.expect("realtime.feed.live", "realtime.feed.reset")
                self.assertEqual((reset["type"], reset["rev"]), ("realtime.feed.reset", self.room.rev))

    async def test_who_missed_too_much_starts_afresh(self):
        with mock.patch("realtime.feeds.WINDOW", 3), mock.patch("realtime.topics.RECENT", 0):
            async with await Browser.open(self.ann) as ann:
                for number in range(5):
                    await ann.post("chat.message.post", self.feed, body=f"{number}")
                self.assertEqual((await ann.resume(**{self.feed.replace(".", "_"): 0}))["type"], "realtime.feed.reset")

    async def test_catching_up_tells_what_changed_as_it_is_now(self):
        await self.room.arefresh_from_db()
        seen = self.room.rev
        async with await Browser.open(self.ann) as ann:
            first = await ann.post("chat.message.post", self.feed, body="first")
            second = await ann.post("chat.message.post", self.feed, body="second")
            await ann.post("chat.message.edit", self.feed, id=first["id"], body="first, edited")
            await ann.post("chat.message.delete", self.feed, id=second["id"])
            await ann.resume(**{self.feed.replace(".", "_"): seen})
        told = [(frame["type"], frame.get("body", "")) for frame in ann.frames if frame["type"].startswith("chat.message")]
        self.assertEqual(told, [("chat.message.posted", "first, edited"), ("chat.message.deleted", "")])

    async def test_watched_heads_tell_how_far_a_room_is(self):
        async with await Browser.open(self.ann) as ann:
            await ann.send({"type": "realtime.heads.watch", "feeds": [self.feed, "chat.room.999"]})
            before = await ann.expect("realtime.feed.head")
            self.assertEqual((before["feed"], before["seq"]), (self.feed, 0))
            ack = await ann.post("chat.message.post", self.feed, body="hello")
            await ann.nothing("chat.message.posted")
        heads = [frame for frame in ann.frames if frame["type"] == "realtime.feed.head"]
        self.assertEqual(heads[1:], [{"type": "realtime.feed.head", "feed": self.feed, "rev": ack["rev"], "seq": 1}])

    async def test_a_lost_head_is_told_by_the_tick(self):
        async with await Browser.open(self.ann) as ann:
            await ann.send({"type": "realtime.heads.watch", "feeds": [self.feed]})
            await ann.expect("realtime.feed.head")
            with mock.patch.object(Hub, "publish"):
                await ann.post("chat.message.post", self.feed, body="hello")
            await Hub.here().check()
            self.assertEqual((await ann.expect("realtime.feed.head"))["seq"], 1)

    async def test_a_head_that_is_watched_no_longer_is_let_go(self):
        async with await Browser.open(self.ann) as ann:
            await ann.send({"type": "realtime.heads.watch", "feeds": [self.feed]})
            await ann.expect("realtime.feed.head")
            await ann.send({"type": "realtime.heads.watch", "feeds": []})
            await ann.nothing("realtime.feed.head")
            self.assertNotIn(self.feed, Hub.here().topics)

    async def test_leaving_a_feed_ends_it(self):
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**{self.feed.replace(".", "_"): None})
            await ann.send({"type": "realtime.feed.leave", "feed": self.feed})
            await ann.post("chat.message.post", self.feed, body="hello")
            await ann.nothing("chat.message.posted")

    async def test_nothing_is_left_of_a_socket_that_ended(self):
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**{self.feed.replace(".", "_"): None})
        hub = Hub.here()
        self.assertEqual((hub.sockets, hub.topics), (set(), {}))


class RevocationTests(SocketTestCase):
    async def test_logging_out_closes_the_sockets_of_that_session_only(self):
        async with await Browser.open(self.ann) as ann, await Browser.open(self.ann) as elsewhere:
            await ann.http.post("/accounts/logout/")
            self.assertEqual((await ann.next())["code"], 4401)
            await elsewhere.nothing("realtime.feed.refused")

    async def test_deactivation_closes_all_sockets(self):
        async with await Browser.open(self.ann) as ann:
            self.ann.is_active = False
            await self.ann.asave()
            self.assertEqual((await ann.next())["code"], 4401)

    async def test_a_new_password_ends_other_sessions(self):
        async with await Browser.open(self.ann) as ann:
            self.ann.set_password("other")
            await self.ann.asave()
            self.assertEqual((await ann.next())["code"], 4401)

    async def test_removal_from_a_room_stops_its_feed(self):
        room, bob = await self.private_room()
        async with await Browser.open(bob) as browser:
            await browser.resume(**{room.group.replace(".", "_"): None})
            await sync_to_async(services.leave_room)(bob, room.pk)
            await self.hears_no_more_of(room, browser)

    async def test_removal_from_a_room_ends_the_watch_over_its_head(self):
        room, bob = await self.private_room()
        async with await Browser.open(bob) as browser:
            await browser.send({"type": "realtime.heads.watch", "feeds": [room.group]})
            await browser.expect("realtime.feed.head")
            await sync_to_async(services.leave_room)(bob, room.pk)
            await self.hears_no_more_of(room, browser)

    async def test_removal_during_a_look_at_rights_has_them_looked_at_once_more(self):
        room, bob = await self.private_room()
        look, looks = commands.leave_forbidden, count()

        async def look_and_be_removed(*args):
            await look(*args)
            if next(looks) == 0:
                await sync_to_async(services.leave_room)(bob, room.pk)

        async with await Browser.open(bob) as browser:
            await browser.resume(**{room.group.replace(".", "_"): None})
            with mock.patch.object(commands, "leave_forbidden", look_and_be_removed):
                await sync_to_async(access_changed)(bob.pk)
                await self.hears_no_more_of(room, browser)

    async def test_removal_from_a_room_that_is_still_being_joined_stops_its_feed(self):
        room, bob = await self.private_room()
        bring_up = Repair.bring_up

        async def be_removed_and_bring_up(repair, socket, topic, *args):
            if topic.group == self.feed:  # the first of two, so that the other one waits
                await sync_to_async(services.leave_room)(bob, room.pk)
                await socket.recheck.__self__.rechecking
            return await bring_up(repair, socket, topic, *args)

        async with await Browser.open(bob) as browser:
            with mock.patch.object(Repair, "bring_up", be_removed_and_bring_up):
                await browser.resume(**{feed.replace(".", "_"): None for feed in (self.feed, room.group)})
        self.assertEqual([frame["feed"] for frame in browser.frames if frame["type"] == "realtime.feed.live"], [self.feed])

    async def private_room(self):
        """A closed room of ann's and bob, who is in it."""
        room = await sync_to_async(services.create_room)(self.ann, name="Private", kind="closed")
        bob = await User.objects.acreate_user("bob")
        await sync_to_async(services.invite_member)(self.ann, room.pk, bob)
        return room, bob

    async def hears_no_more_of(self, room, browser):
        refused = await browser.expect("realtime.feed.refused")
        self.assertEqual((refused["feed"], refused["code"]), (room.group, "not_allowed"))
        async with await Browser.open(self.ann) as ann:
            await ann.post("chat.message.post", room.group, body="secret")
        await browser.nothing("chat.message.posted", "realtime.feed.head")

    async def test_a_lost_hint_is_made_up_for_by_the_tick(self):
        async with await Browser.open(self.ann) as ann:
            await User.objects.filter(pk=self.ann.pk).aupdate(is_active=False)
            await Hub.here().check(with_rights=True)
            self.assertEqual((await ann.next())["code"], 4401)
