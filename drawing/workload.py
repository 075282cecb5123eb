"""What boards are put through by `manage.py faults` (docs/faults.md): people draw, change and erase on one of them.

Changes come in binary frames, as to a board's page. Live ink is not part of it: it may be lost.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User

from drawing import services, wire
from drawing.elements import Kind, Shape, encode
from drawing.models import Board, Element
from drawing.views.ink import MAGIC
from realtime.feeds import split_name
from realtime.limits import unlimited
from realtime.models import Receipt
from realtime.protocol import Command
from realtime.registry import Handler
from tests.faults.workload import Row

KINDS = {"put": 6, "edit": 4, "erase": 3}  # how often each, of 13


class DrawingWorkload:
    refusals = frozenset({"conflict"})  # somebody may change or erase what somebody else is about to change

    def commands(self) -> dict[type[Command], Handler]:
        from drawing.tests import neighbour  # once it is imported it is in everybody's vocabulary

        return dict.fromkeys((neighbour.PutElement, neighbour.EditElement, neighbour.EraseElement), neighbour.draw)

    def prepare(self, people: Sequence[str]) -> dict[str, dict[str, Any]]:
        """No picture is drawn of it: that would be a change that no command here made."""
        owner, *others = User.objects.filter(username__in=people).order_by("pk")
        with unlimited():
            board = services.create_board(owner, "Faults")
            for person in others:
                services.share_board(owner, board.pk, person, "editor")
        Board.objects.filter(pk=board.pk).update(is_thumbnail_due=True)
        board.refresh_from_db()
        facts = {"feed": board.group, "rev": board.rev, "epoch": board.epoch, "url": board.get_absolute_url()}
        return {"board": {**facts, "has_presence": False}}

    def stored(self, feed: str) -> dict[str, Any]:
        board = Board.objects.get(pk=split_name(feed)[1])
        receipts = Receipt.objects.filter(feed=feed).values_list("rev", "row_id", "client_id")
        rows = Element.objects.on(board).order_by("number").values_list("number", "rev", "data", "is_erased")
        return {
            "rev": board.rev,
            "changes": [[rev, pk, str(client_id)] for rev, pk, client_id in receipts],
            "rows": [_row(number, rev, b"" if is_erased else bytes(data)) for number, rev, data, is_erased in rows],
        }

    def step(self, tab: Any, name: str, chance: random.Random) -> None:
        kind = chance.choices([*KINDS], [*KINDS.values()])[0]
        which, data = chance.random(), _drawing(chance).hex()
        # The client has one command on its way at a time: of what is about to change it does not know the revision yet.
        shown = [row for _, row in sorted(tab.rows(name).items()) if row.content] if tab.sees_own(name) else []
        if kind == "put" or not shown:
            tab.post("drawing.neighbour.put", name, data=data)
            return
        row = shown[int(which * len(shown))]
        if kind == "edit":
            tab.post("drawing.neighbour.edit", name, number=row.id, base=row.rev, data=data)
        else:
            tab.post("drawing.neighbour.erase", name, number=row.id)

    def unpack(self, data: bytes) -> dict[str, Any]:
        """A binary frame, as the event that it stands for."""
        change = wire.read_change(data)
        content = "" if change.kind == wire.ERASED else change.data.hex()
        return {"type": "drawing.board.changed", "rev": change.rev, "number": change.number, "content": content}

    def rows(self, frame: dict[str, Any], shown: Mapping[int, Row]) -> list[Row]:
        if frame["type"] != "drawing.board.changed":
            return []
        return [Row(frame["number"], frame["number"], frame["rev"], frame["content"])]

    def page(self, feed: dict[str, Any], get: Callable[[str], str]) -> list[Row]:
        """The board in bulk, as a page fetches it after a reset."""
        reader = wire.Reader(get(f"{feed['url']}ink/").encode(errors="surrogateescape"))
        assert reader.take(len(MAGIC)) == MAGIC
        _, _, epoch = reader.varint(), reader.varint(), reader.varint()
        reader.take(epoch)
        rows = []
        while not reader.is_done:
            change = wire.read_change(reader.take(reader.varint()))
            rows.append(_row(change.number, change.rev, change.data))
        return rows


def _row(number: int, rev: int, data: bytes) -> Row:
    return Row(number, number, rev, data.hex())


def _drawing(chance: random.Random) -> bytes:
    """No two are the same: an edit that changes nothing would take no revision."""
    points = [(chance.uniform(0, 999), chance.uniform(0, 999), 0.5) for _ in range(chance.randrange(2, 9))]
    return encode(Shape(Kind.PEN, (chance.randrange(256), 0, 0), 4, points))
