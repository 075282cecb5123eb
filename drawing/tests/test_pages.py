"""Pages over HTTP: who finds which, forms without scripts, guests, and the board in bulk."""

import gzip
from unittest import mock

from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from drawing import services, wire
from drawing.guests import COOKIE
from drawing.models import Board, Element, Participant
from drawing.services import people
from drawing.tests.people import PLACES, Place
from drawing.tests.tabs import new_key, rectangle
from drawing.views import boards as board_views
from drawing.views import people as people_views
from drawing.views.ink import MAGIC, fetches_per_person
from realtime.testing import RealtimeTestCase


class PageCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place()
        self.board = self.place.board

    def client_of(self, name):
        client = Client()
        if name:
            client.force_login(getattr(self.place, name))
        return client

    def url(self, name="board_detail", *arguments, board=None):
        return reverse(f"drawing:{name}", args=[(board or self.board).slug, *arguments])

    def put(self, data=None):
        seat = self.place.seat(self.place.owner)
        return services.draw(services.Put(self.board.pk, seat.pk, new_key(), data or rectangle())).number


class RightsTests(PageCase):
    def statuses(self, url, method="get"):
        return {name: getattr(self.client_of(name), method)(url).status_code for name in PLACES}

    def test_a_private_board_exists_for_who_is_on_it(self):
        for name in ("board_detail", "board_ink", "board_history", "board_share"):
            with self.subTest(name):
                statuses = self.statuses(self.url(name))
                self.assertEqual(statuses, dict.fromkeys(PLACES, 404) | dict.fromkeys(("owner", "editor", "viewer"), 200))

    def test_a_board_that_is_not_there_answers_alike(self):
        missing = Board(slug="no-such-board")
        for client in (self.client_of("stranger"), Client()):
            for board in (self.board, missing):
                response = client.get(self.url(board=board))
                expected = 302 if "sessionid" not in client.cookies else 404
                self.assertEqual(response.status_code, expected)

    def test_forms_of_owners_change_nothing_for_others(self):
        forms = {
            self.url("board_edit"): {"title": "Mine"},
            self.url("access_edit"): {"access": "public"},
            self.url("person_add"): {"username": "stranger", "role": "owner"},
            self.url("person_role", 2): {"role": "owner"},
            self.url("person_remove", 1): {},
            self.url("person_revert", 1): {},
            self.url("person_return", 4): {},
            self.url("board_delete"): {},
        }
        self.put()
        before = self.facts()
        for url, data in forms.items():
            for name in (*PLACES[1:], None):
                with self.subTest(url, name=name):
                    response = self.client_of(name).post(url, data)
                    self.assertLess(response.status_code, 500)
        self.assertEqual(self.facts(), before)

    def facts(self):
        places = list(Participant.objects.filter(board=self.board).values_list("number", "role", "is_removed"))
        return Board.objects.values("title", "access", "rev", "deleted_at").get(pk=self.board.pk), places, Element.objects.count()

    def test_a_place_on_a_public_board_is_for_who_opens_it_and_not_for_who_sees_it_in_the_list(self):
        services.change_board(self.place.owner, self.board.pk, access="public")
        services.draw_thumbnail(self.board.pk)
        stranger = self.client_of("stranger")
        for name, places in (("board_thumbnail", 0), ("board_ink", 0), ("board_detail", 1)):
            self.assertEqual(stranger.get(self.url(name)).status_code, 200)
            self.assertEqual(Participant.objects.filter(board=self.board, user=self.place.stranger).count(), places, name)

    def test_a_board_on_which_no_place_is_left_may_still_be_looked_at(self):
        services.change_board(self.place.owner, self.board.pk, access="public")
        with mock.patch.object(people, "PARTICIPANTS_PER_BOARD", 4):
            response = self.client_of("stranger").get(self.url())
        self.assertEqual((response.status_code, response.context["seat"].role), (200, "viewer"))
        self.assertNotContains(response, "data-may-draw")

    def test_a_name_is_changed_in_all_lists_with_as_many_queries_as_in_one(self):
        counts = []
        for more in (0, 8):
            for n in range(more):
                user = User.objects.create(username=f"person{n}")
                services.share_board(self.place.owner, self.board.pk, user, "editor")
            with CaptureQueriesContext(connection) as queries:
                services.change_board(self.place.owner, self.board.pk, title=f"With {more} more")
            counts.append(len(queries))
        self.assertEqual(counts[0], counts[1])

    def test_on_a_board_of_many_whoever_came_last_is_shown_and_anybody_can_be_found(self):
        owner = self.client_of("owner")
        with mock.patch.object(people_views, "PEOPLE_SHOWN", 2):
            page = owner.get(self.url("board_share"))
            self.assertEqual([person.name for person in page.context["people"]], ["viewer", "editor"])
            found = owner.get(self.url("board_share"), {"person": "REMO"})
        self.assertContains(page, 'name="person"')
        self.assertEqual([person.name for person in found.context["people"]], ["removed"])

    def test_posts_need_a_token(self):
        client = Client(enforce_csrf_checks=True)
        client.force_login(self.place.owner)
        self.assertEqual(client.post(self.url("board_delete")).status_code, 403)


