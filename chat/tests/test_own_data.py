"""A person's own data to take away: all of theirs, nothing of anybody else, and never whole in memory."""

import json
from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import User
from django.test import AsyncClient
from django.urls import reverse

from chat import own_data, services
from chat.models import Attachment, Membership, Message, Room
from realtime.limits import unlimited
from realtime.testing import RealtimeTestCase


class OwnDataTestCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = User.objects.create(username="ann", email="ann@example.com")
        self.bob = User.objects.create(username="bob", email="bob@example.com")
        self.room = services.create_room(self.ann, name="launch")
        Membership.objects.create(room=self.room, user=self.bob)

    def say(self, user, body):
        with unlimited():
            posted = services.post_message(services.Draft(self.room.pk, user, body, client_id=uuid4()))
        return Message.objects.get(pk=posted.id)

    def text(self, user):
        return "".join(own_data.own_data(user, lambda path: f"https://chat.example{path}"))

    def rows(self, user, type):
        return [row for row in map(json.loads, self.text(user).splitlines()) if row["type"] == type]


class ContentTests(OwnDataTestCase):
    def test_the_profile_and_the_rooms_are_there(self):
        (profile,) = self.rows(self.ann, "profile")
        self.assertEqual((profile["username"], profile["email"]), ("ann", "ann@example.com"))
        (membership,) = self.rows(self.ann, "membership")
        self.assertEqual((membership["room"], membership["name"], membership["role"]), (self.room.pk, "launch", "owner"))

    def test_messages_come_with_edits_reactions_and_files(self):
        message = self.say(self.ann, "helo")
        services.edit_message(self.ann, self.room.pk, message.pk, "hello", uuid4())
        services.set_reaction(self.bob, self.room.pk, message.pk, "👍", True, uuid4())
        file = Attachment.objects.create(
            owner=self.ann, room=self.room, message=message, name="a.txt", content_type="text/plain", size=9
        )
        (row,) = self.rows(self.ann, "message")
        self.assertEqual((row["room"], row["seq"], row["body"]), (self.room.pk, message.seq, "hello"))
        self.assertEqual([edit["body"] for edit in row["edits"]], ["helo"])
        self.assertEqual(row["reactions"], [{"emoji": "👍", "user": "bob"}])
        url = f"https://chat.example{file.get_absolute_url()}"
        self.assertEqual([(file["name"], file["url"]) for file in row["attachments"]], [("a.txt", url)])

    def test_bots_and_hooks_come_without_secrets(self):
        bot = services.create_bot(self.ann, "robot")
        token, secret = services.issue_token(self.ann, bot.pk, "cron", ["chat:read"])
        hook, hook_secret = services.create_hook(self.ann, self.room.pk, "builds")
        self.assertEqual([(row["name"], row["tokens"][0]["name"]) for row in self.rows(self.ann, "bot")], [("robot", "cron")])
        self.assertEqual([(row["name"], row["room"]) for row in self.rows(self.ann, "hook")], [("builds", self.room.pk)])
        outgoing = services.create_outgoing_hook(self.ann, self.room.pk, "archive", "https://example.org/a", ["posted"])
        (row,) = self.rows(self.ann, "outgoing_hook")
        self.assertEqual((row["name"], row["url"], row["events"]), ("archive", "https://example.org/a", ["posted"]))
        for hidden in (secret, token.digest, hook_secret, hook.digest, outgoing.secret):
            self.assertNotIn(hidden, self.text(self.ann))

    def test_nothing_of_anybody_else_is_there(self):
        self.say(self.ann, "of ann")
        self.say(self.bob, "of bob")
        services.create_bot(self.ann, "robot")
        services.create_hook(self.ann, self.room.pk, "builds")
        self.assertEqual([row["body"] for row in self.rows(self.bob, "message")], ["of bob"])
        for word in ("of ann", "ann@example.com", "robot", "builds"):
            self.assertNotIn(word, self.text(self.bob))

    def test_a_closed_room_that_was_left_gives_back_ones_words_but_not_its_name(self):
        self.say(self.bob, "of bob")
        services.leave_room(self.bob, self.room.pk)
        Room.objects.filter(pk=self.room.pk).update(kind=Room.Kind.CLOSED, name="secret plan")
        self.assertEqual([row["body"] for row in self.rows(self.bob, "message")], ["of bob"])
        self.assertEqual([row["name"] for row in self.rows(self.bob, "membership")], [None])


class PagingTests(OwnDataTestCase):
    def test_messages_of_the_same_moment_are_all_there_once(self):
        sent = [self.say(self.ann, f"line {number}") for number in range(5)]
        Message.objects.update(created_at=sent[0].created_at)
        with mock.patch.object(own_data, "PAGE", 2):
            self.assertEqual([row["seq"] for row in self.rows(self.ann, "message")], [message.seq for message in sent])

    def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(self):
        def queries(count):
            for number in range(count):
                message = self.say(self.ann, f"line {number}")
                services.edit_message(self.ann, self.room.pk, message.pk, "changed", uuid4())
                services.set_reaction(self.bob, self.room.pk, message.pk, "👍", True, uuid4())
            with self.assertNumQueries(13):
                self.text(self.ann)

        queries(1)
        queries(4)


class ViewTests(OwnDataTestCase):
    async def get(self, user):
        client = AsyncClient()
        if user:
            await client.aforce_login(user)
        response = await client.get(reverse("chat:person_export"))
        response.body = b"".join([piece async for piece in response]) if response.streaming else response.content
        response.close()
        return response

    async def test_it_is_a_download_of_whoever_asks(self):
        response = await self.get(self.bob)
        self.assertTrue(response.streaming)
        self.assertRegex(response.headers["Content-Disposition"], r'^attachment; filename="chat-bob-[\d-]+\.jsonl"$')
        self.assertEqual(json.loads(response.body.splitlines()[0])["username"], "bob")

    async def test_a_stranger_logs_in_first(self):
        self.assertEqual((await self.get(None)).status_code, 302)

    async def test_it_is_limited_in_pace(self):
        self.assertIn(429, [(await self.get(self.ann)).status_code for _ in range(7)])
