"""Mute, ban, remove, roles: who may, what it does at once, and what the log keeps."""

from datetime import timedelta
from unittest import mock
from uuid import uuid4

from asgiref.sync import sync_to_async as in_thread
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat import services
from chat.models import Membership, Message, ModerationAction, RoomList
from chat.services.moderation import FOR_GOOD
from chat.tests.people import Place
from chat.views import members
from realtime.protocol import Refusal
from realtime.testing import Browser, RealtimeTestCase

Kind = ModerationAction.Kind


class ModerationCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place()
        self.room = self.place.room
        self.owner, self.moderator, self.member = self.place.owner, self.place.moderator, self.place.member

    def refusal(self, function, *args, **kwargs):
        with self.assertRaises(Refusal) as caught:
            function(*args, **kwargs)
        return caught.exception

    def last_action(self):
        return ModerationAction.objects.first()


class MuteTests(ModerationCase):
    def test_who_is_muted_reads_but_says_nothing(self):
        services.mute_member(self.moderator, self.room.pk, self.member.pk, 10, "shouting")
        self.assertEqual(self.refusal(self.place.say, self.member).code, "muted")
        self.assertTrue(type(self.room).objects.readable_by(self.member).filter(pk=self.room.pk).exists())

    def test_the_log_says_who_whom_why_and_until_when(self):
        services.mute_member(self.moderator, self.room.pk, self.member.pk, 10, " shouting\nat everybody ")
        action = self.last_action()
        self.assertEqual((action.kind, action.actor, action.target), (Kind.MUTE, self.moderator, self.member))
        self.assertEqual(action.detail, "shouting at everybody")
        self.assertAlmostEqual(action.until, timezone.now() + timedelta(minutes=10), delta=timedelta(seconds=5))

    def test_a_long_reason_is_cut(self):
        services.mute_member(self.moderator, self.room.pk, self.member.pk, 10, "é" * 900)
        self.assertEqual(len(self.last_action().detail), 250)

    def test_unmuting_lets_them_speak_again(self):
        services.mute_member(self.moderator, self.room.pk, self.member.pk, 10)
        services.unmute_member(self.moderator, self.room.pk, self.member.pk)
        self.place.say(self.member)
        self.assertEqual(self.last_action().kind, Kind.UNMUTE)

    def test_unmuting_who_is_not_muted_leaves_no_trace(self):
        services.unmute_member(self.moderator, self.room.pk, self.member.pk)
        self.assertIsNone(self.last_action())

    def test_times_that_make_no_sense_are_refused(self):
        for minutes in [0, -5, 10**9]:
            refusal = self.refusal(services.mute_member, self.moderator, self.room.pk, self.member.pk, minutes)
            self.assertEqual((refusal.code, refusal.field), ("bad_value", "minutes"))
        self.assertIsNone(self.last_action())

    def test_leaving_and_coming_back_does_not_unmute(self):
        services.mute_member(self.moderator, self.room.pk, self.member.pk, 10)
        services.leave_room(self.member, self.room.pk)
        services.join_room(self.member, self.room.pk)
        self.assertEqual(self.refusal(self.place.say, self.member).code, "muted")

    def test_the_room_and_the_persons_list_hear_of_it(self):
        rev = self.room.rev
        muted = services.mute_member(self.moderator, self.room.pk, self.member.pk, 10)
        self.assertGreater(muted.rev, rev)
        self.assertEqual(RoomList.objects.get(user=self.member).rev, 1)