class FormTests(PageCase):
    """Everything but drawing works without scripts."""

    def test_boards_are_made_renamed_shared_locked_deleted_and_brought_back(self):
        client = self.client_of("stranger")
        client.post(reverse("drawing:board_create"), {"title": "Plans"})
        board = Board.objects.get(title="Plans")
        client.post(self.url("board_edit", board=board), {"title": "Better plans"})
        client.post(self.url("access_edit", board=board), {"access": "link_edit"})
        client.post(self.url("person_add", board=board), {"username": "viewer", "role": "editor"})
        client.post(self.url("board_edit", board=board), {"is_locked": "1"})
        board.refresh_from_db()
        self.assertEqual((board.title, board.access, board.is_locked), ("Better plans", "link_edit", True))
        self.assertContains(self.client_of("viewer").get(reverse("drawing:board_list")), "Better plans")
        client.post(self.url("board_delete", board=board))
        page = client.get(reverse("drawing:board_list"))
        self.assertContains(page, "Bring back Better plans")
        client.post(self.url("board_restore", board=board))
        self.assertContains(client.get(reverse("drawing:board_list")), f"board-{board.pk}")

    def test_a_form_that_is_wrong_says_why_and_keeps_what_was_typed(self):
        client = self.client_of("owner")
        response = client.post(reverse("drawing:board_create"), {"title": "x" * 90})
        self.assertContains(response, "80", status_code=422)
        response = client.post(self.url("person_add"), {"username": "nobody-here", "role": "editor"})
        self.assertContains(response, "nobody called", status_code=422)

    def test_a_script_hears_why_in_words(self):
        response = self.client_of("editor").post(self.url("board_edit"), {"title": "x"}, headers={"Accept": "application/json"})
        self.assertEqual((response.status_code, response.content), (403, b"Only an owner of the board may do this."))

    def test_a_board_is_taken_off_the_list_and_the_role_given_back(self):
        client = self.client_of("editor")
        client.post(self.url("board_leave"))
        self.assertEqual(client.get(self.url()).status_code, 404)

    def test_names_are_text_wherever_they_are_shown(self):
        services.change_board(self.place.owner, self.board.pk, title="<script>alert(1)</script>")
        client = self.client_of("owner")
        for url in (reverse("drawing:board_list"), self.url(), self.url("board_share")):
            self.assertNotContains(client.get(url), "<script>alert")

    def test_lists_go_on_where_a_page_ends_each_by_itself(self):
        client, url = self.client_of("stranger"), reverse("drawing:board_list")
        mine = [services.create_board(self.place.stranger, f"Mine {number}") for number in range(3)]
        public = [services.create_board(self.place.owner, f"Public {number}", "public") for number in range(3)]
        client.get(self.url(board=public[0]))  # takes a place: it is listed with what is shared, and not twice
        with mock.patch.object(board_views, "PER_PAGE", 2):
            pages = [client.get(url), client.get(url, {"mine": 2}), client.get(url, {"public": "none"})]
        shown = [[place.board for place in page.context["mine"]] for page in pages]
        self.assertEqual(shown, [mine[:0:-1], mine[:1], mine[:0:-1]])
        self.assertEqual([[place.board for place in page.context["shared"]] for page in pages], [public[:1]] * 3)
        self.assertEqual([list(page.context["public"]) for page in pages], [public[:0:-1]] * 3)
        self.assertContains(pages[0], "?mine=2#mine")
        self.assertEqual(["data-older" in page.content.decode() for page in pages], [False, True, False])

    def test_the_list_takes_as_many_queries_for_many_boards(self):
        client = self.client_of("owner")
        client.get(reverse("drawing:board_list"))
        counts = []
        for count in (0, 5):
            for number in range(count):
                services.create_board(self.place.owner, f"Board {number}")
            with CaptureQueriesContext(connection) as queries:
                client.get(reverse("drawing:board_list"))
            counts.append(len(queries))
        self.assertEqual(counts[0], counts[1])


