"""Boards: made, changed, copied, deleted; who may; and how people's lists follow."""

import io
from datetime import timedelta
from unittest import mock

from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from PIL import Image

from drawing import demo, services
from drawing.elements import encode
from drawing.models import Board, Element, Participant, Thumbnail
from drawing.services import boards, ink, thumbnails
from drawing.tests.people import Place
from drawing.tests.tabs import new_key, rectangle, stroke, text
from realtime.jobs import run_due
from realtime.models import Job
from realtime.protocol import Refusal
from realtime.signals import user_notification_withdrawn, user_notified
from realtime.testing import RealtimeTestCase, forget_limits


class BoardCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place()
        self.board = self.place.board

    def put(self, user=None, data=None):
        user = user or self.place.owner
        return services.draw(services.Put(self.board.pk, self.place.seat(user).pk, new_key(), data or rectangle()))

    def refused(self, verb, *arguments, **facts):
        with self.assertRaises(Refusal) as caught:
            verb(*arguments, **facts)
        return caught.exception.code


class RightsTests(BoardCase):
    """What each person may do, by the services: the last word."""

    def test_only_owners_change_share_and_moderate(self):
        pk, owner = self.board.pk, self.place.owner
        acts = {
            "change": lambda user: services.change_board(user, pk, title="Other"),
            "share": lambda user: services.share_board(user, pk, self.place.stranger, "viewer"),
            "role": lambda user: services.change_role(user, pk, 3, "editor"),
            "remove": lambda user: services.remove_participant(user, pk, 3),
            "let back": lambda user: services.let_back(user, pk, 4),
            "revert": lambda user: services.revert_strokes(user, pk, 2),
            "restore": lambda user: services.restore_strokes(user, pk, 2, 0),
            "delete": lambda user: services.delete_board(user, pk),
        }
        for name, act in acts.items():
            with self.subTest(name):
                self.assertEqual(self.refused(act, self.place.editor), "not_allowed")
                self.assertEqual(self.refused(act, self.place.viewer), "not_allowed")
                self.assertEqual(self.refused(act, self.place.removed), "not_found")
                self.assertEqual(self.refused(act, self.place.stranger), "not_found")
        before = Board.objects.values().get(pk=pk)
        self.assertEqual(before["title"], "Harbour")
        for name, act in acts.items():
            with self.subTest(name):
                act(owner)

    def test_who_may_draw(self):
        for user, answer in (("owner", None), ("editor", None), ("viewer", "not_allowed"), ("removed", "not_found")):
            with self.subTest(user):
                if answer:
                    self.assertEqual(self.refused(self.put, getattr(self.place, user)), answer)
                else:
                    self.put(getattr(self.place, user))

    def test_a_place_on_one_board_is_none_on_another(self):
        other = services.create_board(self.place.stranger, "Other")
        operation = services.Put(other.pk, self.place.seat(self.place.owner).pk, new_key(), rectangle())
        self.assertEqual(self.refused(services.draw, operation), "not_found")

    def test_elements_of_another_board_are_out_of_reach(self):
        number = self.put().number
        other = services.create_board(self.place.owner, "Other")
        seat = other.participants.get()
        services.draw(services.Erase(other.pk, seat.pk, ((number, 0),)))
        self.assertEqual(self.refused(services.draw, services.Edit(other.pk, seat.pk, number, number, rectangle(3))), "conflict")
        self.assertFalse(Element.objects.get(board=self.board, number=number).is_erased)

    def test_a_key_of_somebody_else_is_another_element(self):
        key = new_key()
        one = services.draw(services.Put(self.board.pk, self.place.seat(self.place.owner).pk, key, rectangle()))
        other = services.draw(services.Put(self.board.pk, self.place.seat(self.place.editor).pk, key, rectangle(4)))
        self.assertNotEqual(one.number, other.number)

    def test_whoever_made_the_board_stays_its_owner(self):
        services.change_role(self.place.owner, self.board.pk, 2, "owner")
        self.assertEqual(self.refused(services.change_role, self.place.editor, self.board.pk, 1, "viewer"), "not_allowed")
        self.assertEqual(self.refused(services.remove_participant, self.place.editor, self.board.pk, 1), "not_allowed")
        self.assertEqual(self.refused(services.delete_board, self.place.editor, self.board.pk), "not_allowed")

    def test_a_guest_cannot_bear_a_name_that_looks_like_that_of_an_account(self):
        services.change_board(self.place.owner, self.board.pk, access="link_edit")
        self.board.refresh_from_db()
        for name in ("Owner", " own\u200ber", "\uff4fwner", "own\u00ader", "owner\u3164", "owner\U000e0041"):
            with self.subTest(ascii(name)):
                self.assertEqual(self.refused(services.join_as_guest, self.board, name, "secret"), "conflict")
        self.assertEqual(services.join_as_guest(self.board, "Zoë  ☕", "secret").guest_name, "Zoë ☕")

    def test_a_deactivated_account_may_nothing(self):
        self.place.editor.is_active = False
        self.place.editor.save()
        self.assertEqual(self.refused(self.put, self.place.editor), "not_found")

    def test_links_let_in_as_far_as_they_say_and_never_who_was_removed(self):
        for access, role in (("private", ""), ("link_view", "viewer"), ("link_edit", "editor"), ("public", "editor")):
            with self.subTest(access):
                services.change_board(self.place.owner, self.board.pk, access=access)
                self.board.refresh_from_db()
                seat = services.take_place(self.place.stranger, self.board)
                self.assertEqual(services.role_of(self.board, seat), role)
                removed = services.take_place(self.place.removed, self.board)
                self.assertEqual(services.role_of(self.board, removed), "")


