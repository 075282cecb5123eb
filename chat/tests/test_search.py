"""Search finds what the person may read, and nothing that is gone, on both databases."""

from datetime import UTC, date, datetime, timedelta
from urllib.parse import parse_qsl
from uuid import uuid4

from django.contrib.auth.models import AnonymousUser, User
from django.test import SimpleTestCase
from django.urls import reverse
from django.utils.timezone import now
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase as HypothesisTestCase

from chat import markup, services
from chat.models import Membership, Message, Room
from chat.search import highlight, parse, search_messages
from realtime.limits import unlimited
from realtime.testing import RealtimeTestCase


class SearchTestCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = User.objects.create(username="ann")
        self.bob = User.objects.create(username="bob")
        self.room = services.create_room(self.ann, name="launch")

    def say(self, body, author=None, room=None):
        room = room or self.room
        with unlimited():
            posted = services.post_message(services.Draft(room.pk, author or self.ann, body, client_id=uuid4()))
        return Message.objects.get(pk=posted.id)

    def found(self, query, user=None, **filters):
        return [hit.message.body for hit in search_messages(user or self.ann, query, **filters)]


class WordTests(SearchTestCase):
    def test_every_word_must_be_there_and_the_latest_comes_first(self):
        self.say("The rocket is on the pad")
        self.say("The rocket flies")
        self.say("No news")
        self.assertEqual(self.found("the rocket"), ["The rocket flies", "The rocket is on the pad"])
        self.assertEqual(self.found("rocket pad"), ["The rocket is on the pad"])

    def test_case_and_accents_do_not_matter(self):
        self.say("Meet me in the CAFÉ")
        self.assertEqual(self.found("cafe"), ["Meet me in the CAFÉ"])
        self.say("the cafe is closed")
        self.assertEqual(len(self.found("Café")), 2)

    def test_the_last_word_may_be_unfinished(self):
        self.say("countdown started")
        self.assertEqual(len(self.found("countdown star")), 1)
        self.assertEqual(self.found("count started"), [])

    def test_words_in_quotes_follow_each_other(self):
        self.say("open the pod bay doors")
        self.assertEqual(len(self.found('"pod bay"')), 1)
        self.assertEqual(self.found('"bay pod"'), [])
        self.assertEqual(len(self.found('"pod bay" open')), 1)

    def test_punctuation_parts_words_so_that_parts_of_links_are_found(self):
        self.say("see https://example.com/launch-plan?x=countdown for more")
        for query in ["example.com", "launch-plan", "plan", "countdown", "https://example.com/launch-plan"]:
            self.assertEqual(len(self.found(query)), 1, query)

    def test_other_scripts_are_found(self):
        for body in ["Привет мир", "हिन्दी में लिखो", "مرحبا بالعالم", "今日は"]:
            self.say(body)
            self.assertEqual(self.found(body), [body])
        self.assertEqual(self.found("привет"), ["Привет мир"])

    def test_operators_are_words_like_others(self):
        self.say("fish and chips")
        self.assertEqual(self.found("fish OR nothing"), [])
        self.assertEqual(self.found("fish AND chips"), ["fish and chips"])
        self.assertEqual(self.found("fish NOT chips"), [])
        for query in ["body:fish", "fish*", "NEAR(fish chips)", "'fish' & 'chips", "fish:* | x", "^fish", "-fish", '"fish']:
            self.found(query)  # no syntax error

    def test_punctuation_alone_finds_nothing(self):
        self.say("hello")
        for query in ['"', "''", '""', "( ) & | ! <-> :*", "\\", "😀", "\u202e", "%", "_", "\0"]:
            self.assertEqual(self.found(query), [], query)


class SyntaxTests(HypothesisTestCase):
    @classmethod
    def setUpTestData(cls):
        cls.ann = User.objects.create(username="ann")
        cls.room = Room.objects.create(name="launch")

    @settings(max_examples=150, deadline=None)
    @given(st.text(max_size=60))
    def test_no_query_is_an_error(self, query):
        search_messages(self.ann, query)

    @settings(max_examples=60, deadline=None)
    @given(st.text(st.characters(categories=["L", "N"], max_codepoint=0x17F), min_size=1, max_size=20))
    def test_a_message_of_one_word_is_found_by_it(self, word):
        Message.objects.create(room=self.room, seq=1, rev=1, posted_rev=1, author_name="ann", body=f"so {word}, then")
        self.assertEqual(len(search_messages(self.ann, word)), 1)


