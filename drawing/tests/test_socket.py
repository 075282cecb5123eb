"""The socket of a board: who may open it, what it answers, what others see."""

import random
import zlib
from unittest import mock

from asgiref.sync import sync_to_async
from django.db import OperationalError

from drawing import consumers, elements, services, wire
from drawing.models import Board, Element
from drawing.services import people
from drawing.tests.people import Place
from drawing.tests.tabs import Tab, new_key, rectangle, stroke
from drawing.wire import Op
from realtime.hub import Hub
from realtime.servers.writer import SendWriter
from realtime.testing import RealtimeTestCase, forget_limits


class BoardCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place()
        self.board = self.place.board


class DrawingTests(BoardCase):
    async def test_what_is_put_is_acked_after_it_is_stored_and_shown_to_others(self):
        async with await Tab.at(self.board, self.place.owner) as ann, await Tab.at(self.board, self.place.editor) as bob:
            data = rectangle()
            kind, _, rev, number = await ann.put(data)
            self.assertEqual((kind, rev), ("ack", number))
            row = await Element.objects.aget(board=self.board, number=number)
            self.assertEqual(bytes(row.data), data)
            change = await bob.change()
            self.assertEqual((change.rev, change.kind, change.data), (rev, wire.ELEMENT, data))

    async def test_a_stroke_is_shown_while_it_is_drawn_and_not_sent_again_when_it_is_kept(self):
        start, piece = stroke((0, 0), (4, 4), pressure=0.8), wire.signed(8, 8) + b"\x40"
        async with await Tab.at(self.board, self.place.owner) as ann, await Tab.at(self.board, self.place.editor) as bob:
            _, _, rev, _ = await ann.draw(start, piece)
            said = []
            while len(said) < 3:
                said += await bob.tick()
            self.assertEqual([(op, body) for _, op, body in said], [(Op.BEGIN, start), (Op.INK, piece), (Op.END, b"")])
            change = await bob.change()
            self.assertEqual((change.rev, change.kind, change.points), (rev, wire.INK, 3))
            self.assertEqual(change.crc, zlib.crc32(start + piece))
            self.assertFalse([frame for frame in ann.frames if isinstance(frame, tuple) and frame[0] == "tick"])

    async def test_put_again_it_is_the_same_element(self):
        key = new_key()
        async with await Tab.at(self.board, self.place.owner) as ann:
            first = await ann.put(rectangle(), key)
            again = await ann.put(rectangle(), key)
        self.assertEqual(first[2:], again[2:])
        self.assertEqual(await Element.objects.acount(), 1)

    async def test_put_again_after_it_was_erased_it_stays_erased_and_the_answer_says_so(self):
        key = new_key()
        async with await Tab.at(self.board, self.place.owner) as ann:
            await ann.erase((await ann.put(rectangle(), key))[3])
            self.assertEqual((await ann.put(rectangle(), key))[3], 0)
        self.assertTrue((await Element.objects.aget()).is_erased)

    async def test_who_joins_again_meanwhile_misses_nothing_of_a_stroke(self):
        async with await Tab.at(self.board, self.place.owner) as ann:
            bob = await Tab.knock(self.board.slug, self.place.editor)
            await bob.expect("drawing.board.opened")  # has not joined yet
            await ann.draw(stroke((0, 0), (4, 4)), ends=False)
            self.assertEqual((await bob.tick())[0][1], Op.BEGIN)
            await bob.close()

    async def test_a_stroke_whose_socket_breaks_is_kept_and_grows_when_the_rest_comes(self):
        key, start, piece = new_key(), stroke((0, 0), (4, 4)), wire.signed(8, 8)
        ann = await Tab.at(self.board, self.place.owner)
        async with await Tab.at(self.board, self.place.editor) as bob:
            await ann.draw(start, key=key, ends=False)
            await bob.tick()
            await ann.close()
            kept = await bob.change()
            async with await Tab.at(self.board, self.place.owner) as ann:
                whole = await ann.put(start + piece, key)
            self.assertEqual(whole[3], kept.number)
            self.assertEqual((await bob.change()).data, start + piece)

    async def test_erasing_can_be_undone_by_who_did_it_only(self):
        async with await Tab.at(self.board, self.place.owner) as ann, await Tab.at(self.board, self.place.editor) as bob:
            number = (await ann.put(rectangle()))[3]
            await ann.erase(number)
            await bob.restore(number)
            self.assertTrue((await Element.objects.aget(number=number)).is_erased)
            await ann.restore(number)
            self.assertFalse((await Element.objects.aget(number=number)).is_erased)

    async def test_an_edit_of_something_that_changed_meanwhile_is_refused(self):
        async with await Tab.at(self.board, self.place.owner) as ann:
            _, _, rev, number = await ann.put(rectangle())
            edited = await ann.edit(number, rev, rectangle(5))
            self.assertEqual((await ann.edit(number, rev, rectangle(5)))[2], edited[2])
            self.assertEqual((await ann.edit(number, rev, rectangle(9)))["code"], "conflict")

    async def test_cursors_are_told_and_only_the_last_one_counts(self):
        async with await Tab.at(self.board, self.place.viewer) as vic, await Tab.at(self.board, self.place.editor) as bob:
            await vic.ink(*[wire.operation(Op.CURSOR, wire.signed(at, -at)) for at in range(5)])
            self.assertEqual([body for _, _, body in await bob.tick()], [wire.signed(4, -4)])


