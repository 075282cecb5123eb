"""Rooms and people's lists of them: what a change of a room costs, and in what order rows are held."""

from uuid import uuid4

import pytest
from asgiref.sync import sync_to_async as in_thread
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Membership, Room, RoomList
from chat.tests.people import Place
from realtime.protocol import Refusal
from realtime.testing import Browser, RealtimeTestCase


class ListTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place()
        self.room = self.place.room

    def test_a_room_is_renamed_in_a_number_of_queries_that_does_not_depend_on_its_members(self):
        with CaptureQueriesContext(connection) as few:
            services.change_room(self.place.owner, self.room.pk, name="Haven")
        for i in range(5):
            self.place.newcomer(f"person{i}")
        with CaptureQueriesContext(connection) as many:
            services.change_room(self.place.owner, self.room.pk, name="Harbour again")
        self.assertEqual(len(few), len(many))

    def test_each_member_is_told_of_it_with_the_next_revision_of_their_list(self):
        services.archive_room(self.place.owner, self.room.pk)
        self.room.refresh_from_db()
        members = Membership.objects.active().filter(room=self.room)
        told = dict(members.values_list("user_id", "list_rev"))
        self.assertEqual(told, dict(RoomList.objects.values_list("user_id", "rev")))
        self.assertEqual(set(told.values()), {1})

    def test_what_one_says_oneself_is_not_unread_to_oneself(self):
        self.place.say(self.place.member)
        self.place.say(self.place.member)
        counts = {name: self.unread(getattr(self.place, name)) for name in ("member", "owner")}
        self.assertEqual(counts, {"member": 0, "owner": 2})

    def test_who_answers_without_having_read_the_rest_has_it_unread_still(self):
        self.place.say(self.place.owner)
        self.place.say(self.place.member)
        self.assertEqual(self.place.membership(self.place.member).last_read_seq, 0)

    def test_words_of_others_after_ones_own_in_the_same_transaction_are_unread(self):
        authors = [self.place.member, self.place.owner]
        services.post_messages([services.Draft(self.room.pk, author, "Ahoy", client_id=uuid4()) for author in authors])
        self.assertEqual(self.unread(self.place.member), 1)

    async def test_other_tabs_hear_that_ones_own_words_are_read(self):
        member = self.place.member
        await in_thread(services.room_list_of)(member)
        async with await Browser.open(member) as tab:
            await tab.resume(**{f"chat_list_{member.pk}": None})
            await in_thread(self.place.say)(member)
            line = await tab.expect("chat.list.changed")
            self.assertEqual((line["last_read_seq"], line["last_seq"]), (1, 1))

    def test_an_archived_room_is_found_by_those_who_are_in_it(self):
        services.archive_room(self.place.owner, self.room.pk)
        for user, is_listed in [(self.place.member, True), (self.place.stranger, False)]:
            self.client.force_login(user)
            listed = self.room in self.client.get("/chat/?browse").context["archived"]
            self.assertEqual(listed, is_listed, user)

    def test_who_comes_and_goes_without_end_is_slowed(self):
        with self.assertRaises(Refusal) as caught:
            for _ in range(50):
                services.join_room(self.place.stranger, self.room.pk)
                services.leave_room(self.place.stranger, self.room.pk)
        self.assertEqual(caught.exception.code, "rate_limited")

    def unread(self, user):
        return Membership.objects.select_related("room").get(room=self.room, user=user).unread_count

    @pytest.mark.only_on("postgresql")  # SQLite holds the whole database
    def test_memberships_are_held_before_lists_by_who_reads_and_by_who_renames(self):
        """Two who hold the same rows in different orders wait for each other until the database ends one of them."""
        self.place.say(self.place.owner)
        for change in [
            lambda: services.mark_read(self.place.member, self.room.pk, 1),
            lambda: services.change_room(self.place.owner, self.room.pk, name="Haven"),
        ]:
            with CaptureQueriesContext(connection) as queries:
                change()
            self.assertEqual(tables_held([query["sql"] for query in queries])[-2:], [Membership, RoomList])


def tables_held(statements):
    """The tables of which rows are held, in order of the first time."""
    held = []
    for statement in statements:
        for model in (Room, Membership, RoomList):
            if "FOR UPDATE" in statement and f'FROM "{model._meta.db_table}"' in statement and model not in held:
                held.append(model)
    return held
