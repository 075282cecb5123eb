"""Drawing on sockets: a board has one of its own, for its binary frames; lists of boards come by the suite's."""

import logging
from typing import Any

from django.db import Error as DatabaseError
from django.db.models import QuerySet

from drawing import services
from drawing.events import BoardOpened, ListChanged, RightsChanged
from drawing.frames import board_event, board_facts, gallery_event, limits, list_event, row_event
from drawing.guests import COOKIE, secret_of
from drawing.live import LiveBoard
from drawing.models import Board, BoardList, Element, Gallery, Participant
from drawing.pens import Pen
from drawing.wire import operations
from realtime.auth import Caller, cookies_of
from realtime.consumers import HEARTBEAT_SECONDS, SOCKETS_PER_PERSON, RealtimeConsumer
from realtime.events import Hello, JoinFeed, Ping
from realtime.feeds import FeedSource, Head, Person
from realtime.hub import LOGGED_OUT, RESTART, Hub
from realtime.limits import Limit
from realtime.protocol import FRAME_BYTES, VERSION, Change, Command, Refusal
from realtime.sockets import user_group
from realtime.threads import in_database

logger = logging.getLogger(__name__)

SOCKETS_PER_BOARD = 500  # in one process
FUTURE = 2**53  # a revision that no feed comes to: who says they are there is told to start afresh
NOT_ALLOWED, NOT_FOUND, TOO_MANY = 4403, 4404, 4429

frames_per_person = Limit("ink frames", burst=180, per_second=60)
# What frames hold: a frame has room for thousands of operations. What waited while offline must pass.
operations_per_person = Limit("ink operations", burst=20_000, per_second=1_000)
BYTES_PER_OPERATION = 256


class BoardFeed(FeedSource):
    """Elements of a board and its own facts, in binary frames."""

    model = Board
    retells = False  # "it is what you saw": no use to somebody who was not there

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return Board.objects.readable_by(user)

    def changes(self, feed_id: int, after: int, limit: int) -> list[Change]:
        board = Board(pk=feed_id)
        rows = Element.objects.on(board).filter(rev__gt=after).order_by("rev").rows()[:limit]
        changes: list[Change] = [row_event(feed_id, row) for row in rows]
        changes += [board_event(changed) for changed in Board.objects.filter(pk=feed_id, settings_rev__gt=after)]
        return sorted(changes, key=lambda change: change.rev)[:limit]


class BoardListFeed(FeedSource):
    """One person's boards: nobody else may read it."""

    model = BoardList

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return BoardList.objects.filter(user=user.pk)

    def changes(self, feed_id: int, after: int, limit: int) -> list[ListChanged]:
        places = Participant.objects.filter(user=feed_id, list_rev__gt=after).select_related("user", "board__owner")
        shown = places.order_by("list_rev")[:limit]
        return [list_event(place, place.is_listed and bool(services.role_of(place.board, place))) for place in shown]


class GalleryFeed(FeedSource):
    """The public boards, for everybody."""

    model = Gallery

    def readable_by(self, user: Person) -> QuerySet[Any]:
        return Gallery.objects.all()

    def changes(self, feed_id: int, after: int, limit: int) -> list[ListChanged]:
        boards = Board.objects.filter(gallery_rev__gt=after).select_related("owner").order_by("gallery_rev")[:limit]
        return [gallery_event(Gallery(pk=feed_id), board) for board in boards]


