"""The admin shows every model in a fixed number of queries, writes nothing itself, and acts through services."""

from uuid import uuid4

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat import services
from chat.models import Attachment, IncomingHook, Message, ModerationAction, OutgoingHook, Reaction, Room
from chat.tests.people import Place
from realtime import tokens
from realtime.models import AccessToken, Job, Presence, Process, Receipt
from realtime.testing import RealtimeTestCase, forget_limits

OURS = [model for model in admin.site._registry if model._meta.app_label in {"chat", "realtime"}]


def fill(name):
    """One more row of every model, with its own room and people."""
    forget_limits()
    place = Place(name=name)
    owner = User.objects.create(username=f"{name}-owner")
    place.join(owner, "owner")
    message = place.say(owner, f"Ahoy @member, this is {name}")
    services.edit_message(owner, place.room.pk, message.pk, f"Ahoy @moderator, this is {name}", uuid4())
    services.set_reaction(place.member, place.room.pk, message.pk, "👍", True, uuid4())
    services.mute_member(owner, place.room.pk, place.member.pk, 5)
    bot = services.create_bot(owner, f"{name}-bot")
    services.issue_token(owner, bot.pk, "test", ["chat:read"])
    services.create_hook(owner, place.room.pk, "Alarms")
    services.create_outgoing_hook(owner, place.room.pk, "Archive", "https://example.org/t0ken", ["posted"])
    Attachment.objects.create(owner=owner, room=place.room, file="chat/none", name="a.txt", content_type="text/plain", size=1)
    process = Process.objects.create(host=name, pid=1, until=timezone.now())
    Presence.objects.create(process=process, feed=place.room.group, user=owner)
    Job.objects.create(name="tests.later")
    return place


class AdminCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = fill("harbour")
        self.room = self.place.room
        self.client.force_login(self.place.staff)

    def url(self, model, page, *args):
        return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{page}", args=args)

    def act(self, model, action, *rows):
        data = {"action": action, "_selected_action": [row.pk for row in rows]}
        answer = self.client.post(self.url(model, "changelist"), data, follow=True)
        return [f"{note.level_tag}: {note}" for note in answer.context["messages"]]


class LookingTests(AdminCase):
    def test_every_model_of_ours_is_there(self):
        from django.apps import apps

        models = {model for label in ["chat", "realtime"] for model in apps.get_app_config(label).get_models()}
        self.assertEqual({model for model in models if model._meta.managed}, set(OURS))

    def test_every_list_takes_the_same_queries_however_many_rows(self):
        before = {}
        for model in OURS:
            with CaptureQueriesContext(connection) as queries:
                self.assertContains(self.client.get(self.url(model, "changelist")), model._meta.verbose_name)
            before[model] = len(queries)
        for name in ["cove", "bay", "fjord"]:
            fill(name)
        for model in OURS:
            self.assertGreaterEqual(model.objects.count(), 4, model)
            with self.subTest(model), self.assertNumQueries(before[model]):
                self.client.get(self.url(model, "changelist"))
            self.assertLess(before[model], 12)

    def test_every_list_can_be_searched_and_filtered(self):
        for model in OURS:
            for query in ["harbour", "7", "\U0001f44d", "%_'\""]:
                self.assertEqual(self.client.get(self.url(model, "changelist"), {"q": query}).status_code, 200, (model, query))
        for model, query in [(Room, {"kind__exact": "open"}), (Message, {"deleted_at__isempty": "1"})]:
            self.assertEqual(self.client.get(self.url(model, "changelist"), query).status_code, 200)

    def test_every_row_has_a_page_with_no_form_to_save(self):
        for model in OURS:
            answer = self.client.get(self.url(model, "change", model.objects.first().pk))
            self.assertEqual(answer.status_code, 200, model)
            self.assertNotContains(answer, 'name="_save"')
            self.assertNotContains(answer, "<select")

    def test_secrets_are_not_on_the_pages(self):
        for row, secret in [
            (AccessToken.objects.first(), AccessToken.objects.first().digest),
            (IncomingHook.objects.first(), IncomingHook.objects.first().digest),
            (OutgoingHook.objects.first(), OutgoingHook.objects.first().secret),
            (OutgoingHook.objects.first(), "t0ken"),
            (self.room, self.room.invite_code),
        ]:
            self.assertNotContains(self.client.get(self.url(type(row), "change", row.pk)), secret)

    def test_no_page_has_anything_that_the_policy_forbids(self):
        for model in OURS:
            for url in [self.url(model, "changelist"), self.url(model, "change", model.objects.first().pk)]:
                page = self.client.get(url).content.decode()
                for forbidden in [" style=", " onclick=", "<style", "javascript:"]:
                    self.assertNotIn(forbidden, page, url)

    def test_who_is_not_staff_sees_nothing(self):
        self.client.force_login(self.place.owner)
        for model in OURS:
            self.assertEqual(self.client.get(self.url(model, "changelist")).status_code, 302)