class SlowModeTests(ModerationCase):
    def setUp(self):
        super().setUp()
        services.change_room(self.owner, self.room.pk, slow_mode_seconds=30)

    def draft(self, author, body="Ahoy"):
        return services.Draft(self.room.pk, author, body, client_id=uuid4())

    def test_the_second_message_waits(self):
        self.place.say(self.member)
        refusal = self.refusal(self.place.say, self.member)
        self.assertEqual(refusal.code, "slow_mode")
        self.assertAlmostEqual(refusal.retry_after, 30, delta=5)

    def test_it_waits_in_the_same_transaction_too(self):
        said, refused = services.post_messages([self.draft(self.member), self.draft(self.member)])
        self.assertTrue(said.is_new)
        self.assertEqual(refused.code, "slow_mode")

    async def test_it_waits_when_a_socket_sends_both_at_once(self):
        async with await Browser.open(self.member) as member:
            for body in ["one", "two"]:
                frame = {"type": "chat.message.post", "client_id": str(uuid4()), "feed": self.room.group, "body": body}
                await member.send(frame)
            answers = [await member.expect("realtime.ack", "realtime.error") for _ in range(2)]
        self.assertEqual([answer.get("code") for answer in answers], [None, "slow_mode"])

    def test_others_and_moderators_do_not_wait(self):
        authors = [self.member, self.place.newcomer("quick"), self.moderator, self.moderator]
        answers = services.post_messages([self.draft(author) for author in authors])
        self.assertEqual([answer for answer in answers if isinstance(answer, Refusal)], [])

    def test_it_ends(self):
        message = self.place.say(self.member)
        Message.objects.filter(pk=message.pk).update(created_at=timezone.now() - timedelta(seconds=31))
        self.place.say(self.member)

    def test_a_message_that_is_sent_again_is_answered(self):
        draft = self.draft(self.member)
        first, again = services.post_messages([draft, draft])
        self.assertEqual((first.id, again.is_new), (again.id, False))

    def test_it_costs_a_query_however_many_speak(self):
        many = [self.draft(self.place.newcomer(f"person{i}")) for i in range(5)]
        with CaptureQueriesContext(connection) as one:
            services.post_messages(many[:1])
        with CaptureQueriesContext(connection) as several:
            services.post_messages(many[1:])
        self.assertEqual(len(several), len(one))

    def test_the_log_has_it(self):
        action = self.last_action()
        self.assertEqual((action.kind, action.actor, action.detail), (Kind.SLOW_MODE, self.owner, "30 s"))


class BanTests(ModerationCase):
    def test_who_is_banned_is_out_and_cannot_read_or_come_back(self):
        services.ban_member(self.moderator, self.room.pk, self.member.pk, None, "spam")
        self.assertFalse(type(self.room).objects.readable_by(self.member).filter(pk=self.room.pk).exists())
        self.assertEqual(self.refusal(services.join_room, self.member, self.room.pk).code, "banned")
        code = self.room.invite_code
        self.assertEqual(self.refusal(services.join_by_invite, self.member, code).code, "banned")
        self.assertEqual(self.refusal(services.invite_member, self.owner, self.room.pk, self.member).code, "banned")
        self.assertFalse(self.place.membership(self.member).is_active)

    def test_for_good_has_no_end_in_the_log(self):
        services.ban_member(self.moderator, self.room.pk, self.member.pk, None)
        self.assertIsNone(self.last_action().until)
        self.assertEqual(self.place.membership(self.member).banned_until, FOR_GOOD)

    def test_a_ban_ends_by_itself(self):
        services.ban_member(self.moderator, self.room.pk, self.member.pk, 5)
        self.assertIsNotNone(self.last_action().until)
        Membership.objects.filter(user=self.member).update(banned_until=timezone.now() - timedelta(seconds=1))
        services.join_room(self.member, self.room.pk)

    def test_who_left_can_still_be_banned(self):
        services.leave_room(self.member, self.room.pk)
        services.ban_member(self.moderator, self.room.pk, self.member.pk)
        self.assertEqual(self.refusal(services.join_room, self.member, self.room.pk).code, "banned")

    def test_a_moderator_who_left_has_no_rank_to_hide_behind(self):
        other = self.place.join(User.objects.create(username="other"), Membership.Role.MODERATOR)
        services.leave_room(other.user, self.room.pk)
        services.ban_member(self.moderator, self.room.pk, other.user.pk)

    def test_lifting_a_ban_lets_them_join_but_does_not_bring_them_back(self):
        services.unban_member(self.moderator, self.room.pk, self.place.banned.pk)
        self.assertFalse(self.place.membership(self.place.banned).is_active)
        services.join_room(self.place.banned, self.room.pk)
        self.assertEqual(self.last_action().kind, Kind.UNBAN)