class LimitTests(BoardCase):
    def test_a_board_holds_so_much_and_says_so(self):
        for name, value in (("ELEMENTS_PER_BOARD", 2), ("BYTES_PER_BOARD", 60)):
            with self.subTest(name), mock.patch.object(ink, name, value):
                Element.objects.all().delete()
                Board.objects.filter(pk=self.board.pk).update(element_count=0, byte_count=0)
                self.assertEqual(self.refused(lambda: [self.put(data=text("x" * 20)) for _ in range(3)]), "too_long")

    def test_what_does_not_fit_together_is_not_brought_back_in_part(self):
        numbers = [self.put().number for _ in range(3)]
        seat = self.place.seat(self.place.owner)
        refs = tuple((number, 0) for number in numbers)
        services.draw(services.Erase(self.board.pk, seat.pk, refs))
        self.put()
        with mock.patch.object(ink, "ELEMENTS_PER_BOARD", 3):
            bring_back = services.Erase(self.board.pk, seat.pk, refs, on=False)
            self.assertEqual(self.refused(services.draw, bring_back), "too_long")
        self.assertEqual(Element.objects.alive().count(), 1)

    def test_a_person_draws_so_fast_and_hurts_nobody_else(self):
        refs = tuple((number, 0) for number in range(10**6, 10**6 + services.REFS))
        for _ in range(100):
            try:
                services.draw(services.Erase(self.board.pk, self.place.seat(self.place.editor).pk, refs))
            except Refusal as refusal:
                self.assertEqual(refusal.code, "rate_limited")
                self.assertGreater(refusal.retry_after, 0)
                break
        else:
            self.fail("nothing was refused")
        self.put(self.place.owner)

    def test_boards_have_names_and_there_are_so_many(self):
        self.assertEqual(self.refused(services.create_board, self.place.owner, "  "), "bad_value")
        self.assertEqual(self.refused(services.create_board, self.place.owner, "x" * 81), "too_long")
        self.assertEqual(self.refused(services.create_board, self.place.owner, "x", "everybody"), "bad_value")
        with mock.patch.object(boards, "BOARDS_PER_PERSON", 1):
            self.assertEqual(self.refused(services.create_board, self.place.owner, "One more"), "too_long")

    def test_what_is_refused_leaves_nothing_behind(self):
        before = Board.objects.values().get(pk=self.board.pk)
        self.assertEqual(self.refused(self.put, data=b"\x01"), "bad_frame")
        self.assertEqual((Board.objects.values().get(pk=self.board.pk), Element.objects.count()), (before, 0))

    def test_the_number_of_queries_does_not_depend_on_how_much_is_drawn(self):
        self.put()
        counts = []
        for number in (1, 40):
            seats = [self.place.seat(self.place.owner), self.place.seat(self.place.editor)]
            puts = [services.Put(self.board.pk, seats[n % 2].pk, new_key(), stroke((n, n), (n, 9))) for n in range(number)]
            with CaptureQueriesContext(
                connection,
            ) as queries:
                services.draw_all(puts)
            counts.append(len(queries))
        self.assertEqual(counts[0], counts[1])
        self.assertLessEqual(counts[0], 7)  # with those of the savepoint


