"""What is drawn: put, edit, erase, restore. The hot path of the app."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from drawing import elements, frames
from drawing.events import BoardChange
from drawing.models import Board, Element, Participant
from drawing.services import access
from drawing.services.telling import tell_board
from drawing.services.thumbnails import thumbnail_soon
from drawing.wire import Ref
from realtime.limits import Limit
from realtime.protocol import Refusal

ELEMENTS_PER_BOARD = 20_000  # not counting what was erased
BYTES_PER_BOARD = 5_000_000
REFS = 2_000  # elements in one operation
BYTES_PER_TOKEN = 800  # of an element: some 200 points

# A person drawing fast makes three strokes in a second; copying or moving some hundred things at once must pass, too.
operations_per_person = Limit("drawing", burst=600, per_second=20)


@dataclass(frozen=True, slots=True)
class Put:
    """A new element. `points` (of a stroke that everybody was shown live): they need not be sent it again."""

    board_id: int
    place_id: int
    key: int
    data: bytes
    points: int = 0


@dataclass(frozen=True, slots=True)
class Edit:
    """The element as it should be, if it is still as it was at revision `base`."""

    board_id: int
    place_id: int
    number: int
    base: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Erase:
    """Take elements away, or (`on` false) bring back what the same person took away."""

    board_id: int
    place_id: int
    refs: tuple[Ref, ...]
    on: bool = True


Operation = Put | Edit | Erase


@dataclass(frozen=True, slots=True)
class Drawn:
    """The answer: the revision at which the board holds it, and the element's number (0 when it was about several, or when what
    was put has been erased since)."""

    rev: int
    number: int = 0


def draw(operation: Operation) -> Drawn:
    """One operation. Raises `Refusal`."""
    (result,) = draw_all([operation])
    if isinstance(result, Refusal):
        raise result
    return result


@transaction.atomic
def draw_all(operations: Sequence[Operation]) -> list[Drawn | Refusal]:
    """Carry out what several people do on several boards, in order, in one transaction: its number of queries is fixed.

    Each has its own answer. Sent again, an operation changes nothing more and is answered alike: a `Put` by its key, an `Edit`
    because the element already is so, an `Erase` because it is gone.
    """
    batch = _Batch(operations, Board.objects.lock_all({operation.board_id for operation in operations}))
    results = [batch.answer(operation) for operation in operations]
    batch.write()
    return results


class _Batch:
    """One round of `draw_all`: what it had to look up, and what it is about to write."""

    def __init__(self, operations: Sequence[Operation], boards: dict[int, Board]):
        self.boards = boards
        self.now = timezone.now()
        self.new: list[Element] = []
        self.changed: dict[int, Element] = {}
        self.told: dict[int, list[BoardChange]] = {}
        self.places = Participant.objects.select_related("user").in_bulk({operation.place_id for operation in operations})
        self.by_number: dict[tuple[int, int], Element] = {}
        self.by_key: dict[tuple[int, int], Element] = {}
        for element in _find(operations):
            self.know(element)

    def know(self, element: Element) -> None:
        self.by_number[element.board_id, element.number] = element
        self.by_key[element.author_id, element.key] = element

    def answer(self, operation: Operation) -> Drawn | Refusal:
        board, place = self.boards.get(operation.board_id), self.places.get(operation.place_id)
        try:
            if board is None or place is None or place.board_id != board.pk:
                raise access.no_such_board()
            role = access.check_may_draw(board, place)
            match operation:
                case Put():
                    return self.put(board, place, operation)
                case Edit():
                    return self.edit(board, place, operation)
                case Erase(on=True):
                    return self.erase(board, place, operation.refs)
                case _:
                    return self.restore(board, place, operation.refs, is_owner=role == access.Role.OWNER)
        except Refusal as refusal:
            return refusal

    def put(self, board: Board, place: Participant, put: Put) -> Drawn:
        known = self.by_key.get((place.pk, put.key))
        if known:
            if known.is_erased:
                return Drawn(known.rev)
            if not _is_rest_of(put.data, known):
                return Drawn(known.rev, known.number)
            elements.check(put.data)
            return self.change(board, place, known, put.data)
        _spend(place, len(put.data))
        elements.check(put.data)
        _check_room(board, 1, len(put.data))
        board.rev += 1
        element = Element(
            board=board,
            number=board.rev,
            rev=board.rev,
            author=place,
            key=put.key,
            data=put.data,
            created_at=self.now,
            changed_at=self.now,
        )
        self.new.append(element)
        self.know(element)
        board.element_count += 1
        board.byte_count += len(put.data)
        self.tell(
            board,
            frames.ink_event(board, element, place.number, put.points)
            if put.points
            else frames.element_event(board, element, place.number),
        )
        return Drawn(element.rev, element.number)

    def edit(self, board: Board, place: Participant, edit: Edit) -> Drawn:
        element = self.by_number.get((board.pk, edit.number))
        if element is None or element.is_erased:
            raise Refusal("conflict", _("Somebody erased it meanwhile."))
        if bytes(element.data) == edit.data:
            return Drawn(element.rev, element.number)
        if element.rev != edit.base:
            raise Refusal("conflict", _("Somebody changed it at the same time."))
        _spend(place, len(edit.data))
        elements.check(edit.data)
        return self.change(board, place, element, edit.data)

    def change(self, board: Board, place: Participant, element: Element, data: bytes) -> Drawn:
        _check_room(board, 0, len(data) - len(element.data))
        board.byte_count += len(data) - len(element.data)
        element.data = data
        self.touch(board, element)
        self.tell(board, frames.element_event(board, element, element.author.number))
        return Drawn(element.rev, element.number)

    def erase(self, board: Board, place: Participant, refs: Sequence[Ref]) -> Drawn:
        rev = board.rev
        for element in self.referred(board, place, refs):
            if not element.is_erased:
                element.is_erased, element.erased_by = True, place
                board.element_count -= 1
                board.byte_count -= len(element.data)
                rev = self.touch(board, element)
                self.tell(board, frames.erased_event(board, element, place.number))
        return Drawn(rev)

    def restore(self, board: Board, place: Participant, refs: Sequence[Ref], *, is_owner: bool) -> Drawn:
        rev = board.rev
        erased = [element for element in self.referred(board, place, refs) if element.is_erased]
        mine = [element for element in erased if is_owner or element.erased_by_id == place.pk]
        _check_room(board, len(mine), sum(len(element.data) for element in mine))  # for all of them, or for none
        for element in mine:
            element.is_erased, element.erased_by = False, None
            board.element_count += 1
            board.byte_count += len(element.data)
            rev = self.touch(board, element)
            self.tell(board, frames.element_event(board, element, element.author.number))
        return Drawn(rev)

    def referred(self, board: Board, place: Participant, refs: Sequence[Ref]) -> list[Element]:
        """Those that are there, each once: what is purged or never was needs no erasing."""
        _spend(place, len(refs) * 4)
        found = [self.by_number.get((board.pk, number)) if number else self.by_key.get((place.pk, key)) for number, key in refs]
        there = [element for element in found if element is not None and element.board_id == board.pk]
        return list({element.number: element for element in there}.values())

    def touch(self, board: Board, element: Element) -> int:
        board.rev += 1
        element.rev, element.changed_at = board.rev, self.now
        if element.pk:  # else it is about to be written anyway
            self.changed[element.pk] = element
        return board.rev

    def tell(self, board: Board, event: BoardChange) -> None:
        self.told.setdefault(board.pk, []).append(event)

    def write(self) -> None:
        if not self.told:
            return
        Element.objects.bulk_create(self.new)
        Element.objects.bulk_update(self.changed.values(), ["rev", "data", "is_erased", "erased_by", "changed_at"])
        boards = [self.boards[pk] for pk in self.told]
        for board in boards:
            board.drawn_at = self.now
            thumbnail_soon(board)
            tell_board(board, self.told[board.pk])
        Board.objects.store_all(boards, "element_count", "byte_count", "drawn_at", "is_thumbnail_due")


def _find(operations: Sequence[Operation]) -> Any:
    """Every element that the operations are about, in one query."""
    wanted = Q()
    for operation in operations:
        match operation:
            case Put(place_id=place, key=key):
                wanted |= Q(author=place, key=key)
            case Edit(board_id=board, number=number):
                wanted |= Q(board=board, number=number)
            case Erase(board_id=board, place_id=place, refs=refs):
                numbers, keys = [number for number, _ in refs if number], [key for number, key in refs if not number]
                wanted |= Q(board=board, number__in=numbers) | Q(author=place, key__in=keys)
    return Element.objects.filter(wanted).select_related("author")


def _is_rest_of(data: bytes, known: Element) -> bool:
    """A stroke whose beginning was kept when its socket broke comes again, whole: it grows. Never once it was touched."""
    is_partial = len(data) > len(known.data) and data.startswith(bytes(known.data))
    return is_partial and known.rev == known.number and not known.is_erased and (data[0] & 0x0F) <= elements.Kind.HIGHLIGHTER


def _check_room(board: Board, count: int, size: int) -> None:
    if count > 0 and board.element_count + count > ELEMENTS_PER_BOARD:
        message = format_lazy(_("A board holds {limit} elements. Erase some, or start another one."), limit=ELEMENTS_PER_BOARD)
        raise Refusal("too_long", message)
    if size > 0 and board.byte_count + size > BYTES_PER_BOARD:
        raise Refusal("too_long", _("This board is full. Erase something, or start another one."))


def _spend(place: Participant, size: int) -> None:
    operations_per_person.spend(place.pk, 1 + size / BYTES_PER_TOKEN)