class RemoveTests(ModerationCase):
    def test_who_is_removed_is_out_and_may_come_back(self):
        services.remove_member(self.moderator, self.room.pk, self.member.pk)
        self.assertEqual(self.refusal(self.place.say, self.member).code, "not_allowed")
        services.join_room(self.member, self.room.pk)
        self.place.say(self.member)

    def test_who_is_not_here_cannot_be_removed(self):
        for user in [self.place.left, self.place.stranger]:
            refusal = self.refusal(services.remove_member, self.moderator, self.room.pk, user.pk)
            self.assertEqual(refusal.code, "not_found")


class RoleTests(ModerationCase):
    def test_an_owner_makes_a_member_moderator_and_back(self):
        services.change_role(self.owner, self.room.pk, self.member.pk, "moderator")
        services.mute_member(self.member, self.room.pk, self.place.muted.pk, 5)
        services.change_role(self.owner, self.room.pk, self.member.pk, "member")
        refusal = self.refusal(services.mute_member, self.member, self.room.pk, self.place.muted.pk, 5)
        self.assertEqual(refusal.code, "not_allowed")
        self.assertEqual(self.last_action().detail, "moderator → member")

    def test_the_last_owner_cannot_step_down(self):
        refusal = self.refusal(services.change_role, self.owner, self.room.pk, self.owner.pk, "member")
        self.assertEqual(refusal.code, "not_allowed")
        services.change_role(self.owner, self.room.pk, self.member.pk, "owner")
        services.change_role(self.owner, self.room.pk, self.owner.pk, "member")
        self.assertEqual(self.place.membership(self.owner).role, "member")

    def test_owners_do_not_act_on_each_other(self):
        services.change_role(self.owner, self.room.pk, self.member.pk, "owner")
        for act in [
            lambda: services.change_role(self.owner, self.room.pk, self.member.pk, "member"),
            lambda: services.mute_member(self.owner, self.room.pk, self.member.pk, 5),
            lambda: services.ban_member(self.owner, self.room.pk, self.member.pk),
            lambda: services.remove_member(self.owner, self.room.pk, self.member.pk),
        ]:
            self.assertEqual(self.refusal(act).code, "not_allowed")

    def test_a_moderator_makes_nobody_anything(self):
        for target, role in [(self.member, "moderator"), (self.moderator, "owner"), (self.moderator, "member")]:
            refusal = self.refusal(services.change_role, self.moderator, self.room.pk, target.pk, role)
            self.assertEqual(refusal.code, "not_allowed")

    def test_a_role_nobody_knows_is_refused(self):
        for role in ["admin", "", "OWNER"]:
            self.assertEqual(self.refusal(services.change_role, self.owner, self.room.pk, self.member.pk, role).field, "role")

    def test_saying_the_same_role_again_leaves_no_trace(self):
        services.change_role(self.owner, self.room.pk, self.member.pk, "member")
        self.assertIsNone(self.last_action())


class StaffTests(ModerationCase):
    def test_staff_archive_and_reopen_a_room_they_are_not_in(self):
        services.archive_by_staff(self.place.staff, self.room.pk)
        self.assertEqual(self.refusal(self.place.say, self.member).code, "archived")
        services.archive_by_staff(self.place.staff, self.room.pk, archived=False)
        self.place.say(self.member)
        self.assertEqual([action.kind for action in ModerationAction.objects.all()], [Kind.UNARCHIVE, Kind.ARCHIVE])

    def test_staff_delete_a_message_and_the_log_knows(self):
        message = self.place.say(self.member, "buy my boat")
        services.delete_message_by_staff(self.place.staff, self.room.pk, message.pk)
        message.refresh_from_db()
        self.assertEqual((message.body, message.deleted_by), ("", self.place.staff))
        self.assertEqual((self.last_action().target, self.last_action().detail), (self.member, "buy my boat"))

    def test_being_staff_without_the_permission_is_not_enough(self):
        clerk = User.objects.create(username="clerk", is_staff=True)
        for user in [clerk, self.owner, self.member]:
            self.assertEqual(self.refusal(services.archive_by_staff, user, self.room.pk).code, "not_allowed")


