"""The one socket of each tab, `/ws/`. It carries any number of feeds, and commands to all apps."""

import asyncio
import logging
from typing import Any

from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from django.db import Error as DatabaseError
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from realtime import commands, logs
from realtime.auth import Caller, Credentials, credentials_of, identify, is_same_site
from realtime.batching import BATCH
from realtime.events import Hello, Ping, Pong
from realtime.hub import Hub
from realtime.languages import language_of
from realtime.limits import Limit
from realtime.protocol import FRAME_BYTES, VERSION, Command, DurableCommand, Error, Refusal, decode, tag_of
from realtime.resume import join_feeds
from realtime.servers import writer_for
from realtime.sockets import Socket, user_group

logger = logging.getLogger(__name__)

HEARTBEAT_SECONDS = 15
SOCKETS_PER_PERSON = 40  # tabs in one process
BAD_FRAMES, BAD_SECONDS = 5, 60  # so many in that time, and the socket is closed

frames_per_socket = Limit("frames", burst=100, per_second=50)
bad_frames = Limit("bad frames", burst=BAD_FRAMES, per_second=BAD_FRAMES / BAD_SECONDS)
refused_frames = Limit("frames over the limit", burst=20, per_second=20 / 30)


class RealtimeConsumer(AsyncConsumer):
    """Accept, find out who it is, then read commands one after another until the socket ends."""

    hub: Hub
    socket: Socket  # once it is accepted
    credentials: Credentials
    caller: Caller  # once it is known

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        # In place of Channels' own loop: this socket has no channel on the layer (the hub's serves all), no thread hop
        # per message, and is cleaned up however it ends.
        self.scope, self.base_send = scope, send
        self.hub = Hub.here()
        self.is_accepted = False
        self.rechecking: asyncio.Task[None] | None = None
        self.has_to_look = False
        self.answering: set[asyncio.Task[None]] = set()  # commands that wait for the transaction they share
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            pass
        finally:
            await self.clean_up()

    async def dispatch(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.connect":
                await self.connect()
            case "websocket.receive":
                self.hub.counters["frames_in"] += 1
                await self.receive(message)
            case "websocket.disconnect":
                if self.is_accepted:
                    self.hub.closes[message.get("code", 1006)] += 1
                raise StopConsumer

    async def connect(self) -> None:
        if not is_same_site(self.scope):  # not accepted: a page of another site learns nothing
            await self.send({"type": "websocket.close"})
            raise StopConsumer
        await self.send({"type": "websocket.accept"})
        translation.activate(language_of(self.scope))  # for what this task, the socket's own, answers
        self.socket, self.is_accepted = self.hub.open(writer_for(self.base_send)), True
        logs.connection_id.set(self.socket.id)
        # From here on a browser is told the code it is closed with.
        try:
            caller = await self.identify()
        except DatabaseError:
            await self.hub.close_socket(self.socket, 4012)
            return
        if not self.admits(caller):
            await self.hub.close_socket(self.socket, 4401)
            return
        await self.welcome(caller)

    def admits(self, caller: Caller) -> bool:
        return caller.user.is_authenticated

    async def welcome(self, caller: Caller) -> None:
        self.caller = caller
        self.socket.user, self.socket.session = caller.user, self.credentials.session
        self.socket.recheck = self.recheck
        if await self.hub.follow(self.socket, user_group(caller.user.pk)) > SOCKETS_PER_PERSON:
            await self.hub.close_socket(self.socket, 4429)
            return
        self.socket.send(
            Hello(
                connection=self.socket.id,
                version=VERSION,
                heartbeat=HEARTBEAT_SECONDS,
                user=caller.user.pk,
                limits={"frame": FRAME_BYTES},
            )
        )

    async def identify(self) -> Caller:
        self.credentials = credentials_of(self.scope)
        return await identify(self.credentials)

    async def receive(self, message: dict[str, Any]) -> None:
        if self.socket.closing:
            return
        try:
            frames_per_socket.spend(self.socket.id)
            command = self.read(message)
        except Refusal as refusal:
            await self.refuse(refusal, None)
            return
        if command.is_batched:
            await self.answer_later(command)
            return
        if self.answering and isinstance(command, DurableCommand):  # it may be about what is still on its way
            await asyncio.wait(self.answering)
        await self.answer(command)

    async def answer_later(self, command: Command) -> None:
        """Read on: what this socket sends meanwhile joins the same transaction, behind this command."""
        if len(self.answering) >= BATCH:
            await asyncio.wait(self.answering, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self.answer(command))
        self.answering.add(task)
        task.add_done_callback(self.answering.discard)

    async def answer(self, command: Command) -> None:
        try:
            await self.carry_out(command)
        except Refusal as refusal:
            await self.refuse(refusal, command)
        except DatabaseError as error:
            logger.warning("The database did not answer a command (%s).", error)
            await self.refuse(Refusal("retry_later", _("The database does not answer."), retry_after=2), command)
        except Exception:  # our own mistake: it must not cost the person the socket, and must not be tried again for ever
            logger.exception("A command failed: %s", type(command).__name__)
            await self.refuse(Refusal("server_error", _("Something broke on our side.")), command)

    def read(self, message: dict[str, Any]) -> Command:
        text = message.get("text")
        if text is None:
            raise Refusal("binary_not_supported", "Frames on this socket are text.")
        return decode(text)

    async def carry_out(self, command: Command) -> None:
        if isinstance(command, Ping):
            self.socket.send(Pong())
        elif tag_of(command).startswith("realtime."):
            await join_feeds(self.hub, self.socket, self.caller, command)
        elif ack := await commands.carry_out(self.caller, command, self.socket):
            self.socket.send(ack)

    async def refuse(self, refusal: Refusal, command: Command | None) -> None:
        error: Error = refusal.to_event(command)
        self.socket.send(error)
        if command is None and refusal.code != "rate_limited" and bad_frames.wait(self.socket.id):
            await self.hub.close_socket(self.socket, 4400)
        if refusal.code == "rate_limited":
            self.hub.counters["rate_limited"] += 1
            if refused_frames.wait(self.socket.id):
                await self.hub.close_socket(self.socket, 4429)

    def recheck(self) -> None:
        """Rights may have changed. Looks follow one another: told during one, we look once more, as it may have read before."""
        self.has_to_look = True
        if self.rechecking is None or self.rechecking.done():
            self.rechecking = asyncio.create_task(self.look_while_told())

    async def look_while_told(self) -> None:
        try:
            while self.has_to_look:
                self.has_to_look = False
                await self.look_again()
        except DatabaseError as error:
            logger.warning("Rights could not be checked (%s); the tick tries again.", error)

    async def look_again(self) -> None:
        caller = await self.identify()
        if not self.admits(caller):
            await self.hub.close_socket(self.socket, 4401)
            return
        self.caller = caller
        await commands.leave_forbidden(self.hub, self.socket, caller)

    async def clean_up(self) -> None:
        if self.rechecking:
            self.rechecking.cancel()
        if self.is_accepted:
            self.socket.recheck = None
            await self.hub.close(self.socket)
