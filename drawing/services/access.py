"""Who may do what on a board, asked inside the transaction that does it."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from drawing.models import Board, Participant
from realtime.protocol import Refusal

Role = Participant.Role
BY_LINK = {
    Board.Access.PRIVATE: "",
    Board.Access.LINK_VIEW: Role.VIEWER,
    Board.Access.LINK_EDIT: Role.EDITOR,
    Board.Access.PUBLIC: Role.EDITOR,
}


def role_of(board: Board, place: Participant | None) -> str:
    """`owner`, `editor`, `viewer`, or "" for somebody to whom the board does not exist. `place` None: who never drew here."""
    if board.deleted_at is not None or (place and place.is_removed):
        return ""
    if place and place.user and not place.user.is_active:
        return ""
    if place and place.role != Role.LINK:
        return place.role
    by_link = BY_LINK[Board.Access(board.access)]
    return Role.VIEWER if by_link and place is None else by_link


def place_of(board: Board, user: Any, guest_key: str = "") -> Participant | None:
    """Where this person, or the guest with this key, stands on the board."""
    places = Participant.objects.select_related("user").filter(board=board.pk)
    if user.is_authenticated:
        return places.filter(user=user.pk).first()
    return places.filter(guest_key=guest_key).first() if guest_key else None


def locked_board(board_id: int) -> Board:
    """The board, held until the transaction ends."""
    try:
        return Board.objects.lock(pk=board_id)
    except Board.DoesNotExist:
        raise no_such_board() from None


def no_such_board() -> Refusal:
    """The same answer for a board that is not there and one that is nobody's business."""
    return Refusal("not_found", _("There is no such board."))


def owned_board(user: Any, board_id: int, *, is_deleted: bool = False) -> tuple[Board, Participant]:
    """The board, held, and the place of its owner: only they may do what comes next."""
    board = locked_board(board_id)
    place = place_of(board, user)
    if is_deleted:
        if board.owner_id != user.pk or board.deleted_at is None or place is None:
            raise no_such_board()
        return board, place
    role = role_of(board, place)
    if place is None or not role:
        raise no_such_board()
    if role != Role.OWNER:
        raise Refusal("not_allowed", _("Only an owner of the board may do this."))
    return board, place


def check_may_draw(board: Board, place: Participant | None) -> str:
    """Returns the role. Raises `not_found`, `not_allowed` or, on a locked board, `archived`."""
    role = role_of(board, place)
    if not role:
        raise no_such_board()
    if role == Role.VIEWER:
        raise Refusal("not_allowed", _("You may look at this board, not draw on it."))
    if board.is_locked:
        raise Refusal("archived", _("This board is locked."))
    return role
