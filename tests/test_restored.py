"""A backup was restored: whoever has seen its lost future starts from a fresh page."""

from io import StringIO

from asgiref.sync import sync_to_async
from django.contrib.auth.models import User
from django.core.management import call_command

from chat import services
from realtime.testing import Browser, RealtimeTestCase


class RestoredTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = User.objects.create_user("ann")
        self.room = services.create_room(self.ann, name="Lobby")

    async def resume(self, browser):
        """With the cursor of a page that was loaded before the restore, whose head the room has passed again since."""
        cursor = {"rev": self.room.rev, "epoch": self.room.epoch}
        await browser.send({"type": "realtime.feeds.resume", "feeds": {self.room.group: cursor}})
        return await browser.expect("realtime.feed.live", "realtime.feed.reset")

    async def test_a_cursor_of_before_the_restore_is_not_believed(self):
        async with await Browser.open(self.ann) as browser:
            self.assertEqual((await self.resume(browser))["type"], "realtime.feed.live")
        said = StringIO()
        await sync_to_async(call_command)("restored", stdout=said)
        self.assertRegex(said.getvalue(), r"^\d+ feeds begin a new epoch\.\n$")
        async with await Browser.open(self.ann) as browser:
            answer = await self.resume(browser)
        self.assertEqual(answer["type"], "realtime.feed.reset")
        self.assertNotEqual(answer["epoch"], self.room.epoch)