class LifeOfABoardTests(BoardCase):
    def test_a_copy_has_the_same_elements_and_is_ones_own(self):
        self.put()
        self.put(data=text("hello"))
        services.draw(services.Erase(self.board.pk, self.place.seat(self.place.owner).pk, ((self.put().number, 0),)))
        copy = services.duplicate_board(self.place.viewer, self.board.pk)
        drawn = Element.objects.on(copy).order_by("number")
        self.assertEqual([bytes(element.data) for element in drawn], [rectangle(), text("hello")])
        copy.refresh_from_db()
        self.assertEqual(
            (copy.owner, copy.title, copy.element_count, copy.access), (self.place.viewer, "Harbour copy", 2, "private")
        )
        self.assertEqual(copy.rev, drawn.last().rev)

    def test_what_is_deleted_is_gone_for_everybody_and_can_be_brought_back(self):
        services.delete_board(self.place.owner, self.board.pk)
        self.assertEqual(self.refused(self.put), "not_found")
        self.assertFalse(Participant.objects.for_list(self.place.editor).exists())
        self.assertEqual(self.refused(services.restore_board, self.place.editor, self.board.pk), "not_found")
        services.restore_board(self.place.owner, self.board.pk)
        self.put()

    def test_what_was_deleted_long_ago_is_pruned(self):
        seat = self.place.seat(self.place.owner)
        kept, gone = self.put().number, self.put().number
        services.draw(services.Erase(self.board.pk, seat.pk, ((gone, 0),)))
        other = services.create_board(self.place.owner, "Old")
        services.delete_board(self.place.owner, other.pk)
        call_command("drawing_prune", stdout=(output := io.StringIO()))
        self.assertEqual(output.getvalue(), "0 boards and 0 elements removed.\n")
        later = timezone.now() + timedelta(days=31)
        self.assertEqual(services.prune(later), (1, 1))
        self.assertEqual(list(Element.objects.values_list("number", flat=True)), [kept])
        self.board.refresh_from_db()
        self.assertEqual(self.board.purged_rev, self.board.rev)

    def test_what_somebody_drew_goes_and_comes_back_with_the_counts(self):
        for _ in range(3):
            self.put(self.place.editor)
        self.put()
        count, before = services.revert_strokes(self.place.owner, self.board.pk, 2)
        self.board.refresh_from_db()
        self.assertEqual((count, self.board.element_count), (3, 1))
        self.assertEqual(services.restore_strokes(self.place.owner, self.board.pk, 2, before), 3)
        self.board.refresh_from_db()
        self.assertEqual((self.board.element_count, self.board.byte_count), (4, 4 * len(rectangle())))

    def test_staff_lock_with_the_permission_to(self):
        staff = User.objects.create_user("sid", is_staff=True)
        self.assertEqual(self.refused(services.lock_by_staff, staff, self.board.pk, is_locked=True), "not_allowed")
        chief = User.objects.create_superuser("chief")
        services.lock_by_staff(chief, self.board.pk, is_locked=True)
        self.assertEqual(self.refused(self.put), "archived")

    def test_sharing_is_told_and_taken_back_with_the_right(self):
        told = []
        listen = lambda sender, user, **facts: told.append((user, facts.get("kind", "withdrawn")))  # noqa: E731
        user_notified.connect(listen)
        user_notification_withdrawn.connect(listen)
        self.addCleanup(user_notified.disconnect, listen)
        self.addCleanup(user_notification_withdrawn.disconnect, listen)
        services.share_board(self.place.owner, self.board.pk, self.place.stranger, "editor")
        services.share_board(self.place.owner, self.board.pk, self.place.stranger, "editor")
        services.remove_participant(self.place.owner, self.board.pk, self.place.seat(self.place.stranger).number)
        self.assertEqual(told, [(self.place.stranger, "drawing.shared"), (self.place.stranger, "withdrawn")])


