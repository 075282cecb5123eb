"""The pages of chat: who may see and do what, what is refused and how, and that none of it needs scripts."""

from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import User
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from chat import services
from chat.models import Membership, Message, Room
from chat.services.messages import posts_per_person
from chat.views import members, rooms
from realtime.testing import RealtimeTestCase, forget_limits

XSS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "<svg/onload=alert(1)>",
    '"><b onmouseover=alert(1)>x</b>',
    "https://example.org/\"onmouseover='alert(1)'",
    "`</code><script>alert(1)</script>`",
    "<style>*{display:none}</style>",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
]


class ViewCase(RealtimeTestCase):
    @classmethod
    def setUpTestData(cls):
        names = ["ann", "bob", "cat", "dan"]
        cls.ann, cls.bob, cls.cat, cls.dan = (User.objects.create_user(name) for name in names)
        forget_limits()
        cls.open = services.create_room(cls.ann, name="Open", topic="Everything")
        cls.closed = services.create_room(cls.ann, name="Closed", kind="closed")
        cls.direct = services.open_direct_room(cls.ann, cls.bob)
        services.join_room(cls.bob, cls.open.pk)
        services.invite_member(cls.ann, cls.closed.pk, cls.bob)

    def browser(self, person):
        client = Client()
        if person:
            client.force_login(person)
        return client

    def say(self, person, room, body="Hello", **more):
        forget_limits()
        posted = services.post_message(services.Draft(room.pk, person, body, client_id=uuid4(), **more))
        return Message.objects.get(pk=posted.id)

    def get(self, person, path, **query):
        return self.browser(person).get(path, query)

    def post(self, person, path, **fields):
        return self.browser(person).post(path, fields)


class AccessTests(ViewCase):
    def test_who_may_see_which_page(self):
        for room in [self.open, self.closed, self.direct]:
            self.say(self.ann, room)
        paths = {
            self.open: {"ann": 200, "bob": 200, "cat": 200, "nobody": 302},
            self.closed: {"ann": 200, "bob": 200, "cat": 404, "nobody": 302},
            self.direct: {"ann": 200, "bob": 200, "cat": 404, "nobody": 302},
        }
        people = {"ann": self.ann, "bob": self.bob, "cat": self.cat, "nobody": None}
        for room, expected in paths.items():
            for name, status in expected.items():
                for path in ["", "members/", "messages/", "messages/1/", "messages/1/history/"]:
                    with self.subTest(room=str(room), person=name, path=path):
                        self.assertEqual(self.get(people[name], f"/chat/{room.pk}/{path}").status_code, status)

    def test_a_banned_person_finds_no_room(self):
        services.ban_member(self.ann, self.open.pk, self.bob.pk, minutes=60)
        self.assertEqual(self.get(self.bob, f"/chat/{self.open.pk}/").status_code, 404)

    def test_settings_are_for_moderators(self):
        path = f"/chat/{self.open.pk}/edit/"
        self.assertEqual(self.get(self.ann, path).status_code, 200)
        self.assertEqual(self.get(self.bob, path).status_code, 404)
        self.assertEqual(self.get(self.cat, path).status_code, 404)

    def test_changing_something_takes_a_post(self):
        for path in [
            "join/",
            "leave/",
            "archive/",
            "read/",
            "members/add/",
            "invite/renew/",
            "messages/post/",
            "messages/1/react/",
        ]:
            with self.subTest(path):
                self.assertEqual(self.get(self.ann, f"/chat/{self.open.pk}/{path}").status_code, 405)

    def test_a_form_of_another_site_is_refused(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.ann)
        self.assertEqual(client.post(f"/chat/{self.open.pk}/messages/post/", {"body": "x"}).status_code, 403)

    def test_who_only_looks_in_is_offered_to_join_instead_of_writing(self):
        html = self.get(self.cat, f"/chat/{self.open.pk}/").content.decode()
        self.assertIn(f"/chat/{self.open.pk}/join/", html)
        self.assertNotIn("<textarea", html)

    def test_an_archived_room_says_so_and_cannot_be_written_in(self):
        services.archive_room(self.ann, self.open.pk)
        html = self.get(self.bob, f"/chat/{self.open.pk}/").content.decode()
        self.assertIn("data-archived >", html)
        self.assertNotIn("<textarea", html)