class StepTests(SearchTestCase):
    def test_an_edited_message_is_found_by_its_new_words_only(self):
        message = self.say("meet at noon")
        services.edit_message(self.ann, self.room.pk, message.pk, "meet at midnight", uuid4())
        self.assertEqual(self.found("midnight"), ["meet at midnight"])
        self.assertEqual(self.found("noon"), [])

    def test_a_deleted_message_is_not_found(self):
        message = self.say("secret plan")
        services.delete_message(self.ann, self.room.pk, message.pk, uuid4())
        self.assertEqual(self.found("secret"), [])
        self.assertEqual(self.found("", author="ann"), [])

    def test_bulk_changes_behind_the_back_of_the_services_are_seen(self):
        self.say("one apple")
        Message.objects.bulk_create(
            Message(room=self.room, seq=seq, rev=seq, posted_rev=seq, author_name="ann", body=f"pear {seq}")
            for seq in range(100, 103)
        )
        self.assertEqual(len(self.found("pear")), 3)
        Message.objects.filter(body__startswith="pear").update(body="plum")
        self.assertEqual((len(self.found("pear")), len(self.found("plum"))), (0, 3))
        Message.objects.filter(body="plum").delete()
        self.assertEqual(self.found("plum"), [])
        self.assertEqual(self.found("apple"), ["one apple"])


class PermissionTests(SearchTestCase):
    def test_a_stranger_finds_nothing_of_a_closed_room(self):
        closed = services.create_room(self.ann, name="board", kind=Room.Kind.CLOSED)
        self.say("the budget", room=closed)
        self.assertEqual(self.found("budget"), ["the budget"])
        self.assertEqual(self.found("budget", self.bob), [])
        self.assertEqual(self.found("", self.bob, room=closed), [])

    def test_two_people_find_their_direct_messages_and_a_third_does_not(self):
        direct = services.open_direct_room(self.ann, self.bob)
        self.say("between us", room=direct)
        self.assertEqual(len(self.found("between us", self.bob)), 1)
        self.assertEqual(self.found("between us", User.objects.create(username="sam", is_staff=True)), [])

    def test_who_left_or_is_banned_finds_nothing_any_more(self):
        closed = services.create_room(self.ann, name="board", kind=Room.Kind.CLOSED)
        services.invite_member(self.ann, closed.pk, self.bob)
        self.say("the budget", room=closed)
        self.assertEqual(len(self.found("budget", self.bob)), 1)
        services.leave_room(self.bob, closed.pk)
        self.assertEqual(self.found("budget", self.bob), [])
        services.join_room(self.bob, self.room.pk)
        self.say("in the open")
        Membership.objects.filter(room=self.room, user=self.bob).update(banned_until=now() + timedelta(hours=1))
        self.assertEqual(self.found("open", self.bob), [])

    def test_archived_rooms_stay_searchable(self):
        self.say("old wisdom")
        services.archive_room(self.ann, self.room.pk)
        self.assertEqual(self.found("wisdom", self.bob), ["old wisdom"])

    def test_who_is_not_logged_in_finds_nothing(self):
        self.say("hello")
        self.assertEqual(self.found("hello", AnonymousUser()), [])


class FilterTests(SearchTestCase):
    def test_by_room(self):
        other = services.create_room(self.ann, name="other")
        self.say("tea here")
        self.say("tea there", room=other)
        self.assertEqual(self.found("tea", room=other), ["tea there"])

    def test_by_author_with_and_without_words(self):
        services.join_room(self.bob, self.room.pk)
        self.say("tea")
        self.say("tea please", self.bob)
        self.assertEqual(self.found("tea", author="@Bob"), ["tea please"])
        self.assertEqual(self.found("", author="bob"), ["tea please"])

    def test_by_days_both_included(self):
        for day in (1, 2, 3):
            message = self.say(f"tea on day {day}")
            at = datetime(2026, 3, day, 23, 59, 59, tzinfo=UTC)
            Message.objects.filter(pk=message.pk).update(created_at=at)
        self.assertEqual(self.found("tea", since=date(2026, 3, 2)), ["tea on day 3", "tea on day 2"])
        self.assertEqual(self.found("tea", until=date(2026, 3, 2)), ["tea on day 2", "tea on day 1"])
        self.assertEqual(self.found("tea", since=date(2026, 3, 2), until=date(2026, 3, 2)), ["tea on day 2"])
        self.assertEqual(self.found("tea", since=date.max, until=date.min), [])

    def test_pages_follow_each_other_without_gap_or_repeat(self):
        for number in range(7):
            self.say(f"tea {number}")
        bodies, before = [], None
        while hits := search_messages(self.ann, "tea", limit=3, before=before):
            bodies += [hit.message.body for hit in hits]
            before = hits[-1].message.pk
        self.assertEqual(bodies, [f"tea {number}" for number in reversed(range(7))])

    def test_the_number_of_queries_does_not_depend_on_the_hits(self):
        for number in range(5):
            self.say(f"tea {number}")
        with self.assertNumQueries(2):
            self.found("tea")


