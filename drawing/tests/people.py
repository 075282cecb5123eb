"""People and a board to try rights on: one person for each place that somebody can have towards a board."""

from typing import Any

from django.contrib.auth.models import User

from drawing import services
from drawing.models import Board, Participant
from realtime.limits import unlimited

PLACES = ("owner", "editor", "viewer", "removed", "stranger")


class Place:
    """A board with an owner, an editor, a viewer and somebody who was removed, each a user
    of that name; `stranger` is not on it."""

    def __init__(self, access: str = Board.Access.PRIVATE, title: str = "Harbour"):
        for name in PLACES:
            setattr(self, name, User.objects.get_or_create(username=name)[0])
        with unlimited():
            self.board = services.create_board(self.owner, title, access)
            services.share_board(self.owner, self.board.pk, self.editor, "editor")
            services.share_board(self.owner, self.board.pk, self.viewer, "viewer")
            services.share_board(self.owner, self.board.pk, self.removed, "editor")
            services.remove_participant(self.owner, self.board.pk, self.seat(self.removed).number)
        self.board.refresh_from_db()

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)

    def seat(self, user: User) -> Participant:
        return Participant.objects.select_related("user").get(board=self.board, user=user)