class ThumbnailTests(BoardCase):
    def test_drawing_wants_one_picture_however_much_is_drawn(self):
        for _ in range(5):
            self.put()
        self.assertEqual(Job.objects.filter(name="drawing.thumbnail").count(), 1)
        self.assertEqual(run_due(timezone.now() + timedelta(seconds=10)), 1)
        self.board.refresh_from_db()
        self.assertFalse(self.board.is_thumbnail_due)
        self.assertEqual(self.board.thumbnail_rev, self.board.rev)
        picture = Image.open(io.BytesIO(bytes(Thumbnail.objects.get().png)))
        self.assertEqual(picture.size, (480, 300))
        self.assertGreater(len(picture.convert("RGBA").getcolors(10_000)), 1)
        self.put()
        self.assertEqual(Job.objects.filter(name="drawing.thumbnail").count(), 1)

    def test_a_picture_of_everything_that_can_be_drawn(self):
        forget_limits()
        for _, shape in demo.plan(mock.Mock(uniform=lambda low, high: low)):
            self.put(data=encode(shape))
        services.draw_thumbnail(self.board.pk)
        self.assertTrue(Thumbnail.objects.exists())

    def test_who_draws_and_erases_without_end_does_not_fill_the_disk(self):
        seat = self.place.seat(self.place.owner)
        numbers = [self.put().number for _ in range(5)]
        for number in numbers[:4]:
            services.draw(services.Erase(self.board.pk, seat.pk, ((number, 0),)))
        with mock.patch.object(thumbnails, "TOMBSTONES", 1):
            services.draw_thumbnail(self.board.pk)
        self.assertEqual(list(Element.objects.order_by("number").values_list("number", flat=True)), numbers[3:])
        self.board.refresh_from_db()
        self.assertEqual(self.board.purged_rev, numbers[-1] + 3)

    def test_of_a_board_that_is_gone_there_is_none(self):
        self.put()
        services.delete_board(self.place.owner, self.board.pk)
        services.draw_thumbnail(self.board.pk)
        self.assertFalse(Thumbnail.objects.exists())


class DemoTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        call_command("seed_drawing", stdout=io.StringIO())

    def test_there_is_something_to_see_with_a_picture_of_it(self):
        self.assertEqual(Board.objects.count(), len(demo.BOARDS))
        self.assertEqual(Thumbnail.objects.count(), len(demo.BOARDS))
        self.assertGreater(Element.objects.count(), 100)
        for name in demo.PEOPLE:
            self.assertFalse(User.objects.get(username=name).has_usable_password())

    def test_a_second_time_changes_nothing(self):
        before = list(Board.objects.order_by("pk").values()), Element.objects.count()
        call_command("seed_drawing", stdout=io.StringIO())
        self.assertEqual(before, (list(Board.objects.order_by("pk").values()), Element.objects.count()))
