"""What a board's socket says in JSON, and what people's lists of boards say. Read this first, then `wire.py` for the ink."""

from typing import Any

from realtime.protocol import BinaryChange, Change, Event


class BoardChange(BinaryChange, frozen=True, kw_only=True, omit_defaults=True, tag="drawing.board.changed"):
    """An element, or a fact about the board, changed. A binary frame (CHANGE in `drawing/wire.py`); never sent as JSON."""


class BoardOpened(Event, frozen=True, kw_only=True, tag="drawing.board.opened"):
    """The first frame for whoever opens a board: who they are on it, what they may do, and what it is called.

    `role` is owner, editor or viewer; `number` stands for them in all frames (0: somebody who only looks). `limits` are per
    stroke, element and board."""

    feed: str
    number: int
    role: str
    name: str
    board: dict[str, Any]
    limits: dict[str, int]


class RightsChanged(Event, frozen=True, kw_only=True, tag="drawing.rights.changed"):
    """What this socket's person may do has changed."""

    feed: str
    role: str


class PeopleChanged(Event, frozen=True, kw_only=True, tag="drawing.people.changed"):
    """Who is on the board now: `[{"number": 1, "name": "ann", "role": "owner", "is_guest": false}]`, and how many more only
    look."""

    feed: str
    people: list[dict[str, Any]]
    watching: int


class OperationRefused(Event, frozen=True, kw_only=True, omit_defaults=True, tag="drawing.operation.refused"):
    """The operation with this `tag` was not carried out; nothing of it was stored. `retry_after` is in seconds.

    A stroke that is not accepted while it is being drawn has no tag yet."""

    code: str
    message: str
    tag: int | None = None
    retry_after: float | None = None


class ListChanged(Change, frozen=True, kw_only=True, omit_defaults=True, tag="drawing.list.changed"):
    """A board in a person's list, or in the gallery, as it is now; `is_listed` false takes it away. `html` is the partial
    `drawing/_board_card.html`."""

    board: int
    is_listed: bool
    html: str = ""