class OpenSocketTests(ModerationCase):
    async def test_who_is_banned_is_taken_off_the_room_at_once(self):
        feeds = {self.room.group.replace(".", "_"): self.room.rev}
        async with await Browser.open(self.member) as member, await Browser.open(self.moderator) as moderator:
            await member.resume(**feeds)
            await moderator.resume(**feeds)
            await in_thread(services.ban_member)(self.moderator, self.room.pk, self.member.pk)
            changed = await moderator.expect("chat.member.changed")
            self.assertEqual((changed["user"], changed["role"]), (self.member.pk, ""))
            refused = await member.expect("realtime.feed.refused")
            self.assertEqual(refused["feed"], self.room.group)
            await in_thread(self.place.say)(self.owner, "They are gone")
            self.assertEqual((await moderator.expect("chat.message.posted"))["body"], "They are gone")
            await member.nothing("chat.message.posted")

    async def test_who_is_muted_is_refused_on_the_socket_that_was_open(self):
        async with await Browser.open(self.member) as member:
            await member.resume(**{self.room.group.replace(".", "_"): self.room.rev})
            await in_thread(services.mute_member)(self.moderator, self.room.pk, self.member.pk, 5)
            self.assertTrue((await member.expect("chat.member.changed"))["muted_until"])
            answer = await member.post("chat.message.post", self.room.group, body="Hello?")
            self.assertEqual(answer["code"], "muted")

    async def test_a_banned_person_who_only_reads_an_open_room_is_taken_off_it_too(self):
        async with await Browser.open(self.place.left) as reader:
            await reader.resume(**{self.room.group.replace(".", "_"): self.room.rev})
            await in_thread(services.ban_member)(self.moderator, self.room.pk, self.place.left.pk)
            await reader.expect("realtime.feed.refused")