class WritingTests(AdminCase):
    def test_nothing_can_be_added_changed_or_deleted_by_hand(self):
        for model in OURS:
            row = model.objects.first()
            self.assertEqual(self.client.get(self.url(model, "add")).status_code, 403, model)
            self.assertEqual(self.client.post(self.url(model, "add"), {}).status_code, 403, model)
            self.assertEqual(self.client.post(self.url(model, "change", row.pk), {"name": "x"}).status_code, 403, model)
            self.assertEqual(self.client.post(self.url(model, "delete", row.pk), {"post": "yes"}).status_code, 403, model)
            count = model.objects.count()
            self.act(model, "delete_selected", row)
            self.assertEqual(model.objects.count(), count, model)

    def test_archiving_and_reopening_a_room_is_told_by_its_feed_and_audited(self):
        self.room.refresh_from_db()
        rev = self.room.rev
        self.assertEqual(self.act(Room, "archive", self.room), ["success: Archived: 1."])
        self.room.refresh_from_db()
        self.assertTrue(self.room.is_archived)
        self.assertEqual((self.room.rev, self.room.settings_rev), (rev + 1, rev + 1))
        self.act(Room, "reopen", self.room)
        kinds = ModerationAction.objects.filter(actor=self.place.staff).values_list("kind", flat=True)
        self.assertEqual(list(kinds), ["unarchive", "archive"])

    def test_deleting_a_message_leaves_a_tombstone_in_the_feed_and_a_line_in_the_log(self):
        message = Message.objects.get(room=self.room)
        rev = message.rev
        self.assertEqual(self.act(Message, "delete", message), ["success: Deleted: 1."])
        message.refresh_from_db()
        self.assertEqual((message.body, message.is_deleted), ("", True))
        self.assertGreater(message.rev, rev)
        self.assertFalse(Reaction.objects.filter(message=message).exists())
        self.assertEqual(ModerationAction.objects.first().message, message)
        self.assertEqual(self.act(Message, "delete", message)[0].split(":")[0], "error")

    def test_revoking_tokens_and_webhooks(self):
        owner = User.objects.get(username="harbour-owner")
        bot = owner.bots.get()
        token, secret = services.issue_token(owner, bot.pk, "second", ["chat:read"])
        self.act(AccessToken, "revoke", token)
        self.assertIsNone(tokens.token_from_header(f"Bearer {secret}"))
        self.assertEqual(AccessToken.objects.filter(revoked_at=None).count(), 1)
        self.act(type(bot), "revoke_tokens", bot)
        self.assertEqual(AccessToken.objects.filter(revoked_at=None).count(), 0)
        for model in (IncomingHook, OutgoingHook):
            self.act(model, "revoke", model.objects.get())
            self.assertIsNotNone(model.objects.get().revoked_at)

    def test_staff_who_may_only_look_cannot_act(self):
        clerk = User.objects.create(username="clerk", is_staff=True)
        clerk.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
        self.client.force_login(clerk)
        self.assertEqual(self.client.get(self.url(Room, "changelist")).status_code, 200)
        self.act(Room, "archive", self.room)
        self.act(Message, "delete", Message.objects.get(room=self.room))
        self.act(AccessToken, "revoke", AccessToken.objects.get())
        self.room.refresh_from_db()
        self.assertFalse(self.room.is_archived)
        self.assertFalse(Message.objects.get(room=self.room).is_deleted)
        self.assertIsNone(AccessToken.objects.get().revoked_at)

    def test_a_person_with_rows_is_deactivated_not_deleted(self):
        owner = User.objects.get(username="harbour-owner")
        self.client.post(reverse("admin:auth_user_delete", args=[owner.pk]), {"post": "yes"})
        self.assertTrue(User.objects.filter(pk=owner.pk).exists())
        self.assertEqual(LogEntry.objects.count(), 0)
        self.assertTrue(Receipt.objects.filter(user=owner).exists())
