"""Rooms and people's lists of them: what a change of a room costs, and in what order rows are held."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Membership, Room, RoomList
from chat.tests.people import Place
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
