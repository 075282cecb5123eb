"""Whatever is drawn, sent twice, lost and read again, in whatever order: every replica ends as the table."""

import zlib
from unittest import mock

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from drawing import elements, services, wire
from drawing.consumers import BoardFeed
from drawing.models import Board, Element
from drawing.tests.people import Place
from drawing.tests.tabs import new_key, rectangle, stroke
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.testing import RealtimeTestCase

small, person = st.integers(0, 7), st.sampled_from(["owner", "editor"])
verb = st.sampled_from(["put", "put", "ink", "ink", "grow", "edit", "edit", "erase", "erase", "restore"])
step = st.one_of(
    st.tuples(st.just("draw"), person, verb, small, st.sampled_from(["told", "told", "told", "lost", "twice"])),
    st.tuples(st.just("again"), small),  # an operation is sent once more: its ack was lost
    st.tuples(st.just("together"), person, st.lists(st.tuples(verb, small), min_size=2, max_size=4)),
)
bounded = settings(max_examples=60, deadline=None, database=None, derandomize=True, phases=[Phase.generate])


class Replica:
    """A screen. It sees strokes live unless that was lost, and changes unless those were; it reads again what it missed."""

    def __init__(self, board: Board):
        self.board, self.cursor = board, board.rev
        self.shown: dict[int, tuple[int, bytes | None]] = {}
        self.inks: list[bytes] = []

    def hear(self, changes: list[wire.Change]) -> None:
        for change in changes:
            if change.rev == self.cursor + 1 and self.show(change):
                self.cursor = change.rev
            elif change.rev > self.cursor:
                self.catch_up()

    def catch_up(self) -> None:
        missed = BoardFeed().catch_up(self.board.pk, self.cursor)
        for change in missed.changes:
            assert self.show(wire.read_change(change.payload))
        self.cursor = missed.rev

    def show(self, change: wire.Change) -> bool:
        if change.rev <= self.shown.get(change.number, (0, None))[0]:
            return True
        data = None if change.kind == wire.ERASED else change.data
        if change.kind == wire.INK:
            data = next((ink for ink in self.inks if zlib.crc32(ink) == change.crc), None)
            if data is None:
                return False
        if change.kind != wire.BOARD:
            self.shown[change.number] = (change.rev, data)
        return True

    def elements(self) -> list[tuple[int, bytes]]:
        return sorted((number, data) for number, (_, data) in self.shown.items() if data is not None)


class PropertyTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(mock.patch.object(Limit, "wait", return_value=0.0))

    def test_every_replica_ends_as_the_table(self):
        @bounded
        @given(st.lists(step, min_size=10, max_size=30))
        def play(steps):
            Story().play(steps)

        play()


class Story:
    def __init__(self):
        self.place = Place()
        self.board = self.place.board
        self.seats = {name: self.place.seat(getattr(self.place, name)) for name in ("owner", "editor")}
        self.replicas = [Replica(self.board), Replica(self.board)]
        self.sent: list[services.Operation] = []

    def play(self, steps):
        for name, *arguments in steps:
            getattr(self, name)(*arguments)
        rows = Element.objects.on(self.board).alive().order_by("number").values_list("number", "data")
        for replica in self.replicas:
            replica.catch_up()
            assert replica.elements() == [(number, bytes(data)) for number, data in rows]
        self.board.refresh_from_db()
        stored = [bytes(data) for _, data in rows]
        assert (self.board.element_count, self.board.byte_count) == (len(stored), sum(map(len, stored)))
        revs = sorted(Element.objects.on(self.board).values_list("rev", flat=True))
        assert len(set(revs)) == len(revs) and (not revs or revs[-1] <= self.board.rev)

    def draw(self, who, verb, which, fate):
        operation = self.operation(who, verb, which)
        changes = self.carry_out([operation])
        one, other = self.replicas
        one.hear(changes)
        if fate != "lost":
            other.hear(changes * (2 if fate == "twice" else 1))

    def together(self, who, verbs):
        changes = self.carry_out([self.operation(who, verb, which) for verb, which in verbs])
        for replica in self.replicas:
            replica.hear(changes)

    def again(self, which):
        if not self.sent:
            return
        operation = self.sent[which % len(self.sent)]
        if isinstance(operation, services.Put):
            element = Element.objects.get(author=operation.place_id, key=operation.key)
            assert services.draw(operation).number == (0 if element.is_erased else element.number)
        self.carry_out([operation], remembers=False)

    def carry_out(self, operations, *, remembers=True) -> list[wire.Change]:
        for operation in operations:
            if isinstance(operation, services.Put) and operation.points:
                self.replicas[0].inks.append(operation.data)  # the other one never sees live ink
        with mock.patch("drawing.services.telling.broadcast") as broadcast:
            answers = services.draw_all(operations)
        if remembers:
            pairs = zip(operations, answers, strict=True)
            self.sent += [operation for operation, answer in pairs if not isinstance(answer, Refusal)]
        return [wire.read_change(event.payload) for call in broadcast.call_args_list for event in call.args[1:]]

    def operation(self, who, verb, which) -> services.Operation:
        seat = self.seats[who]
        known = list(Element.objects.on(self.board).order_by("number"))
        element = known[which % len(known)] if known else None
        match verb:
            case "put":
                return services.Put(self.board.pk, seat.pk, new_key(), rectangle(which))
            case "ink":
                data = stroke((0, 0), (which + 1, 5), (9, which), pressure=0.7)
                return services.Put(self.board.pk, seat.pk, new_key(), data + wire.signed(new_key() % 60, 1) + b"\x01", points=4)
            case "grow" if element:
                more = bytes(element.data) + wire.signed(1, 1)
                data = more if elements.Kind(element.data[0] & 15) == elements.Kind.PEN else bytes(element.data)
                return services.Put(self.board.pk, seat.pk, element.key, data)
            case "edit" if element:
                base = element.rev - (which == 7)  # now and then of an earlier revision: a conflict
                return services.Edit(self.board.pk, seat.pk, element.number, base, rectangle(which, new_key() % 90))
            case "erase" | "restore" if element:
                refs = ((element.number, 0), (0, element.key), (10**6, 0))
                return services.Erase(self.board.pk, seat.pk, refs, on=verb == "erase")
            case _:
                return services.Erase(self.board.pk, seat.pk, ())
