"""Keeping people's lists of boards, and the gallery, in step."""

from collections.abc import Collection
from typing import Any

from drawing.frames import gallery_event, list_event
from drawing.models import Board, BoardList, Gallery, Participant
from drawing.services import access
from realtime.broadcast import broadcast, broadcast_each

GALLERY = 1  # there is one


def touch_lists(board: Board, users: Collection[int] | None = None) -> None:
    """Tell these people (None: everybody on the board) that their line for it changed, and the gallery if it may be there.

    Boards are locked before lists, lists in the order of their people, the gallery last, always.
    """
    known = Participant.objects.filter(board=board.pk).exclude(user=None).select_related("user", "board__owner")
    places = list((known if users is None else known.filter(user__in=users)).order_by("user_id"))
    owners = [place.user_id for place in places if place.user_id is not None]
    BoardList.objects.bulk_create([BoardList(user_id=user) for user in owners], ignore_conflicts=True)
    lists = BoardList.objects.lock_all(owners)
    told = []
    for place in places:
        place.board = board
        feed = lists[place.user_id or 0]
        feed.rev += 1
        place.list_rev = feed.rev
        told.append((feed.group, list_event(place, place.is_listed and bool(access.role_of(board, place)))))
    if places:
        BoardList.objects.store_all(lists.values())
        Participant.objects.bulk_update(places, ["list_rev"])
        broadcast_each(told)
    if users is None and (board.access == Board.Access.PUBLIC or board.gallery_rev):
        _touch_gallery(board)


def _touch_gallery(board: Board) -> None:
    gallery = Gallery.objects.lock(pk=gallery_feed().pk)
    board.gallery_rev = gallery.advance()
    Board.objects.filter(pk=board.pk).update(gallery_rev=board.gallery_rev)
    broadcast(gallery.group, gallery_event(gallery, board))


def board_list_of(user: Any) -> BoardList:
    """The person's list, made when first looked at."""
    return BoardList.objects.get_or_create(user=user)[0]


def gallery_feed() -> Gallery:
    return Gallery.objects.get_or_create(pk=GALLERY)[0]
