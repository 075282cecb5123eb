"""From rows to events."""

import zlib
from typing import Any

from drawing import elements, events, wire
from drawing.models import Board, Element, Gallery, Participant
from realtime.languages import shared_fragment


def element_event(board: Board, element: Element, author: int) -> events.BoardChange:
    return change(board.pk, element.rev, wire.element_change(element.rev, element.number, author, bytes(element.data)))


def ink_event(board: Board, element: Element, author: int, points: int) -> events.BoardChange:
    """For those who saw it being drawn: all they need to know is that it is what they saw."""
    return change(board.pk, element.rev, wire.ink_change(element.rev, author, points, zlib.crc32(element.data)))


def erased_event(board: Board, element: Element, by: int) -> events.BoardChange:
    return change(board.pk, element.rev, wire.erased_change(element.rev, element.number, by))


def row_event(board_id: int, row: tuple[int, int, int, int | None, bool, bytes]) -> events.BoardChange:
    """An element as a row of `ElementQuerySet.rows()`, when catching up."""
    return change(board_id, row[0], row_change(row))


def row_change(row: tuple[int, int, int, int | None, bool, bytes]) -> bytes:
    rev, number, author, erased_by, is_erased, data = row
    if is_erased:
        return wire.erased_change(rev, number, erased_by or 0)
    return wire.element_change(rev, number, author, bytes(data))


def board_event(board: Board) -> events.BoardChange:
    return change(board.pk, board.settings_rev, wire.board_change(board.settings_rev, board_facts(board)))


def board_facts(board: Board) -> dict[str, Any]:
    return {"title": board.title, "access": board.access, "background": board.background, "is_locked": board.is_locked}


def change(board_id: int, rev: int, payload: bytes) -> events.BoardChange:
    return events.BoardChange(feed=f"{Board.feed_name}.{board_id}", rev=rev, payload=payload)


def limits() -> dict[str, int]:
    return {"points": elements.POINTS, "element": elements.ELEMENT_BYTES, "text": elements.TEXT_LENGTH}


def list_event(place: Participant, is_listed: bool) -> events.ListChanged:
    context = {"board": place.board, "place": place}
    return events.ListChanged(
        feed=f"drawing.list.{place.user_id}",
        rev=place.list_rev,
        board=place.board_id,
        is_listed=is_listed,
        html=shared_fragment("drawing/_board_card.html", context) if is_listed else "",
    )


def gallery_event(gallery: Gallery, board: Board) -> events.ListChanged:
    is_listed = board.access == Board.Access.PUBLIC and board.deleted_at is None
    return events.ListChanged(
        feed=gallery.group,
        rev=board.gallery_rev,
        board=board.pk,
        is_listed=is_listed,
        html=shared_fragment("drawing/_board_card.html", {"board": board, "place": None}) if is_listed else "",
    )