class AbuseTests(BoardCase):
    """Whoever does too much hurts themselves."""

    async def test_a_slow_reader_is_told_what_is_kept_and_not_what_is_live(self):
        async with await Tab.at(self.board, self.place.owner) as ann, await Tab.at(self.board, self.place.editor) as bob:
            with mock.patch.object(SendWriter, "queued", new_callable=mock.PropertyMock, return_value=100_000):
                drawn = await ann.draw(stroke((0, 0), (4, 4)))
                self.assertEqual((await bob.change()).rev, drawn[2])
                heard = bob.frames + await bob.silence()
            self.assertFalse([frame for frame in heard if isinstance(frame, tuple) and frame[0] == "tick"])

    async def test_a_flood_of_frames_is_refused_then_closed_and_others_draw_on(self):
        async with await Tab.at(self.board, self.place.owner) as ann, await Tab.at(self.board, self.place.editor) as bob:
            for _ in range(260):
                await bob.ink(wire.operation(Op.CURSOR, wire.signed(1, 1)))
            self.assertEqual((await bob.expect("realtime.error"))["code"], "rate_limited")
            self.assertEqual(await bob.closed(), 4429)
            self.assertEqual((await ann.put(rectangle()))[0], "ack")

    async def test_too_many_points_a_second_end_the_stroke_and_say_when_to_go_on(self):
        ink = wire.signed(*[1] * 2 * 1_900)
        async with await Tab.at(self.board, self.place.owner) as ann:
            for _ in range(3):
                await ann.draw(stroke(), ink, ends=False)
            refused = await ann.expect("drawing.operation.refused")
            self.assertEqual(refused["code"], "rate_limited")
            self.assertGreater(refused["retry_after"], 0)

    async def test_what_frames_hold_is_limited_however_few_they_are(self):
        many = [wire.operation(Op.CURSOR, wire.signed(1, 1))] * 15_000
        async with await Tab.at(self.board, self.place.owner) as ann:
            await ann.ink(*many)
            await ann.ink(*many)
            self.assertEqual((await ann.expect("realtime.error"))["code"], "rate_limited")

    async def test_the_points_of_one_person_count_together_also_those_that_begin_a_stroke(self):
        long = stroke(*[(n, n % 7) for n in range(1_900)])
        async with await Tab.at(self.board, self.place.owner) as one, await Tab.at(self.board, self.place.owner) as other:
            for tab in (one, other, other):
                await tab.draw(long, ends=False)
            self.assertEqual((await other.expect("drawing.operation.refused"))["code"], "rate_limited")

    async def test_one_person_may_not_open_a_board_without_end(self):
        with mock.patch.object(consumers, "SOCKETS_PER_BOARD", 1):
            async with await Tab.at(self.board, self.place.owner):
                second = await Tab.knock(self.board.slug, self.place.editor)
                self.assertEqual(await second.closed(), 4429)
                await second.close()