class CompletionTests(ViewCase):
    def complete(self, person, room, q):
        return self.get(person, f"/chat/{room.pk}/members/complete/", q=q)

    def names(self, person, q):
        return [found["name"] for found in self.complete(person, self.open, q).json()["people"]]

    def test_members_are_found_by_how_their_names_begin(self):
        services.join_room(self.cat, self.open.pk)
        self.assertEqual(self.complete(self.ann, self.open, "B").json(), {"people": [{"id": self.bob.pk, "name": "bob"}]})
        for q, names in {"": ["bob", "cat"], "at": [], "dan": [], "ann": [], "%": [], "@b\0": ["bob"]}.items():
            self.assertEqual(self.names(self.ann, q), names, q)

    def test_those_who_left_or_may_not_log_in_are_not_found(self):
        services.join_room(self.cat, self.open.pk)
        services.leave_room(self.cat, self.open.pk)
        User.objects.filter(pk=self.bob.pk).update(is_active=False)
        self.assertEqual(self.names(self.ann, ""), [])

    def test_of_many_the_first_ten_are_told(self):
        people = User.objects.bulk_create([User(username=f"guest{number:02}") for number in range(12)])
        Membership.objects.bulk_create([Membership(room=self.open, user=person) for person in people])
        self.assertEqual(self.names(self.ann, "guest"), [f"guest{number:02}" for number in range(10)])

    def test_who_is_not_in_the_room_learns_nothing(self):
        self.assertEqual(self.complete(self.cat, self.open, "a").status_code, 403)
        self.assertEqual(self.complete(self.cat, self.closed, "a").status_code, 404)
        self.assertEqual(self.complete(None, self.open, "a").status_code, 302)

    def test_whoever_asks_too_often_is_told_when_to_come_back(self):
        with mock.patch.object(members.completions_per_person, "burst", 1):
            self.assertEqual(self.complete(self.ann, self.open, "b").status_code, 200)
            answer = self.complete(self.ann, self.open, "b")
        self.assertEqual((answer.status_code, answer.headers["Retry-After"]), (429, "1"))

    def test_the_page_asks_only_where_it_does_not_list_everybody(self):
        url = f"/chat/{self.open.pk}/members/complete/"
        self.assertNotContains(self.get(self.ann, f"/chat/{self.open.pk}/"), url)
        with mock.patch.object(rooms, "MEMBERS_SHOWN", 1):
            self.assertContains(self.get(self.ann, f"/chat/{self.open.pk}/"), url)


