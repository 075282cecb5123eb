"""One person's hand on a board: what their socket's binary frames do."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import Error as DatabaseError
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from drawing import elements, services, wire
from drawing.events import OperationRefused
from drawing.live import LiveBoard
from drawing.models import Participant
from drawing.wire import Op, Reader
from realtime.batching import Batcher
from realtime.hub import Hub
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.servers import binary_frame
from realtime.sockets import Socket

logger = logging.getLogger(__name__)

WAITING = 256  # operations of one socket on their way to the database; then it has to wait with the next
SHAPE_BYTES = 4_096  # of a shape that is being drawn: a text is the longest
COLLECTED_BYTES = 32_768  # told in one tick for one person

points_per_person = Limit("points", burst=4_000, per_second=600)

# Nobody waits to see a stroke that is told live, so that its commit may wait for others. The first one goes at once.
GATHER_SECONDS = 0.05
_operations: Batcher[services.Operation, services.Drawn] = Batcher(services.draw_all, rest=GATHER_SECONDS)


@dataclass(slots=True)
class OpenStroke:
    """A stroke while it is being drawn: the bytes of its element so far."""

    key: int
    data: bytearray
    points: int
    has_pressure: bool


class Pen:
    """`take(op, body)` carries out one operation. What others should see of it waits for the tick of the board."""

    def __init__(self, socket: Socket, hub: Hub, feed: str, board_id: int, place: Participant | None):
        self.socket, self.board_id, self.place = socket, board_id, place
        self.board = LiveBoard.enter(hub, feed, self)
        self.role, self.is_locked = "", False
        self.payer = place.pk if place else socket.id  # whose limits count: more tabs do not make a person faster
        self.stroke: OpenStroke | None = None
        self._number = wire.varints(place.number) if place else b""
        self._said: list[bytes] = []
        self._collected = 0
        self._latest: dict[int, bytes] = {}  # of cursor, view and shape only the last one counts
        self._answering: set[asyncio.Task[None]] = set()
        self._verbs: dict[int, Callable[[bytes], None]] = {
            Op.BEGIN: self.begin,
            Op.INK: self.ink,
            Op.END: self.end,
            Op.CANCEL: self.cancel,
            Op.PUT: self.put,
            Op.EDIT: self.edit,
            Op.ERASE: self.erase,
            Op.RESTORE: self.restore,
            Op.CURSOR: self.cursor,
            Op.VIEW: self.view,
            Op.SHAPE: self.shape,
        }

    def person(self) -> dict[str, Any]:
        assert self.place
        return {"number": self.place.number, "name": self.place.name, "role": self.role, "is_guest": self.place.is_guest}

    async def take(self, op: int, body: bytes) -> None:
        """Raises `Refusal` for what is no operation."""
        verb = self._verbs.get(op)
        if verb is None:
            return  # a newer client says more than we understand
        if len(self._answering) >= WAITING:
            await asyncio.wait(self._answering, return_when=asyncio.FIRST_COMPLETED)
        verb(body)

    def take_said(self) -> bytes:
        """What is to be told of this person in this tick."""
        if not self._said and not self._latest:
            return b""
        said = [*self._said, *self._latest.values()]
        self._said, self._latest, self._collected = [], {}, 0
        return b"".join(said)

    def close(self) -> None:
        """The socket is gone. A stroke that was under way is kept as far as it came; its author may send the whole later."""
        if self.stroke and self.place and self.stroke.points > 1:
            stroke, self.stroke = self.stroke, None
            self.board.hub.run(self._commit(self._put_of(stroke), None))

    # Live ink

    def begin(self, body: bytes) -> None:
        self.stroke = None
        if not self._may_draw():
            return
        reader = Reader(body)
        key, data = reader.key(), reader.rest()
        shape = elements.check(data)
        if not shape.kind.is_stroke:
            raise Refusal("bad_frame", "Only strokes are drawn live.")
        try:
            points_per_person.spend(self.payer, len(shape.points))
        except Refusal as refusal:
            self._refuse(refusal, None)
            return
        self.stroke = OpenStroke(key, bytearray(data), len(shape.points), bool(data[0] & elements.PRESSURE))
        self._say(Op.BEGIN, data)

    def ink(self, body: bytes) -> None:
        stroke = self.stroke
        if stroke is None:  # it was refused, and its author has been told
            return
        points = elements.points_in(body, stroke.has_pressure)
        try:
            points_per_person.spend(self.payer, points)
            if stroke.points + points > elements.POINTS:
                raise Refusal("too_long", format_lazy(_("A stroke may have {limit} points."), limit=elements.POINTS))
        except Refusal as refusal:
            self.cancel(b"")
            self._refuse(refusal, None)
            return
        stroke.data += body
        stroke.points += points
        self._say(Op.INK, body)

    def end(self, body: bytes) -> None:
        reader = Reader(body)
        tag, points = reader.varint(), reader.varint()
        stroke, self.stroke = self.stroke, None
        if stroke is None or stroke.points != points:  # its author has it whole, and puts it
            self._refuse(Refusal("conflict", _("Not all of this stroke came through.")), tag)
            return
        self._say(Op.END)
        self._submit(self._put_of(stroke), tag)

    def cancel(self, body: bytes) -> None:
        if self.stroke:
            self.stroke = None
            self._say(Op.CANCEL)

    def cursor(self, body: bytes) -> None:
        self._say_latest(Op.CURSOR, body, 10)

    def view(self, body: bytes) -> None:
        self._say_latest(Op.VIEW, body, 20)

    def shape(self, body: bytes) -> None:
        if len(body) <= SHAPE_BYTES and self._may_draw(tells=False):
            if body:
                elements.check(body)
            self._say_latest(Op.SHAPE, body, SHAPE_BYTES)

    # What is kept

    def put(self, body: bytes) -> None:
        reader = Reader(body)
        tag, key = reader.varint(), reader.key()
        if place := self._place(tag):
            self._submit(services.Put(self.board_id, place.pk, key, reader.rest()), tag)

    def edit(self, body: bytes) -> None:
        reader = Reader(body)
        tag, number, base = reader.varint(), reader.varint(), reader.varint()
        if place := self._place(tag):
            self._submit(services.Edit(self.board_id, place.pk, number, base, reader.rest()), tag)

    def erase(self, body: bytes) -> None:
        self._erase(body, on=True)

    def restore(self, body: bytes) -> None:
        self._erase(body, on=False)

    def _erase(self, body: bytes, *, on: bool) -> None:
        reader = Reader(body)
        tag, refs = reader.varint(), reader.refs()
        if len(refs) > services.REFS:
            self._refuse(Refusal("too_long", format_lazy(_("At most {limit} elements at once."), limit=services.REFS)), tag)
        elif place := self._place(tag):
            self._submit(services.Erase(self.board_id, place.pk, refs, on), tag)

    def _put_of(self, stroke: OpenStroke) -> services.Put:
        assert self.place
        return services.Put(self.board_id, self.place.pk, stroke.key, bytes(stroke.data), stroke.points)

    def _place(self, tag: int) -> Participant | None:
        """Where they stand; whether they may do it from there, the service asks the database."""
        if self.place is None:
            self._refuse(Refusal("not_allowed", _("You may look at this board, not draw on it.")), tag)
        return self.place

    @property
    def may_draw(self) -> bool:
        """As far as this process knows, which may be a moment behind: good enough for what is only shown."""
        return self.role in {Participant.Role.OWNER, Participant.Role.EDITOR} and not self.is_locked

    def _may_draw(self, *, tells: bool = True) -> bool:
        if not self.may_draw and tells:
            looking, locked = Refusal("not_allowed", _("You may only look.")), Refusal("archived", _("This board is locked."))
            self._refuse(locked if self.is_locked else looking, None)
        return self.may_draw

    def _submit(self, operation: services.Operation, tag: int) -> None:
        task = asyncio.create_task(self._commit(operation, tag))  # tasks start in order, and so do transactions
        self._answering.add(task)
        task.add_done_callback(self._answering.discard)

    async def _commit(self, operation: services.Operation, tag: int | None) -> None:
        try:
            drawn = await _operations.submit(operation)
        except Refusal as refusal:
            self._refuse(refusal, tag)
        except DatabaseError as error:
            logger.warning("The database did not take a drawing (%s).", error)
            self._refuse(Refusal("retry_later", _("The database does not answer."), retry_after=2), tag)
        except Exception:  # our own mistake: it must not cost the person the socket
            logger.exception("Drawing failed: %s", type(operation).__name__)
            self._refuse(Refusal("server_error", _("Something broke on our side.")), tag)
        else:
            if tag is not None:
                self.socket.write(binary_frame(wire.ack(tag, drawn.rev, drawn.number)))

    def _refuse(self, refusal: Refusal, tag: int | None) -> None:
        event = OperationRefused(code=refusal.code, message=refusal.message, tag=tag, retry_after=refusal.retry_after)
        self.socket.send(event)

    def _say(self, op: int, body: bytes = b"") -> None:
        self._collected += len(body)
        if self._collected <= COLLECTED_BYTES:
            self._said.append(self._number + wire.operation(op, body))
            self.board.tick_soon()

    def _say_latest(self, op: int, body: bytes, longest: int) -> None:
        if self.place and len(body) <= longest:
            self._latest[op] = self._number + wire.operation(op, body)
            self.board.tick_soon()