class CatchUpTests(BoardCase):
    async def test_who_comes_back_gets_what_changed_as_rows(self):
        async with await Tab.at(self.board, self.place.owner) as ann:
            await self.board.arefresh_from_db()
            start = self.board.rev
            drawn = await ann.draw(stroke((0, 0), (4, 4)))
            await ann.erase((await ann.put(rectangle()))[3])
            async with await Tab.at(self.board, self.place.editor, rev=start) as bob:
                changes = [frame for frame in bob.frames if isinstance(frame, wire.Change)]
        self.assertEqual([change.kind for change in changes], [wire.ELEMENT, wire.ERASED])
        self.assertEqual(changes[0].number, drawn[3])

    async def test_who_missed_too_much_or_what_is_purged_is_told_to_fetch(self):
        async with await Tab.at(self.board, self.place.owner, rev=10**6) as ann:
            self.assertEqual(
                ann.frames[-2 if ann.frames[-1]["type"] == "drawing.people.changed" else -1]["type"], "realtime.feed.reset"
            )
            await Board.objects.filter(pk=self.board.pk).aupdate(purged_rev=2)
            self.assertEqual((await ann.join(1))["type"], "realtime.feed.reset")


class RightsTests(BoardCase):
    async def test_who_may_not_even_look_is_told_that_there_is_no_such_board(self):
        for user in (self.place.stranger, self.place.removed, None):
            tab = await Tab.knock(self.board.slug, user)
            self.assertEqual(await tab.closed(), 4404)
            await tab.close()
        tab = await Tab.knock("no-such-board", self.place.owner)
        self.assertEqual(await tab.closed(), 4404)
        await tab.close()

    async def test_a_page_of_another_site_cannot_open_it(self):
        tab = await Tab.knock(self.board.slug, self.place.owner, origin="https://evil.example")
        self.assertEqual(await tab.next(), {"type": "websocket.close"})
        await tab.socket.wait()

    async def test_a_viewer_cannot_change_anything(self):
        async with await Tab.at(self.board, self.place.viewer) as vic:
            for answer in (await vic.put(rectangle()), await vic.erase(1), await vic.edit(1, 1, rectangle())):
                self.assertEqual(answer["code"], "not_allowed")
        self.assertFalse(await Element.objects.aexists())

    async def test_a_role_that_is_taken_away_holds_on_the_open_socket(self):
        async with await Tab.at(self.board, self.place.editor) as bob:
            await sync_to_async(services.change_role)(self.place.owner, self.board.pk, 2, "viewer")
            self.assertEqual((await bob.expect("drawing.rights.changed"))["role"], "viewer")
            self.assertEqual((await bob.put(rectangle()))["code"], "not_allowed")

    async def test_a_stroke_under_way_ends_where_the_right_to_draw_ends(self):
        async with await Tab.at(self.board, self.place.owner) as ann, await Tab.at(self.board, self.place.editor) as bob:
            await bob.draw(stroke((0, 0), (4, 4)), ends=False)
            self.assertEqual([op for _, op, _ in await ann.tick()], [Op.BEGIN])
            await sync_to_async(services.change_board)(self.place.owner, self.board.pk, is_locked=True)
            self.assertEqual([op for _, op, _ in await ann.tick()], [Op.CANCEL])

    async def test_who_is_removed_is_off_the_board_at_once(self):
        async with await Tab.at(self.board, self.place.editor) as bob:
            await sync_to_async(services.remove_participant)(self.place.owner, self.board.pk, 2)
            self.assertEqual(await bob.closed(), 4403)

    async def test_on_a_locked_board_nobody_draws(self):
        async with await Tab.at(self.board, self.place.owner) as ann:
            await sync_to_async(services.change_board)(self.place.owner, self.board.pk, is_locked=True)
            self.assertEqual((await ann.put(rectangle()))["code"], "archived")

    async def test_a_link_that_is_closed_puts_out_who_came_by_it(self):
        await sync_to_async(services.change_board)(self.place.owner, self.board.pk, access="link_edit")
        async with await Tab.at(self.board, self.place.stranger) as eve:
            self.assertEqual(eve.opened["role"], "editor")
            self.assertEqual((await eve.put(rectangle()))[0], "ack")
            await sync_to_async(services.change_board)(self.place.owner, self.board.pk, access="private")
            self.assertEqual(await eve.closed(), 4403)

    async def test_without_an_account_a_link_lets_look(self):
        await sync_to_async(services.change_board)(self.place.owner, self.board.pk, access="link_edit")
        async with await Tab.at(self.board) as visitor:
            self.assertEqual((visitor.opened["role"], visitor.opened["number"]), ("viewer", 0))
            self.assertEqual((await visitor.put(rectangle()))["code"], "not_allowed")

    async def test_while_the_database_is_away_one_is_told_to_come_again(self):
        with mock.patch.object(consumers, "find_seat", side_effect=OperationalError):
            tab = await Tab.knock(self.board.slug, self.place.owner)
            self.assertEqual(await tab.closed(), 4012)
            await tab.close()
        async with await Tab.at(self.board, self.place.editor) as bob:
            with mock.patch.object(consumers, "read_places", side_effect=OperationalError):
                await sync_to_async(services.remove_participant)(self.place.owner, self.board.pk, 2)
                await bob.silence()
            for socket in Hub.here().sockets:  # as the tick does
                socket.recheck()
            self.assertEqual(await bob.closed(), 4403)

    async def test_where_no_place_is_left_one_may_look(self):
        await sync_to_async(services.change_board)(self.place.owner, self.board.pk, access="public")
        with mock.patch.object(people, "PARTICIPANTS_PER_BOARD", 4):
            async with await Tab.at(self.board, self.place.stranger) as eve:
                self.assertEqual((eve.opened["role"], eve.opened["number"]), ("viewer", 0))

    async def test_a_role_that_is_taken_away_between_opening_and_joining_is_noticed(self):
        bob = await Tab.knock(self.board.slug, self.place.editor)
        await bob.expect("drawing.board.opened")
        await sync_to_async(services.remove_participant)(self.place.owner, self.board.pk, 2)
        bob.feed = self.board.group
        await bob.send({"type": "realtime.feed.join", "feed": bob.feed, "rev": None, "epoch": ""})
        self.assertEqual(await bob.closed(), 4403)
        await bob.close()

    async def test_a_board_is_alive_for_who_comes_in_while_the_last_one_leaves(self):
        bob = await Tab.knock(self.board.slug, self.place.editor)
        await bob.expect("drawing.board.opened")
        bob.feed = self.board.group
        async with await Tab.at(self.board, self.place.owner):
            pass
        await bob.join()
        async with await Tab.at(self.board, self.place.owner) as ann:
            await ann.draw(stroke((0, 0), (4, 4)), ends=False)
            self.assertEqual((await bob.tick())[0][1], Op.BEGIN)
            await sync_to_async(services.remove_participant)(self.place.owner, self.board.pk, 2)
            self.assertEqual(await bob.closed(), 4403)
            await bob.close()