class PostingTests(ViewCase):
    def path(self, room=None):
        return f"/chat/{(room or self.open).pk}/messages/post/"

    def test_a_form_posts_a_message_once_however_often_it_is_sent(self):
        fields = {"body": "From a form", "client_id": uuid4()}
        first, second = self.post(self.bob, self.path(), **fields), self.post(self.bob, self.path(), **fields)
        message = Message.objects.get(body="From a form")
        self.assertRedirects(first, f"/chat/{self.open.pk}/#message-{message.pk}")
        self.assertRedirects(second, f"/chat/{self.open.pk}/#message-{message.pk}")

    def test_what_is_refused_comes_back_with_the_reason_and_the_words(self):
        services.mute_member(self.ann, self.open.pk, self.bob.pk, minutes=10)
        response = self.post(self.bob, self.path(), body="Let me speak", client_id=uuid4())
        self.assertContains(response, "You are muted until", status_code=403)
        self.assertContains(response, "Let me speak", status_code=403)

    def test_nothing_is_not_a_message(self):
        response = self.post(self.bob, self.path(), body="   ", client_id=uuid4())
        self.assertContains(response, "Say something.", status_code=422)

    def test_too_long_is_refused(self):
        response = self.post(self.bob, self.path(), body="x" * 4001, client_id=uuid4())
        self.assertEqual(response.status_code, 422)

    def test_too_fast_is_refused(self):
        with mock.patch.object(posts_per_person, "per_second", 0.01):  # ten posts may take longer than one is worth
            for _ in range(10):
                self.post(self.bob, self.path(), body="Fast", client_id=uuid4())
            response = self.post(self.bob, self.path(), body="Too fast", client_id=uuid4())
        self.assertContains(response, "Too fast", status_code=429)

    def test_who_is_not_in_the_room_cannot_post(self):
        self.assertEqual(self.post(self.cat, self.path(), body="x", client_id=uuid4()).status_code, 403)
        self.assertEqual(self.post(self.cat, self.path(self.closed), body="x", client_id=uuid4()).status_code, 404)

    def test_a_message_is_edited_by_its_author_alone(self):
        path = f"{self.say(self.bob, self.open, 'Befor').get_absolute_url()}edit/"
        self.assertContains(self.get(self.bob, path), "Befor")
        self.assertEqual(self.post(self.ann, path, body="Hijacked").status_code, 403)
        self.assertEqual(self.post(self.bob, path, body="Before").status_code, 302)
        self.assertEqual(Message.objects.get(seq=1, room=self.open).body, "Before")

    def test_the_history_shows_what_was_said_before(self):
        message = self.say(self.bob, self.open, "Version one")
        services.edit_message(self.bob, self.open.pk, message.pk, "Version two", uuid4())
        response = self.get(self.cat, f"{message.get_absolute_url()}history/")
        self.assertContains(response, "Version one")
        self.assertContains(response, "Version two")

    def test_a_message_is_deleted_by_its_author_or_a_moderator(self):
        for person, status in [(self.cat, False), (self.bob, True), (self.ann, True)]:
            message = self.say(self.bob, self.open)
            self.assertEqual(self.post(person, f"{message.get_absolute_url()}delete/").status_code, 302)
            message.refresh_from_db()
            self.assertEqual(message.is_deleted, status)

    def test_a_reaction_is_put_and_taken_back(self):
        message = self.say(self.ann, self.open)
        path = f"{message.get_absolute_url()}react/"
        self.post(self.bob, path, emoji="👍")
        self.assertEqual([(r.emoji, r.user) for r in message.reactions.all()], [("👍", self.bob)])
        self.post(self.bob, path, emoji="👍")
        self.assertFalse(message.reactions.exists())
        self.post(self.bob, path, emoji="<b>")
        self.assertFalse(message.reactions.exists())


class ReadingTests(ViewCase):
    def setUp(self):
        super().setUp()
        Message.objects.bulk_create(
            Message(room=self.open, seq=n, rev=n, posted_rev=n, author=self.ann, author_name="ann", html=f"<p>{n}</p>")
            for n in range(1, 121)
        )
        Room.objects.filter(pk=self.open.pk).update(last_seq=120)

    def seqs(self, **query):
        response = self.get(self.bob, f"/chat/{self.open.pk}/messages/", **query)
        page = response.context["page"]
        return [message.seq for message in page.messages], page.has_before, page.has_after

    def test_pages_join_without_holes(self):
        last, *edges = self.seqs()
        self.assertEqual((last, edges), (list(range(71, 121)), [True, False]))
        self.assertEqual(self.seqs(before=71), (list(range(21, 71)), True, True))
        self.assertEqual(self.seqs(before=21), (list(range(1, 21)), False, True))
        self.assertEqual(self.seqs(after=100), (list(range(101, 121)), True, False))
        self.assertEqual(self.seqs(at=60), (list(range(36, 86)), True, True))

    def test_nonsense_in_the_address_is_the_end_of_the_conversation(self):
        for query in [{"before": "x"}, {"at": "-3"}, {"after": "9" * 40}, {"at": "²"}]:
            with self.subTest(query):
                self.assertEqual(self.seqs(**query)[0][-1], 120)

    def test_a_permalink_shows_the_message_between_its_neighbours(self):
        response = self.get(self.bob, f"/chat/{self.open.pk}/messages/60/")
        self.assertContains(response, 'data-at="60"')
        self.assertIn(60, [message.seq for message in response.context["page"].messages])
        self.assertEqual(self.get(self.bob, f"/chat/{self.open.pk}/messages/999/").status_code, 404)

    def test_the_unread_count_stands_in_the_list_and_ends_by_marking_as_read(self):
        self.assertContains(self.get(self.bob, "/chat/"), "<b>99+</b>")
        self.post(self.bob, f"/chat/{self.open.pk}/read/")
        self.assertEqual(Membership.objects.get(room=self.open, user=self.bob).last_read_seq, 120)
        self.assertNotContains(self.get(self.bob, "/chat/"), "<b>99+</b>")

    def test_what_a_page_asks_of_the_database_does_not_grow_with_it(self):
        def queries(path):
            client = self.browser(self.bob)
            client.get(path)  # makes the list's row, and warms caches
            with CaptureQueriesContext(connection) as captured:
                self.assertEqual(client.get(path).status_code, 200)
            return len(captured)

        paths = [f"/chat/{self.open.pk}/", f"/chat/{self.open.pk}/messages/", "/chat/?browse"]
        services.set_reaction(self.bob, self.open.pk, self.say(self.bob, self.open).pk, "👍", True, uuid4())
        before = [queries(path) for path in paths]
        for n in range(6):
            forget_limits()
            person = User.objects.create_user(f"extra{n}")
            services.join_room(person, self.open.pk)
            room = services.create_room(person, name=f"Another {n}")
            services.join_room(self.bob, room.pk)
            services.create_room(person, name=f"Elsewhere {n}")
            parent = self.say(person, self.open, "A question")
            answer = self.say(person, self.open, "An answer", reply_to=parent.pk)
            services.set_reaction(self.bob, self.open.pk, answer.pk, "👍", True, uuid4())
        self.assertEqual([queries(path) for path in paths], before)
        self.assertLessEqual(max(before), 16)


