"""The demo has something to show, however often it is filled."""

import io
import tempfile
from datetime import timedelta

from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import override_settings
from django.utils import timezone

from chat.demo import PEOPLE, ROOMS
from chat.management.commands.seed_chat import draw_picture
from chat.models import Attachment, Membership, Message, Reaction, Room
from realtime.testing import RealtimeTestCase


class SeedTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(override_settings(MEDIA_ROOT=self.enterContext(tempfile.TemporaryDirectory())))
        self.seed()

    def seed(self):
        call_command("seed_chat", stdout=(output := io.StringIO()))
        return output.getvalue()

    def test_everything_is_said_and_decorated(self):
        self.assertEqual(Room.objects.count(), len(ROOMS))
        times = list(Message.objects.order_by("pk").values_list("created_at", flat=True))
        self.assertEqual(times, sorted(times))
        self.assertEqual(Message.objects.count(), sum(len(room.lines) for room in ROOMS))
        self.assertTrue(Message.objects.filter(html__contains='class="mention"').exists())
        self.assertTrue(Message.objects.filter(html__contains="<code").exists())
        self.assertEqual(Message.objects.exclude(edited_at=None).count(), 1)
        self.assertEqual(Message.objects.exclude(deleted_at=None).count(), 1)
        self.assertTrue(Message.objects.exclude(reply_to=None).exists())
        self.assertTrue(Reaction.objects.exists())
        self.assertTrue(Attachment.objects.get().is_image)

    def test_a_second_time_changes_nothing(self):
        before = [Message.objects.count(), Attachment.objects.count(), list(Room.objects.order_by("pk").values())]
        memberships = list(Membership.objects.order_by("pk").values())
        self.seed()
        self.assertEqual(
            before, [Message.objects.count(), Attachment.objects.count(), list(Room.objects.order_by("pk").values())]
        )
        self.assertEqual(memberships, list(Membership.objects.order_by("pk").values()))

    def test_the_conversation_is_in_the_past_and_in_order(self):
        for room in Room.objects.all():
            times = list(room.messages.order_by("seq").values_list("created_at", flat=True))
            self.assertEqual(times, sorted(times), room)
            self.assertLess(times[-1], timezone.now() - timedelta(minutes=10))
            self.assertEqual(room.last_message_at, times[-1])

    def test_some_of_it_is_unread(self):
        launch = Membership.objects.select_related("room").get(user__username="ann", room__name="launch")
        self.assertEqual((launch.unread_count, launch.mention_count), (2, 1))

    def test_its_people_cannot_log_in_until_somebody_lets_them(self):
        for name in PEOPLE:
            self.assertFalse(User.objects.get(username=name).has_usable_password())

    def test_the_picture_is_the_same_every_time(self):
        self.assertEqual(draw_picture(), draw_picture())
