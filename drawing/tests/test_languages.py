"""Every page of drawing in another language, its live cards, and what a socket refuses."""

import asyncio
import re
from unittest import mock

from django.conf import settings
from django.test import Client
from django.urls import reverse
from django.utils import translation

from drawing import services
from drawing.frames import list_event
from drawing.models import TITLE_LENGTH, Board, Participant
from drawing.tests.people import PLACES, Place
from drawing.tests.tabs import Tab, new_key, rectangle
from drawing.views import boards as board_views
from drawing.views import people as people_views
from realtime.limits import unlimited
from realtime.protocol import Refusal
from realtime.signals import user_notified
from realtime.testing import RealtimeTestCase
from tests.languages import PSEUDO, leftovers, pseudo_language

GERMAN = {"Accept-Language": "de"}
DATA = (*PLACES, "Harbour", "Pond", "Mia", "Mia Two", "testserver")
OTHERS = re.compile(r"<body.*(?=<main)", re.DOTALL)  # the shell, and what other apps put into it
COOKIE = f"{settings.LANGUAGE_COOKIE_NAME}=de"


class LanguageCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(translation.override(settings.LANGUAGE_CODE))  # a request leaves its own behind
        self.place = Place()
        self.board = self.place.board

    def url(self, name, *arguments, board=None):
        return reverse(f"drawing:{name}", args=[(board or self.board).slug, *arguments])

    def client_of(self, person):
        client = Client()
        if person:
            client.force_login(getattr(self.place, person))
        return client


class PageTests(LanguageCase):
    def is_complete(self, answer):
        html = answer.content.decode()
        with self.subTest(answer.request["PATH_INFO"], status=answer.status_code):
            self.assertIn("⟦", html)
            self.assertEqual(leftovers(OTHERS.sub("", html), DATA), [])

    def looks(self, person, url, **more):
        self.is_complete(self.client_of(person).get(url, headers=PSEUDO | more))

    def test_the_list(self):
        owner, list_url = self.place.owner, reverse("drawing:board_list")
        with unlimited():
            pond = services.create_board(owner, "Pond")
            services.change_board(owner, services.create_board(owner, "Pond", Board.Access.LINK_VIEW).pk, is_locked=True)
            services.create_board(self.place.stranger, "Pond", Board.Access.PUBLIC)
            for _ in range(3):
                services.delete_board(owner, services.create_board(owner, "Pond").pk)
        with pseudo_language():
            self.looks("removed", list_url)
            for person in ("owner", "editor", "stranger"):
                self.looks(person, list_url)
            client = self.client_of("owner")
            self.is_complete(client.post(self.url("board_delete", board=pond), headers=PSEUDO, follow=True))
            self.is_complete(client.post(self.url("board_restore", board=pond), headers=PSEUDO, follow=True))
            with mock.patch.object(board_views, "PER_PAGE", 1):
                self.looks("owner", f"{list_url}?deleted=2&mine=2")

    def test_a_new_board(self):
        with pseudo_language():
            self.looks("owner", reverse("drawing:board_create"))
            answer = self.client_of("owner").post(reverse("drawing:board_create"), {"title": ""}, headers=PSEUDO)
            self.is_complete(answer)

    def test_a_board(self):
        with unlimited():
            open_board = services.create_board(self.place.owner, "Pond", Board.Access.LINK_EDIT)
        url = self.url("guest_join", board=open_board)
        with pseudo_language():
            self.looks("owner", self.url("board_detail"))
            self.looks("viewer", self.url("board_detail"))
            self.looks(None, self.url("board_detail", board=open_board))
            self.is_complete(Client().post(url, {"name": "owner"}, headers=PSEUDO))  # an account is called that
            self.is_complete(Client().post(url, {"name": ""}, headers=PSEUDO))

    def test_sharing(self):
        board = services.change_board(self.place.owner, self.board.pk, access=Board.Access.LINK_EDIT)
        services.join_as_guest(board, "Mia", "a-secret")
        gone = services.join_as_guest(board, "Mia Two", "another-secret")
        Participant.objects.filter(pk=gone.pk).update(guest_key=None, guest_name="")  # an account that was deleted
        seat = self.place.seat(self.place.editor)
        services.draw(services.Put(self.board.pk, seat.pk, new_key(), rectangle()))
        owner, url = self.client_of("owner"), self.url("board_share")
        with pseudo_language():
            self.looks("editor", url)
            with mock.patch.object(people_views, "PEOPLE_SHOWN", 2):
                self.looks("owner", url)
                self.looks("owner", url, **{"HX-Request": "true"})
            self.is_complete(owner.post(self.url("person_add"), {"username": "nobody", "role": "editor"}, headers=PSEUDO))
            self.is_complete(owner.post(self.url("person_revert", seat.number), headers=PSEUDO, follow=True))
            brought_back = {"since": "0"}
            self.is_complete(owner.post(self.url("person_revert", seat.number), brought_back, headers=PSEUDO, follow=True))
            self.is_complete(owner.post(self.url("person_role", 1), {"role": "viewer"}, headers=PSEUDO, follow=True))

    def test_no_number_in_a_page_s_data_has_a_comma(self):
        for url in (reverse("drawing:board_list"), self.url("board_detail"), self.url("board_share")):
            html = self.client_of("owner").get(url, headers=GERMAN).content.decode()
            self.assertEqual(re.findall(r'data-[\w-]+="[-\d.]*\d,\d[^"]*"', html), [])

    def test_a_script_is_told_why_not_in_its_language(self):
        headers = GERMAN | {"Accept": "application/json"}
        answer = self.client_of("owner").post(self.url("board_edit"), {"title": " "}, headers=headers)
        self.assertEqual(answer.content.decode(), "Eine Tafel braucht einen Namen.")