class BadFrameTests(BoardCase):
    async def test_no_bytes_of_a_stranger_break_anything(self):
        chance = random.Random(7)
        async with await Tab.at(self.board, self.place.owner) as ann:
            for op in [*Op, 0x7F] * 12:
                body = chance.randbytes(chance.randrange(40))
                await ann.ink(wire.operation(op, body))
                forget_limits()  # it is not the pace that is tried here
                await ann.silence()
            self.assertEqual((await ann.put(rectangle()))[0], "ack")

    async def test_what_is_no_element_is_refused_and_the_socket_lives(self):
        async with await Tab.at(self.board, self.place.owner) as ann:
            for data in (b"", b"\x01", b"\x0f" * 20, rectangle() + b"\x80", stroke() + b"\x01", b"\x17\x02" + b"\0" * 9):
                self.assertEqual((await ann.put(data))["code"], "bad_frame", data)
            self.assertEqual((await ann.put(rectangle()))[0], "ack")

    async def test_what_is_wrong_with_one_operation_is_not_the_fault_of_those_behind_it(self):
        put = wire.operation(Op.PUT, wire.varint(7) + wire.pack_key(new_key()) + rectangle())
        async with await Tab.at(self.board, self.place.owner) as ann:
            await ann.ink(wire.operation(Op.PUT, b"") + put)
            self.assertEqual((await ann.expect("realtime.error"))["code"], "bad_frame")
            self.assertEqual((await ann.answer(7))[0], "ack")

    async def test_frames_that_are_cut_off_are_refused_and_close_the_socket_after_some(self):
        async with await Tab.at(self.board, self.place.owner) as ann:
            await ann.ink(b"\x06\x50abc")
            self.assertEqual((await ann.expect("realtime.error"))["code"], "bad_frame")
            for _ in range(6):
                await ann.ink(b"\x06\x50abc")
            self.assertEqual(await ann.closed(), 4400)

    async def test_too_many_points_at_once_end_the_live_stroke_and_say_so(self):
        async with await Tab.at(self.board, self.place.owner) as ann:
            await ann.draw(stroke(), wire.signed(*[1] * 2 * elements.POINTS), ends=False)
            refused = await ann.expect("drawing.operation.refused")
            self.assertEqual((refused["code"], "tag" in refused), ("too_long", False))