class GuestTests(PageCase):
    def setUp(self):
        super().setUp()
        services.change_board(self.place.owner, self.board.pk, access="link_edit")

    def join(self, name="Zoë", client=None):
        client = client or Client()
        return client, client.post(self.url("guest_join"), {"name": name})

    def test_a_guest_has_a_name_and_a_place_and_keeps_both(self):
        client, response = self.join()
        self.assertRedirects(response, self.url())
        seat = Participant.objects.get(user=None)
        self.assertEqual((seat.name, seat.is_guest, services.role_of(seat.board, seat)), ("Zoë", True, "editor"))
        self.assertNotIn(client.cookies[COOKIE].value, (seat.guest_key, seat.guest_name))
        self.join("Zoe", client)
        self.assertEqual(Participant.objects.get(user=None).name, "Zoe")

    def test_a_guest_is_never_somebody_with_an_account(self):
        for name in ("owner", "OWNER", " owner\u200b", "", "x" * 41):
            with self.subTest(name):
                _, response = self.join(name)
                self.assertIn(response.status_code, {409, 422, 413})
        self.assertFalse(Participant.objects.filter(user=None).exists())

    def test_a_forged_cookie_is_nobody(self):
        self.join()
        client = Client()
        client.cookies[COOKIE] = Participant.objects.get(user=None).guest_key
        self.assertContains(client.get(self.url()), "Draw with the others as")

    def test_who_is_removed_does_not_come_back_by_the_link(self):
        client, _ = self.join()
        services.remove_participant(self.place.owner, self.board.pk, Participant.objects.get(user=None).number)
        self.assertEqual(client.get(self.url()).status_code, 302)
        self.assertEqual(client.post(self.url("guest_join"), {"name": "Again"}).status_code, 404)

    def test_guests_are_let_in_where_the_link_lets_draw_only(self):
        for access, status in (("private", 404), ("link_view", 404)):
            services.change_board(self.place.owner, self.board.pk, access=access)
            with self.subTest(access):
                self.assertEqual(self.join()[1].status_code if access == "private" else 404, status)
        self.assertFalse(Participant.objects.filter(user=None).exists())

    def test_a_guest_owns_nothing(self):
        self.join()
        seat = Participant.objects.get(user=None)
        client = self.client_of("owner")
        client.post(self.url("person_role", seat.number), {"role": "owner"})
        seat.refresh_from_db()
        self.assertEqual(seat.role, "link")


