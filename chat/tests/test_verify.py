"""`chat_verify` finds each thing that can be broken, and nothing in a room that is whole."""

import io
from uuid import uuid4

from django.core.management import CommandError, call_command
from django.db.models import F

from chat import services
from chat.models import Attachment, Membership, Message, Room
from chat.tests.test_attachments import FilesTestCase
from realtime.limits import unlimited


class VerifyTests(FilesTestCase):
    def setUp(self):
        super().setUp()
        services.invite_member(self.ann, self.room.pk, self.bob)
        with unlimited():
            self.file = self.upload()
            self.message = self.post(self.file, body="@bob look")
            for number in range(3):
                services.post_message(services.Draft(self.room.pk, self.ann, f"line {number}", client_id=uuid4()))
            services.edit_message(self.ann, self.room.pk, self.message.pk, "@bob see", uuid4())
        self.room.refresh_from_db()

    def found(self):
        """What it says before it fails."""
        with self.assertRaisesMessage(CommandError, "Rooms: 1. Troubles: ") as caught:
            call_command("chat_verify", stdout=(output := io.StringIO()))
        self.assertEqual(caught.exception.returncode, 1)
        return output.getvalue()

    def test_what_is_whole_is_said_to_be(self):
        call_command("chat_verify", room=self.room.pk, stdout=(output := io.StringIO()))
        self.assertEqual(output.getvalue(), "Rooms: 1. All are whole.\n")

    def test_a_message_that_is_gone(self):
        seq = self.room.last_seq - 1
        Message.objects.filter(room=self.room, seq=seq).delete()
        self.assertIn(f"messages {seq} to {seq} are missing", self.found())

    def test_a_last_place_that_is_wrong(self):
        last = self.room.last_seq
        Room.objects.update(last_seq=last + 1)
        self.assertIn(f"messages {last + 1} to {last + 1} are missing", self.found())
        Room.objects.update(last_seq=last - 1)
        self.assertIn(f"message {last} is after the last one", self.found())

    def test_revisions_that_cannot_be(self):
        Room.objects.update(rev=F("rev") - 1)
        self.assertIn(f"message {self.message.seq} has revision {self.room.rev}", self.found())

    def test_a_revision_given_twice(self):
        Message.objects.filter(seq=self.room.last_seq).update(rev=self.room.rev)
        self.assertIn(f"2 messages have revision {self.room.rev}", self.found())

    def test_a_membership_ahead_of_its_room(self):
        Membership.objects.filter(user=self.bob).update(rev=self.room.rev + 1)
        self.assertIn(f"the membership of user {self.bob.pk} has revision", self.found())

    def test_a_read_mark_beyond_the_end(self):
        Membership.objects.filter(user=self.bob).update(last_read_seq=self.room.last_seq + 1, mention_count=0)
        self.assertIn(f"user {self.bob.pk} has read up to", self.found())

    def test_mentions_that_are_miscounted(self):
        Membership.objects.filter(user=self.bob).update(mention_count=5)
        self.assertIn(f"user {self.bob.pk} has 1 unread mentions, and 5 are counted", self.found())

    def test_a_webhook_that_nobody_calls_and_one_that_is_ahead(self):
        hook = services.create_outgoing_hook(self.ann, self.room.pk, "Archive", "https://example.org/", ["posted"])
        call_command("chat_verify", stdout=io.StringIO())
        Room.objects.update(has_outgoing_hooks=False)
        type(hook).objects.update(sent_rev=self.room.rev + 1)
        found = self.found()
        self.assertIn("nobody calls its webhooks", found)
        self.assertIn(f"webhook {hook.pk} has heard of revision {self.room.rev + 1}", found)

    def test_a_file_that_is_gone_or_changed(self):
        path = self.folder / str(self.file.pk)
        path.write_bytes(b"jello")
        self.assertIn(f"file {self.file.pk} is not what was stored", self.found())
        path.unlink()
        self.assertIn(f"file {self.file.pk} cannot be read", self.found())

    def test_a_file_from_before_there_were_digests_is_only_looked_for(self):
        Attachment.objects.update(sha256=None)
        (self.folder / str(self.file.pk)).write_bytes(b"jello")
        call_command("chat_verify", stdout=io.StringIO())

    def test_a_room_that_is_not_there(self):
        with self.assertRaisesMessage(CommandError, "There is no room 0."):
            call_command("chat_verify", room=0)
