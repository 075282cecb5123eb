"""The one door for writes. Sockets, forms, the admin and commands all come in here.

Each function is one verb. It checks that the person may, writes in one transaction, and broadcasts after the commit.
What is refused raises `Refusal` before anything is written.
"""

from drawing.services.access import place_of, role_of
from drawing.services.boards import (
    change_board,
    create_board,
    delete_board,
    duplicate_board,
    lock_by_staff,
    prune,
    restore_board,
)
from drawing.services.ink import REFS, Drawn, Edit, Erase, Operation, Put, draw, draw_all
from drawing.services.lists import board_list_of, gallery_feed
from drawing.services.people import (
    change_role,
    forget_board,
    guest_key,
    join_as_guest,
    let_back,
    remove_participant,
    restore_strokes,
    revert_strokes,
    share_board,
    take_place,
)
from drawing.services.thumbnails import draw_thumbnail

__all__ = [
    "REFS",
    "Drawn",
    "Edit",
    "Erase",
    "Operation",
    "Put",
    "board_list_of",
    "change_board",
    "change_role",
    "create_board",
    "delete_board",
    "draw",
    "draw_all",
    "draw_thumbnail",
    "duplicate_board",
    "forget_board",
    "gallery_feed",
    "guest_key",
    "join_as_guest",
    "let_back",
    "lock_by_staff",
    "place_of",
    "prune",
    "remove_participant",
    "restore_board",
    "restore_strokes",
    "revert_strokes",
    "role_of",
    "share_board",
    "take_place",
]