class InkTests(PageCase):
    def read(self, response):
        body = response.content
        if response.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        reader = wire.Reader(body)
        self.assertEqual(reader.take(4), MAGIC)
        rev, since, epoch = reader.varint(), reader.varint(), reader.take(reader.varint()).decode()
        entries = []
        while not reader.is_done:
            entries.append(reader.take(reader.varint()))
        return rev, since, epoch, entries

    def test_the_whole_board_and_what_is_new_on_it(self):
        one, gone = self.put(), self.put(rectangle(7))
        services.draw(services.Erase(self.board.pk, self.place.seat(self.place.owner).pk, ((gone, 0),)))
        client = self.client_of("viewer")
        rev, since, epoch, entries = self.read(client.get(self.url("board_ink"), headers={"Accept-Encoding": "gzip"}))
        changes = [wire.read_change(entry) for entry in entries]
        self.assertEqual([(change.number, change.data) for change in changes], [(one, rectangle())])
        _, since, _, entries = self.read(client.get(self.url("board_ink"), {"since": one, "epoch": epoch}))
        self.assertEqual([wire.read_change(entry).kind for entry in entries], [wire.ERASED])
        self.assertEqual(since, one)
        for wrong in ({"since": rev + 1, "epoch": epoch}, {"since": one, "epoch": "other"}, {"since": "x" * 40, "epoch": epoch}):
            self.assertEqual(self.read(client.get(self.url("board_ink"), wrong))[1], 0)

    def test_a_reload_of_what_is_unchanged_costs_nothing(self):
        client = self.client_of("viewer")
        tag = client.get(self.url("board_ink"))["ETag"]
        self.assertEqual(client.get(self.url("board_ink"), headers={"If-None-Match": tag}).status_code, 304)
        self.put()
        self.assertEqual(client.get(self.url("board_ink"), headers={"If-None-Match": tag}).status_code, 200)

    def test_who_fetches_too_often_is_told_when_to_come_again_and_a_reload_still_costs_nothing(self):
        services.change_board(self.place.owner, self.board.pk, access="public")
        for client, other in ((self.client_of("viewer"), Client()), (Client(REMOTE_ADDR="192.0.2.1"), self.client_of("editor"))):
            tag = client.get(self.url("board_ink"))["ETag"]
            for _ in range(int(fetches_per_person.burst)):
                refused = client.get(self.url("board_history"))
            self.assertEqual((refused.status_code, refused["Retry-After"]), (429, "1"))
            self.assertEqual(client.get(self.url("board_ink"), headers={"If-None-Match": tag}).status_code, 304)
            self.assertEqual(other.get(self.url("board_ink")).status_code, 200)

    def test_the_history_has_what_was_erased(self):
        number = self.put()
        services.draw(services.Erase(self.board.pk, self.place.seat(self.place.owner).pk, ((number, 0),)))
        _, _, _, (entry,) = self.read(self.client_of("viewer").get(self.url("board_history")))
        reader = wire.Reader(entry)
        self.assertEqual((reader.varint(), reader.varint(), reader.varint()), (number, 1, number + 1))
        self.assertEqual(reader.rest(), rectangle())

    def test_pictures_are_kept_by_the_browser_and_shown_to_who_may_look(self):
        self.put()
        services.draw_thumbnail(self.board.pk)
        response = self.client_of("viewer").get(self.url("board_thumbnail"))
        self.assertEqual((response["Content-Type"], "immutable" in response["Cache-Control"]), ("image/png", True))
        self.assertEqual(self.client_of("stranger").get(self.url("board_thumbnail")).status_code, 404)


class AdminTests(PageCase):
    def test_staff_look_at_everything_and_lock(self):
        chief = User.objects.create_superuser("chief")
        self.put()
        client = Client()
        client.force_login(chief)
        for model in ("board", "participant", "element", "boardlist", "gallery"):
            self.assertEqual(client.get(reverse(f"admin:drawing_{model}_changelist")).status_code, 200)
        page = client.get(reverse("admin:drawing_board_change", args=[self.board.pk]))
        self.assertNotContains(page, self.board.slug)
        client.post(reverse("admin:drawing_board_changelist"), {"action": "lock", "_selected_action": [self.board.pk]})
        self.board.refresh_from_db()
        self.assertTrue(self.board.is_locked)