class PageTests(ModerationCase):
    def test_the_owner_has_a_button_for_each_act_and_a_field_for_the_reason(self):
        self.client.force_login(self.owner)
        page = self.client.get(reverse("chat:member_list", args=[self.room.pk]))
        for button in ["Mute for a day", "Make moderator", "Make owner", "Remove from the room", "Ban for a day", "Ban for good"]:
            self.assertContains(page, button)
        self.assertContains(page, 'name="reason"')

    def test_a_member_beyond_those_that_are_listed_is_found_by_name(self):
        self.client.force_login(self.owner)
        with mock.patch.object(members, "MEMBERS_SHOWN", 1):
            page = self.client.get(reverse("chat:member_list", args=[self.room.pk]), {"q": "@OWN"})
        self.assertEqual([place.user for place in page.context["memberships"]], [self.owner])
        self.assertContains(page, "Find a member")

    def post(self, name, user, **data):
        return self.client.post(reverse(f"chat:{name}", args=[self.room.pk, user.pk]), data, follow=True)

    def log(self, **query):
        return self.client.get(reverse("chat:moderation_log", args=[self.room.pk]), query)

    def test_the_acts_are_forms_that_lead_back_and_say_how_it_went(self):
        self.client.force_login(self.owner)
        for name, data, said in [
            ("member_mute", {"minutes": "10", "reason": "noise"}, "member is muted."),
            ("member_unmute", {}, "member may write again."),
            ("member_role", {"role": "moderator"}, "member has another role now."),
            ("member_remove", {}, "member is no longer in the room."),
            ("member_ban", {"minutes": ""}, "member is banned."),
            ("member_unban", {}, "member may come back."),
        ]:
            answer = self.post(name, self.member, **data)
            self.assertRedirects(answer, reverse("chat:member_list", args=[self.room.pk]))
            self.assertEqual([str(note) for note in answer.context["messages"]], [said])
        self.assertEqual(ModerationAction.objects.count(), 6)

    def test_what_is_refused_is_said_and_changes_nothing(self):
        self.client.force_login(self.moderator)
        for name, data in [
            ("member_mute", {"minutes": "10"}),
            ("member_role", {"role": "member"}),
            ("member_remove", {}),
            ("member_ban", {}),
        ]:
            answer = self.post(name, self.owner, **data)
            self.assertEqual([note.level_tag for note in answer.context["messages"]], ["error"], name)
        self.assertEqual(ModerationAction.objects.count(), 0)
        self.assertTrue(self.place.membership(self.owner).is_active)

    def test_forms_with_nonsense_change_nothing(self):
        self.client.force_login(self.owner)
        for name, data in [
            ("member_mute", {}),
            ("member_mute", {"minutes": "soon"}),
            ("member_mute", {"minutes": "-1"}),
            ("member_ban", {"minutes": "9" * 30}),
            ("member_role", {"role": "king"}),
            ("member_remove", {"reason": "x" * 251}),
            ("member_remove", {"reason": "\0"}),
        ]:
            answer = self.post(name, self.member, **data)
            self.assertEqual([note.level_tag for note in answer.context["messages"]], ["error"], data)
        self.assertEqual(ModerationAction.objects.count(), 0)

    def test_the_log_is_for_the_moderators_of_the_room(self):
        for user, status in [
            (self.owner, 200),
            (self.moderator, 200),
            (self.member, 404),
            (self.place.muted, 404),
            (self.place.banned, 404),
            (self.place.stranger, 404),
            (self.place.staff, 404),
        ]:
            self.client.force_login(user)
            self.assertEqual(self.log().status_code, status, user)

    def test_an_empty_log_says_what_it_is_for(self):
        self.client.force_login(self.owner)
        self.assertContains(self.log(), "Nothing to moderate so far")
        self.assertContains(self.log(kind="ban"), "Nothing like that")

    def test_what_is_in_force_can_be_lifted_there(self):
        self.client.force_login(self.owner)
        page = self.log()
        self.assertEqual([member.user.username for member in page.context["in_force"]], ["banned", "muted"])
        answer = self.post("member_unban", self.place.banned, back="log")
        self.assertRedirects(answer, reverse("chat:moderation_log", args=[self.room.pk]))

    def test_it_filters_by_deed_and_by_person(self):
        services.mute_member(self.moderator, self.room.pk, self.member.pk, 5, "first")
        services.ban_member(self.owner, self.room.pk, self.member.pk, None, "second")
        services.remove_member(self.owner, self.room.pk, self.moderator.pk, "third")
        self.client.force_login(self.owner)
        for query, found in [
            ({}, ["third", "second", "first"]),
            ({"kind": "ban"}, ["second"]),
            ({"person": "@Moderator"}, ["third", "first"]),
            ({"kind": "mute", "person": "owner"}, []),
            ({"kind": "nonsense"}, ["third", "second", "first"]),
        ]:
            self.assertEqual([action.detail for action in self.log(**query).context["page"]], found, query)

    def test_a_long_log_has_pages_that_keep_the_filter_and_takes_the_same_queries(self):
        self.client.force_login(self.owner)
        services.mute_member(self.moderator, self.room.pk, self.member.pk, 5)
        self.log()  # the first look makes the person's room list
        with CaptureQueriesContext(connection) as few:
            self.log()
        for number in range(60):
            services.mute_member(self.moderator, self.room.pk, self.member.pk, 5, f"number {number}")
        with CaptureQueriesContext(connection) as many:
            page = self.log(person="member")
        self.assertEqual(len(many), len(few))
        self.assertContains(page, 'href="?person=member&amp;page=2"')
        self.assertContains(self.log(person="member", page=2), 'href="?person=member&amp;page=1"')

    def test_actions_of_another_room_are_not_in_it(self):
        elsewhere = Place(name="elsewhere")
        services.mute_member(elsewhere.moderator, elsewhere.room.pk, elsewhere.member.pk, 5, "elsewhere")
        self.client.force_login(self.owner)
        self.assertEqual(list(self.log().context["page"]), [])
