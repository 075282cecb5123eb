"""Drawing by commands in JSON, as the fault checker's servers have it: its clients have receipts, which ink has no use for."""

from typing import Annotated, Any

import msgspec
from django.db import transaction

from drawing import services
from drawing.models import Board, Element, Participant
from realtime.feeds import split_name
from realtime.protocol import DurableCommand, Refusal, RowId
from realtime.receipts import Done, once
from realtime.threads import in_database

Hex = Annotated[str, msgspec.Meta(pattern="^([0-9a-f]{2})+$", max_length=1_000)]


class PutElement(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="drawing.neighbour.put"):
    """Put an element on the board `feed`."""

    data: Hex


class EditElement(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="drawing.neighbour.edit"):
    """Change an element, if it is still as at revision `base`."""

    number: RowId
    base: RowId
    data: Hex


class EraseElement(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="drawing.neighbour.erase"):
    """Erase an element that is there."""

    number: RowId


async def draw(user: Any, command: PutElement | EditElement | EraseElement) -> Done:
    return await in_database(_draw, user, command)


@transaction.atomic
def _draw(user: Any, command: PutElement | EditElement | EraseElement) -> Done:
    board = Board.objects.lock(pk=split_name(command.feed)[1])
    if done := once(user, command.client_id):
        return done
    place = Participant.objects.get(board=board, user=user)
    match command:
        case PutElement(data=data):
            drawn = services.draw(services.Put(board.pk, place.pk, command.client_id.int >> 65, bytes.fromhex(data)))
        case EditElement(number=number, base=base, data=data):
            drawn = services.draw(services.Edit(board.pk, place.pk, number, base, bytes.fromhex(data)))
        case EraseElement(number=number):
            if not Element.objects.on(board).alive().filter(number=number).exists():
                raise Refusal("conflict", "Somebody else erased it.")
            drawn = services.draw(services.Erase(board.pk, place.pk, ((number, 0),)))
    return Done.record(user, command.client_id, board, drawn.rev, drawn.number or command.number)  # type: ignore[union-attr]
