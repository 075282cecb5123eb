"""Who asks, and where they stand on the board they ask for."""

from typing import NamedTuple

from django.http import HttpRequest

from drawing import services
from drawing.guests import COOKIE, secret_of
from drawing.models import Board, Participant


class Seat(NamedTuple):
    board: Board
    place: Participant | None  # None: somebody who only looks
    role: str

    @property
    def may_draw(self) -> bool:
        return self.role in {Participant.Role.OWNER, Participant.Role.EDITOR}

    @property
    def is_owner(self) -> bool:
        return self.role == Participant.Role.OWNER


def seat_of(request: HttpRequest, slug: str, *, takes_place: bool = False) -> Seat | None:
    """None where the board does not exist for this person. Who opens it takes a place on it; its picture in a list does not."""
    board = Board.objects.select_related("owner").filter(slug=slug).first()
    if board is None:
        return None
    if takes_place and request.user.is_authenticated:
        place = services.take_place(request.user, board)
    else:
        secret = secret_of(request.COOKIES.get(COOKIE, ""))
        place = services.place_of(board, request.user, services.guest_key(secret) if secret else "")
    role = services.role_of(board, place)
    return Seat(board, place, role) if role else None
