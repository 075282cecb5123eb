"""Telling a board what changed on it."""

from collections.abc import Sequence

from drawing.events import BoardChange
from drawing.models import Board
from realtime.broadcast import broadcast
from realtime.feeds import WINDOW


def tell_board(board: Board, changes: Sequence[BoardChange]) -> None:
    """After the commit. Of very many changes only the last: whoever hears it sees that something is missing, and fetches all
    of it with one request instead of being sent thousands of frames."""
    broadcast(board.group, *(changes if len(changes) <= WINDOW else changes[-1:]))
