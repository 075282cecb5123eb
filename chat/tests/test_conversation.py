"""Two browsers and one hub: what one does, the other sees, once and in order."""

from uuid import uuid4

from django.contrib.auth import get_user_model

from chat import services
from chat.models import Message
from realtime.hub import Hub
from realtime.testing import Browser, RealtimeTestCase


class ConversationTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = get_user_model().objects.create_user("ann")
        self.bob = get_user_model().objects.create_user("bob")
        self.room = services.create_room(self.ann, name="Lobby")
        services.join_room(self.bob, self.room.pk)
        self.room.refresh_from_db()
        self.feed = self.room.group

    async def test_a_message_reaches_the_other_browser_and_its_sender(self):
        async with await Browser.open(self.ann) as ann, await Browser.open(self.bob) as bob:
            await ann.resume(**{self.feed.replace(".", "_"): self.room.rev})
            await bob.resume(**{self.feed.replace(".", "_"): self.room.rev})
            ack = await ann.post("chat.message.post", self.feed, body="hello *bob*")
            seen = await bob.expect("chat.message.posted")
            self.assertEqual(seen["rev"], ack["rev"])
            self.assertEqual(seen["rev"], self.room.rev + 1)
            self.assertIn("<em>bob</em>", seen["html"])

    async def test_the_same_command_twice_is_one_message(self):
        async with await Browser.open(self.ann) as ann:
            await ann.resume(**{self.feed.replace(".", "_"): self.room.rev})
            client_id = str(uuid4())
            first = await ann.post("chat.message.post", self.feed, body="once", client_id=client_id)
            again = await ann.post("chat.message.post", self.feed, body="twice", client_id=client_id)
            self.assertEqual(first, again)
            self.assertEqual([m.body async for m in Message.objects.all()], ["once"])

    async def test_a_lost_hint_is_repaired_by_the_next_one(self):
        async with await Browser.open(self.ann) as ann, await Browser.open(self.bob) as bob:
            await ann.resume(**{self.feed.replace(".", "_"): self.room.rev})
            await bob.resume(**{self.feed.replace(".", "_"): self.room.rev})
            hub, publish = Hub.here(), Hub.here().publish
            hub.publish = lambda said: None
            await ann.post("chat.message.post", self.feed, body="lost")
            hub.publish = publish
            await ann.post("chat.message.post", self.feed, body="heard")
            bodies = [(await bob.expect("chat.message.posted"))["body"] for _ in range(2)]
            self.assertEqual(bodies, ["lost", "heard"])

    async def test_a_lost_last_message_is_found_by_the_tick(self):
        async with await Browser.open(self.ann) as ann, await Browser.open(self.bob) as bob:
            await bob.resume(**{self.feed.replace(".", "_"): self.room.rev})
            hub, publish = Hub.here(), Hub.here().publish
            hub.publish = lambda said: None
            await ann.post("chat.message.post", self.feed, body="lost")
            hub.publish = publish
            await hub.check()
            self.assertEqual((await bob.expect("chat.message.posted"))["body"], "lost")
