"""What chat has to tell, in people's inboxes: neither app imports the other."""

from io import StringIO
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import override_settings
from django.utils import timezone

from chat import services as chat
from notifications import services
from notifications.models import Notification, TargetLevel
from notifications.tests.people import InboxTestCase, feed_key
from realtime import jobs
from realtime.limits import unlimited
from realtime.testing import Browser
from realtime.webhooks import FAILING
from tests.receiver import receiver

RAISED = "notifications.item.raised"


class ChatTests(InboxTestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(unlimited())
        self.room = chat.create_room(self.bob, name="Lobby")
        chat.join_room(self.ann, self.room.pk)

    def say(self, author, body, **facts):
        return chat.post_message(chat.Draft(self.room.pk, author, body, **facts))

    def test_a_mention(self):
        self.say(self.bob, "@ann look")
        self.assertEqual(self.lines(), ["bob mentioned you in Lobby"])

    def test_a_reply_but_not_twice_when_it_mentions_too(self):
        mine = self.say(self.ann, "Who is there?")
        self.say(self.bob, "me", reply_to=mine.id)
        self.say(self.bob, "me, @ann", reply_to=mine.id)
        self.assertEqual(self.lines(), ["bob replied to you in Lobby", "bob mentioned you in Lobby"])

    def test_a_name_in_code_or_a_link_is_no_mention_and_keeps_nothing_else_from_being_told(self):
        self.say(self.bob, "`@ann` and [@ann](https://example.com)")
        self.assertEqual(self.lines(), [])
        mine = self.say(self.ann, "How do I spell it?")
        self.say(self.bob, "`@ann`", reply_to=mine.id)
        self.assertEqual(self.lines(), ["bob replied to you in Lobby"])

    def test_one_message_that_mentions_me_hides_no_other_of_the_same_moment(self):
        mine = self.say(self.ann, "Who is there?")
        drafts = [chat.Draft(self.room.pk, self.bob, "@ann look"), chat.Draft(self.room.pk, self.bob, "@me", reply_to=mine.id)]
        chat.post_messages(drafts)
        self.assertCountEqual(self.lines(), ["bob mentioned you in Lobby", "bob replied to you in Lobby"])

    def test_a_reaction_to_mine_and_its_end(self):
        mine = self.say(self.ann, "Ahoy")
        chat.set_reaction(self.bob, self.room.pk, mine.id, "👍", True, uuid4())
        self.assertEqual(self.lines(), ["bob reacted 👍 to your message"])
        chat.set_reaction(self.bob, self.room.pk, mine.id, "👍", False, uuid4())
        self.assertEqual((self.lines(), self.unread()), ([], 0))

    def test_an_invitation(self):
        crew = chat.create_room(self.bob, name="Crew", kind="closed")
        chat.invite_member(self.bob, crew.pk, self.ann)
        self.assertEqual(self.lines(), ["bob added you to Crew"])

    def test_direct_messages_are_one_line_and_reading_them_there_reads_it_here(self):
        direct = chat.open_direct_room(self.bob, self.ann)
        for body in ("one", "two", "three"):
            chat.post_message(chat.Draft(direct.pk, self.bob, body))
        self.assertEqual((self.lines(), self.unread()), (["3 messages from bob"], 1))
        chat.mark_read(self.ann, direct.pk, 3)
        self.assertEqual(self.unread(), 0)

    def test_a_deleted_message_takes_what_it_told_with_it(self):
        mine = self.say(self.ann, "Ahoy")
        answer = self.say(self.bob, "secret", reply_to=mine.id)
        mention = self.say(self.bob, "@ann secret")
        for message in (answer, mention):
            chat.delete_message(self.bob, self.room.pk, message.id, uuid4())
        self.assertEqual((self.lines(), self.unread()), ([], 0))
        self.assertFalse(Notification.objects.filter(detail__contains="secret").exists())

    def test_an_edit_that_takes_the_mention_out(self):
        message = self.say(self.bob, "@ann look")
        chat.edit_message(self.bob, self.room.pk, message.id, "never mind", uuid4())
        self.assertEqual(self.lines(), [])

    def test_everything_or_nothing_of_a_room(self):
        services.set_level(self.ann, self.room.group, TargetLevel.Level.ALL)
        self.say(self.bob, "one")
        self.say(self.bob, "two")
        self.assertEqual(self.lines(), ["2 messages in Lobby from bob"])
        services.set_level(self.ann, self.room.group, TargetLevel.Level.NONE)
        self.say(self.bob, "@ann three")
        self.assertEqual(self.lines(), ["2 messages in Lobby from bob"])

    def test_who_has_left_hears_nothing_more_though_they_asked_for_everything(self):
        crew = chat.create_room(self.bob, name="Crew", kind="closed")
        chat.invite_member(self.bob, crew.pk, self.ann)
        services.set_level(self.ann, crew.group, TargetLevel.Level.ALL)
        mine = chat.post_message(chat.Draft(crew.pk, self.ann, "Ahoy"))
        chat.leave_room(self.ann, crew.pk)
        services.clear_all(self.ann)
        chat.post_message(chat.Draft(crew.pk, self.bob, "secret", reply_to=mine.id))
        chat.set_reaction(self.bob, crew.pk, mine.id, "👍", True, uuid4())
        self.assertEqual(self.lines(), [])

    def test_a_room_leads_its_members_to_how_much_they_are_told_of_it(self):
        self.client.force_login(self.ann)
        self.assertContains(self.client.get(f"/chat/{self.room.pk}/"), 'href="/notifications/settings/#rooms"')

    def test_a_message_to_a_room_that_nobody_follows_costs_one_query_more(self):
        self.say(self.ann, "first")  # bob has not read it, so that his words move no read mark of his
        with self.assertNumQueries(7):
            self.say(self.bob, "second")

    def test_a_webhook_of_a_room_that_is_switched_off(self):
        with override_settings(DEBUG=True), receiver() as gone:
            gone.status = 500
            hook = chat.create_outgoing_hook(self.bob, self.room.pk, "Archive", gone.url, ["posted"])
            type(hook).objects.update(failing_since=timezone.now() - FAILING)
            self.say(self.ann, "Ahoy")
            jobs.run_due()
        told = Notification.objects.get(inbox=self.bob.pk)
        self.assertEqual(told.text, "The webhook Archive of Lobby is switched off: it has failed for a day")
        self.client.force_login(self.bob)
        self.assertContains(self.client.get(told.url), "switched off")

    async def test_the_inbox_shares_the_socket_with_the_room(self):
        room = self.room
        await room.arefresh_from_db()
        async with await Browser.open(self.ann) as ann, await Browser.open(self.bob) as bob:
            await ann.resume(**{feed_key(self.inbox): 0, room.group.replace(".", "_"): room.rev})
            await bob.post("chat.message.post", room.group, body="@ann look")
            first, second = [await ann.expect(RAISED, "chat.message.posted") for _ in range(2)]
            self.assertEqual({first["type"], second["type"]}, {RAISED, "chat.message.posted"})

    def test_announce_to_each_audience(self):
        User.objects.create_user("sam", is_staff=True)
        self.run_it = lambda *words, **options: call_command(*words, stdout=StringIO(), **options)
        room = chat.create_room(self.bob, name="Crew")
        told = lambda: set(Notification.objects.values_list("inbox__user__username", flat=True))  # noqa: E731
        for audience, expected in {"staff": {"sam"}, f"room:{room.pk}": {"bob"}, "everyone": {"ann", "bob", "sam"}}.items():
            Notification.objects.all().delete()
            self.run_it("announce", "Maintenance at 22:00", to=audience)
            self.assertEqual(told(), expected, audience)
        for audience in ("nobody", "room:x", "list:1", "room:"):
            with self.assertRaises(CommandError):
                self.run_it("announce", "x", to=audience)
