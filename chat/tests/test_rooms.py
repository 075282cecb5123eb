"""Rooms and people's lists of them: what a change of a room costs, and in what order rows are held."""

from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chat import services
from chat.models import Membership, Room, RoomList
from chat.tests.people import Place
from realtime.protocol import Refusal
from realtime.testing import RealtimeTestCase


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

    def test_what_is_said_on_a_plain_page_is_not_unread_to_its_author(self):
        self.place.say(self.place.owner)
        services.mark_read(self.place.owner, self.room.pk, 1)
        for author in (self.place.owner, self.place.member):  # the member has not read what was said before
            self.client.force_login(author)
            self.client.post(reverse("chat:message_create", args=[self.room.pk]), {"body": "Ahoy", "client_id": uuid4()})
        read = [self.place.membership(author).last_read_seq for author in (self.place.owner, self.place.member)]
        self.assertEqual(read, [2, 0])

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