class BoardConsumer(RealtimeConsumer):
    """A tab that shows a board. Joining, pings and refusals are as on `/ws/`; ink is binary."""

    pen: Pen | None = None

    def admits(self, caller: Caller) -> bool:
        return True  # a link lets anybody look who has it; `welcome` asks the board

    async def welcome(self, caller: Caller) -> None:
        self.caller = caller
        slug = self.scope["url_route"]["kwargs"]["slug"]
        try:
            found = await in_database(find_seat, slug, caller.user, self.guest_key())
        except DatabaseError:
            await self.hub.close_socket(self.socket, RESTART)
            return
        if found is None:
            await self.hub.close_socket(self.socket, NOT_FOUND)
            return
        board, place, role = found
        if await self.is_one_too_many(LiveBoard.known(self.hub, board.group), place):
            await self.hub.close_socket(self.socket, TOO_MANY)
            return
        self.pen = Pen(self.socket, self.hub, board.group, board.pk, place)
        self.pen.role, self.pen.is_locked = role, board.is_locked
        user = caller.user.pk or 0
        limit = {"frame": FRAME_BYTES}
        self.socket.send(Hello(connection=self.socket.id, user=user, version=VERSION, heartbeat=HEARTBEAT_SECONDS, limits=limit))
        self.socket.send(
            BoardOpened(
                feed=board.group,
                number=place.number if place else 0,
                role=role,
                name=place.name if place else "",
                board=board_facts(board),
                limits=limits(),
            )
        )

    async def is_one_too_many(self, live: LiveBoard | None, place: Participant | None) -> bool:
        """Also has the socket hear when this person's rights change, or their session ends."""
        self.socket.recheck = self.recheck
        if self.caller.user.is_authenticated:
            self.socket.user, self.socket.session = self.caller.user, self.credentials.session
            if await self.hub.follow(self.socket, user_group(self.caller.user.pk)) > SOCKETS_PER_PERSON:
                return True
        pens = list(live.pens.values()) if live else []
        mine = sum(pen.place is not None and pen.place == place for pen in pens)
        return len(pens) >= SOCKETS_PER_BOARD or mine >= SOCKETS_PER_PERSON

    def guest_key(self) -> str:
        secret = secret_of(cookies_of(self.scope).get(COOKIE, ""))
        return services.guest_key(secret) if secret else ""

    async def receive(self, message: dict[str, Any]) -> None:
        data = message.get("bytes")
        if data is None:
            await super().receive(message)
        elif self.pen and not self.socket.closing:
            try:
                frames_per_person.spend(self.pen.payer)
                for op, body in operations(data):
                    operations_per_person.spend(self.pen.payer, 1 + len(body) / BYTES_PER_OPERATION)
                    await self.take(self.pen, op, body)
            except Refusal as refusal:
                await self.refuse(refusal, None)

    async def take(self, pen: Pen, op: int, body: bytes) -> None:
        """What is wrong with one operation is not the fault of those behind it."""
        try:
            await pen.take(op, body)
        except Refusal as refusal:
            await self.refuse(refusal, None)

    async def carry_out(self, command: Command) -> None:
        if isinstance(command, Ping):
            await super().carry_out(command)
        elif isinstance(command, JoinFeed) and self.pen and command.feed == self.pen.board.feed:
            await self.join(self.pen, command)
        else:
            raise Refusal("unknown_type", "This socket is for one board.")

    async def join(self, pen: Pen, command: JoinFeed) -> None:
        """Bring the tab up to date, then keep it so. Joining again starts from the new cursor."""
        feed = pen.board.feed
        if feed in self.socket.feeds:
            self.hub.leave(self.socket, feed)
        await self.hub.hold(self.socket, feed)
        await check_rights(self.hub, pen.board, [pen])  # what changed until now was told to who had held it
        if self.socket.closing:
            return
        head, purged = await in_database(read_head, pen.board_id)
        rev = command.rev
        if rev is not None and rev < purged:
            rev = FUTURE
        await self.hub.join(self.socket, feed, head, rev, command.epoch)
        pen.board.joined(pen)

    async def look_again(self) -> None:
        """Rights may have changed: of the account, or on the board."""
        caller = await self.identify()
        if self.caller.user.is_authenticated and not caller.user.is_authenticated:
            await self.hub.close_socket(self.socket, LOGGED_OUT)
        elif self.pen:
            await check_rights(self.hub, self.pen.board, [self.pen])

    async def clean_up(self) -> None:
        if self.pen:
            self.pen.close()
            self.pen.board.leave(self.pen)
        await super().clean_up()


def find_seat(slug: str, user: Person, guest_key: str) -> tuple[Board, Participant | None, str] | None:
    """The board, the person's place on it, and their role; None where it does not exist for them."""
    board = Board.objects.filter(slug=slug).first()
    if board is None:
        return None
    place = services.take_place(user, board) if user.is_authenticated else services.place_of(board, user, guest_key)
    role = services.role_of(board, place)
    return (board, place, role) if role else None


def read_head(board_id: int) -> tuple[Head, int]:
    rev, epoch, purged = Board.objects.filter(pk=board_id).values_list("rev", "epoch", "purged_rev").get()
    return Head(rev, epoch, {}), purged


async def check_rights(hub: Hub, live: LiveBoard, pens: list[Pen]) -> None:
    """Ask again what these may do, in two queries for all of them, and act on it."""
    if not pens:
        return
    board, places = await in_database(read_places, pens[0].board_id, [pen.place.pk for pen in pens if pen.place])
    for pen in pens:
        place = places.get(pen.place.pk) if pen.place else None
        role = services.role_of(board, place) if board and (place or not pen.place) else ""
        if not role:
            await hub.close_socket(pen.socket, NOT_ALLOWED)
            continue
        pen.is_locked = bool(board and board.is_locked)
        if role != pen.role:
            pen.role = role
            pen.socket.send(RightsChanged(feed=live.feed, role=role))
            live.people_changed()
        if pen.stroke and not pen.may_draw:
            pen.cancel(b"")


def read_places(board_id: int, ids: list[int]) -> tuple[Board | None, dict[int, Participant]]:
    board = Board.objects.filter(pk=board_id).first()
    return board, Participant.objects.select_related("user").in_bulk(ids)


@Hub.takes("drawing.rights")
def take_rights(hub: Hub, message: dict[str, Any]) -> None:
    """A service changed who may do what on a board."""
    if live := LiveBoard.known(hub, f"{Board.feed_name}.{message['board']}"):
        hub.run(check_all_rights(hub, live))


async def check_all_rights(hub: Hub, live: LiveBoard) -> None:
    try:
        await check_rights(hub, live, list(live.pens.values()))
    except DatabaseError as error:
        logger.warning("Rights could not be checked (%s); the tick tries again.", error)