class RoomTests(ViewCase):
    def test_a_room_is_created_and_opened(self):
        response = self.post(self.cat, "/chat/new/", name="Fresh", topic="", kind="closed")
        room = Room.objects.get(name="Fresh")
        self.assertRedirects(response, f"/chat/{room.pk}/")
        self.assertEqual(room.kind, "closed")

    def test_a_room_without_a_name_is_refused_in_the_form(self):
        for name in ["", "   "]:
            self.assertEqual(self.post(self.cat, "/chat/new/", name=name, kind="open").status_code, 422)

    def test_a_direct_room_is_one_for_two(self):
        first = self.post(self.cat, "/chat/direct/", username="DAN")
        again = self.post(self.dan, "/chat/direct/", username="@cat")
        self.assertEqual(first.url, again.url)
        self.assertContains(self.get(self.cat, first.url), "Message dan")

    def test_nobody_talks_to_themselves_or_to_nobody(self):
        self.assertContains(self.post(self.cat, "/chat/direct/", username="cat"), "somebody else", status_code=422)
        self.assertContains(self.post(self.cat, "/chat/direct/", username="zoe"), "nobody called", status_code=422)

    def test_people_are_found_by_a_part_of_their_name(self):
        response = self.get(self.ann, "/chat/direct/", q="@ca")
        self.assertEqual([person.username for person in response.context["people"]], ["cat"])

    def test_joining_and_leaving(self):
        self.assertRedirects(self.post(self.cat, f"/chat/{self.open.pk}/join/"), f"/chat/{self.open.pk}/")
        self.assertRedirects(self.post(self.cat, f"/chat/{self.open.pk}/leave/"), "/chat/")
        self.assertFalse(Membership.objects.active().filter(room=self.open, user=self.cat).exists())
        self.assertEqual(self.post(self.cat, f"/chat/{self.closed.pk}/join/").status_code, 404)

    def test_an_invitation_is_accepted_by_pressing_not_by_looking(self):
        path = f"/chat/invite/{self.closed.invite_code}/"
        self.assertContains(self.get(self.cat, path), "Join Closed?")
        self.assertFalse(Membership.objects.filter(room=self.closed, user=self.cat).exists())
        self.assertRedirects(self.post(self.cat, path), f"/chat/{self.closed.pk}/")
        self.assertRedirects(self.get(self.cat, path), f"/chat/{self.closed.pk}/")

    def test_an_old_invitation_ends_with_a_new_one(self):
        self.post(self.ann, f"/chat/{self.closed.pk}/invite/renew/")
        path = f"/chat/invite/{self.closed.invite_code}/"
        self.assertEqual(self.get(self.cat, path).status_code, 404)
        self.assertEqual(self.post(self.cat, path).status_code, 404)

    def test_the_invite_link_is_shown_to_those_who_may_give_it(self):
        path = f"/chat/{self.closed.pk}/members/"
        self.assertContains(self.get(self.ann, path), self.closed.invite_code)
        self.assertNotContains(self.get(self.bob, path), self.closed.invite_code)

    def test_somebody_is_added_by_name(self):
        path = f"/chat/{self.closed.pk}/members/add/"
        self.assertEqual(self.post(self.ann, path, username="cat").status_code, 302)
        self.assertTrue(Membership.objects.active().filter(room=self.closed, user=self.cat).exists())
        self.assertEqual(self.post(self.bob, path, username="dan").status_code, 403)
        self.assertContains(self.post(self.ann, path, username="zoe"), "nobody called", status_code=422)

    def test_moderators_alone_see_the_means_of_moderation(self):
        path = f"/chat/{self.open.pk}/members/{self.bob.pk}/mute/"
        self.assertContains(self.get(self.ann, f"/chat/{self.open.pk}/"), path)
        self.assertNotContains(self.get(self.bob, f"/chat/{self.open.pk}/"), "/mute/")

    def test_the_settings_are_changed(self):
        self.post(self.ann, f"/chat/{self.open.pk}/edit/", name="Opener", topic="Less", slow_mode_seconds="30")
        room = Room.objects.get(pk=self.open.pk)
        self.assertEqual((room.name, room.topic, room.slow_mode_seconds), ("Opener", "Less", 30))
        self.assertContains(self.get(self.bob, f"/chat/{self.open.pk}/"), "Slow mode")

    def test_a_room_is_archived_and_reopened_by_its_owner(self):
        path = f"/chat/{self.open.pk}/archive/"
        self.post(self.bob, path)
        self.assertFalse(Room.objects.get(pk=self.open.pk).is_archived)
        self.post(self.ann, path, archived="1")
        self.assertTrue(Room.objects.get(pk=self.open.pk).is_archived)
        self.post(self.ann, path, archived="0")
        self.assertFalse(Room.objects.get(pk=self.open.pk).is_archived)

    def test_the_list_of_open_rooms_shows_no_closed_one(self):
        response = self.get(self.cat, "/chat/")
        self.assertContains(response, "Open")
        self.assertNotContains(response, "Closed")


