"""A room that is followed without scripts: it asks often, is answered seldom, and asks no more when it may not."""

from uuid import uuid4

from django.urls import reverse

from chat import services
from chat.tests.people import Place
from realtime.testing import RealtimeTestCase


class FollowTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place("closed")
        self.room = self.place.room
        self.message = self.place.say(self.place.owner, "first")
        self.client.force_login(self.place.member)
        self.url = reverse("chat:room_follow", args=[self.room.pk])

    def look(self, etag="", **query):
        return self.client.get(self.url, query, headers={"If-None-Match": etag} if etag else {})

    def test_it_shows_the_newest_first_and_refreshes_itself(self):
        self.place.say(self.place.owner, "second")
        answer = self.look()
        page = answer.content.decode()
        self.assertLess(page.index("second"), page.index("first"))
        self.assertEqual((answer["Refresh"], answer["Cache-Control"]), ("5", "private, no-cache"))
        self.assertNotIn("<script", page)

    def test_it_can_be_paused(self):
        answer = self.look(paused="")
        self.assertNotIn("Refresh", answer)
        self.assertContains(answer, "Go on")
        self.assertEqual((answer["Cache-Control"], "ETag" in answer), ("no-store, private", False))

    def test_nothing_new_is_a_short_answer_that_keeps_it_refreshing(self):
        etag = self.look()["ETag"]
        with self.assertNumQueries(3), self.assertTemplateNotUsed("chat/room_follow.html"):  # session, person, room
            answer = self.look(etag)
        self.assertEqual((answer.status_code, answer.content, answer["Refresh"]), (304, b"", "5"))

    def test_whatever_changes_on_it_makes_it_a_new_page(self):
        owner, pk = self.place.owner, self.room.pk
        for change in [
            lambda: self.place.say(owner, "second"),
            lambda: services.set_reaction(self.place.member, pk, self.message.pk, "👍", True, uuid4()),
            lambda: services.edit_message(owner, pk, self.message.pk, "changed", uuid4()),
            lambda: services.change_room(owner, pk, name="quay"),
            lambda: services.delete_message(owner, pk, self.message.pk, uuid4()),
        ]:
            etag = self.look()["ETag"]
            change()
            self.assertEqual(self.look(etag).status_code, 200)

    def test_it_is_nobody_elses_page(self):
        etag = self.look()["ETag"]
        self.client.force_login(self.place.owner)
        self.assertEqual(self.look(etag).status_code, 200)

    def test_a_new_log_in_brings_buttons_that_work(self):
        etag = self.look()["ETag"]
        self.client.logout()
        self.client.cookies.clear()
        self.client.force_login(self.place.member)
        self.assertEqual(self.look(etag).status_code, 200)

    def test_who_is_removed_or_logged_out_sees_no_more_and_asks_no_more(self):
        etag = self.look()["ETag"]
        services.remove_member(self.place.owner, self.room.pk, self.place.member.pk)
        answer = self.look(etag)
        self.assertEqual((answer.status_code, "Refresh" in answer), (404, False))
        self.client.logout()
        answer = self.look(etag)
        self.assertEqual((answer.status_code, "Refresh" in answer), (302, False))

    def test_no_frame_may_hold_it(self):
        answer = self.look()
        self.assertEqual(answer["X-Frame-Options"], "DENY")
        self.assertIn("frame-ancestors 'none'", answer["Content-Security-Policy"])

    def test_an_empty_room_and_a_direct_one(self):
        room = services.open_direct_room(self.place.member, self.place.owner)
        answer = self.client.get(reverse("chat:room_follow", args=[room.pk]))
        self.assertContains(answer, "Nobody has said anything yet.")
        self.assertContains(answer, "<title>owner ·")

    def test_the_page_of_the_room_leads_there_where_scripts_are_off(self):
        self.assertContains(self.client.get(self.room.get_absolute_url()), f'<a href="{self.url}">Follow the room</a>')