class HighlightTests(SimpleTestCase):
    def mark(self, text, query):
        return str(highlight(text, parse(query)))

    def test_words_and_beginnings_are_marked(self):
        self.assertEqual(self.mark("The Café opens", "cafe op"), "The <mark>Café</mark> <mark>opens</mark>")
        self.assertEqual(self.mark("“Tea”, she said", "tea she"), "“<mark>Tea</mark>”, <mark>she</mark> said")

    def test_markup_in_a_message_is_text_in_a_result(self):
        html = self.mark("<script>alert(1)</script> & tea", "script tea")
        self.assertEqual(html, "&lt;<mark>script</mark>&gt;alert(1)&lt;/<mark>script</mark>&gt; &amp; <mark>tea</mark>")

    def test_the_marks_of_markdown_are_not_shown(self):
        self.assertEqual(markup.plain_text(markup.render("**bold** `code` <b>\n\n> quote")), "bold code <b> quote")

    def test_a_long_message_is_cut_around_the_hit(self):
        html = self.mark("word " * 400 + "needle " + "word " * 400, "needle")
        self.assertIn("<mark>needle</mark>", html)
        self.assertLess(len(html), 300)
        self.assertTrue(html.startswith("…") and html.endswith("…"))

    def test_a_word_longer_than_the_excerpt_is_survived(self):
        self.assertIn("…", self.mark("x" * 4_000 + " needle", "needle"))
        self.assertIn("…", self.mark("x" * 4_000, "xx"))


class HighlightPropertyTests(SimpleTestCase):
    @settings(max_examples=200, deadline=None)
    @given(st.text(max_size=600), st.text(max_size=30))
    def test_nothing_but_marks_ever_comes_out_as_html(self, text, query):
        html = str(highlight(text, parse(query)))
        bare = html.replace("<mark>", "").replace("</mark>", "")
        self.assertNotRegex(bare, r"[<>\"']")


class PageTests(SearchTestCase):
    def page(self, user=None, **query):
        self.client.force_login(user or self.ann)
        return self.client.get(reverse("chat:message_search"), query)

    def test_without_a_question_it_says_how_to_ask(self):
        self.assertContains(self.page(), "What are you looking for?")
        self.assertContains(self.page(before="3"), "What are you looking for?")

    def test_a_hit_links_to_its_place_in_the_room(self):
        message = self.say("the **rocket** <b>flies</b>")
        page = self.page(q="rock")
        self.assertContains(page, message.get_absolute_url())
        self.assertContains(page, "the <mark>rocket</mark> &lt;b&gt;flies&lt;/b&gt;")

    def test_nothing_found_is_said(self):
        self.assertContains(self.page(q="unheard of"), "Nothing found")

    def test_filters_work_together_and_stay_in_the_form(self):
        self.say("the rocket")
        page = self.page(q="rocket", room=self.room.pk, author="ann", since="2020-01-01", until="2999-01-01")
        self.assertContains(page, "<mark>rocket</mark>")
        self.assertContains(page, 'value="2020-01-01"')
        self.assertNotContains(self.page(q="rocket", author="bob"), "<mark>")

    def test_more_than_a_page_links_to_the_older_ones_and_keeps_the_question(self):
        for number in range(21):
            self.say(f"tea {number}")
        page = self.page(q="tea", author="ann")
        self.assertContains(page, "q=tea&amp;author=ann&amp;before=")
        self.assertNotContains(page, ">tea 0<")
        older = self.page(**dict(parse_qsl(page.context["older"])))
        self.assertContains(older, 'class="search-hit"', count=1)

    def test_a_question_that_makes_no_sense_is_answered_with_what_is_wrong(self):
        for query in [{"since": "tomorrow"}, {"room": "999999"}, {"room": "x"}, {"before": "-1"}, {"before": "9" * 400}]:
            self.assertEqual(self.page(q="x", **query).status_code, 200, query)
        self.assertContains(self.page(since="tomorrow"), "errorlist")

    def test_a_stranger_cannot_ask_for_a_room_that_is_not_theirs(self):
        closed = services.create_room(self.ann, name="board secrets", kind=Room.Kind.CLOSED)
        page = self.page(self.bob, q="x", room=closed.pk)
        self.assertNotContains(page, "board secrets")

    def test_it_is_for_people_who_are_logged_in(self):
        self.assertEqual(self.client.get(reverse("chat:message_search")).status_code, 302)