class StoredTests(LanguageCase):
    def test_a_copy_is_called_so_in_the_language_of_whoever_made_it_and_fits(self):
        services.change_board(self.place.owner, self.board.pk, title="x" * TITLE_LENGTH)
        with translation.override("de"):
            copy = services.duplicate_board(self.place.owner, self.board.pk)
        self.assertTrue(copy.title.endswith("x (Kopie)"))
        self.assertEqual(len(copy.title), TITLE_LENGTH)

    def test_a_notification_is_in_the_language_of_whoever_reads_it(self):
        told = []
        user_notified.connect(hear := lambda **facts: told.append(facts))
        self.addCleanup(user_notified.disconnect, hear)
        services.share_board(self.place.owner, self.board.pk, self.place.stranger, "editor")
        (facts,) = told
        with translation.override("de"):
            self.assertEqual(facts["text"], "owner hat die Tafel „Harbour“ mit Ihnen geteilt")
            self.assertEqual(facts["detail"], "Darf zeichnen")

    def test_a_refusal_is_in_the_language_of_whoever_shows_it(self):
        with translation.override("de"), self.assertRaises(Refusal) as caught:
            services.create_board(self.place.owner, "x" * 99)
        self.assertEqual(caught.exception.message, "A name may have 80 characters.")
        with translation.override("de"):
            self.assertEqual(caught.exception.message, "Ein Name darf 80 Zeichen haben.")

    def test_a_card_that_comes_to_many_is_in_no_language(self):
        place = Participant.objects.select_related("user", "board__owner").get(board=self.board, user=self.place.editor)
        with translation.override("de"):
            html = list_event(place, is_listed=True).html
        self.assertIn("<span data-word>Private</span>", html)
        self.assertIn('data-owner="owner">by owner</span>', html)


class SocketTests(LanguageCase):
    async def test_what_each_socket_is_refused_is_in_its_language_in_one_transaction_too(self):
        viewer = self.place.viewer
        async with await Tab.at(self.board, viewer, cookie=COOKIE) as german, await Tab.at(self.board, viewer) as english:
            refused = await asyncio.gather(german.put(rectangle()), english.put(rectangle()))
        self.assertEqual(
            [frame["message"] for frame in refused],
            ["Sie dürfen diese Tafel ansehen, aber nicht darauf zeichnen.", "You may look at this board, not draw on it."],
        )