class MarkupTests(ViewCase):
    def test_a_message_is_the_same_for_every_reader(self):
        """Rendered once, sent to all: whatever depends on the reader would show them somebody else's view."""
        message = self.say(self.bob, self.open, "Hello @ann")
        pages = [self.get(person, f"/chat/{self.open.pk}/").content.decode() for person in (self.ann, self.bob, self.cat)]
        html = render_to_string("chat/_message.html", {"message": Message.objects.for_display().get(pk=message.pk)})
        for page in pages:
            self.assertIn(html.strip(), page)
        self.assertNotIn("csrf", html)

    def test_nothing_that_people_type_runs(self):
        for text in XSS:
            message = self.say(self.bob, self.open, text)
            answer = self.say(self.bob, self.open, text, reply_to=message.pk)
            forget_limits()
            services.change_room(self.ann, self.open.pk, name=text[:80], topic=text)
            for path in [
                f"/chat/{self.open.pk}/",
                "/chat/",
                f"/chat/{self.open.pk}/members/",
                f"{answer.get_absolute_url()}edit/",
                f"{answer.get_absolute_url()}delete/",
                f"{answer.get_absolute_url()}history/",
                f"/chat/invite/{self.open.invite_code}/",
                "/chat/direct/?q=" + text,
            ]:
                html = self.get(self.ann if "invite" not in path else self.cat, path).content.decode().lower()
                with self.subTest(text=text, path=path):
                    for live in [
                        "<script>alert",
                        "<img src=x",
                        "<svg/onload",
                        "<b onmouseover",
                        "<style>*",
                        'href="javascript',
                        'href="data:',
                    ]:
                        self.assertNotIn(live, html)

    def test_a_deleted_message_shows_neither_words_nor_reactions(self):
        message = self.say(self.bob, self.open, "Secret words")
        self.say(self.ann, self.open, "Answer", reply_to=message.pk)
        services.set_reaction(self.ann, self.open.pk, message.pk, "👍", True, uuid4())
        services.delete_message(self.ann, self.open.pk, message.pk, uuid4())
        response = self.get(self.ann, f"/chat/{self.open.pk}/")
        self.assertNotContains(response, "Secret words")
        self.assertContains(response, "Message removed by a moderator")

    def test_somebody_who_is_gone_keeps_their_name_on_what_they_said(self):
        self.say(self.bob, self.open, "I was here")
        self.bob.delete()
        self.assertContains(self.get(self.ann, f"/chat/{self.open.pk}/"), '<span class="message__author">bob</span>')
