"""Somebody else in the demo: three people who chat as browsers do, with a session, a socket and human patience.

They are ordinary clients of the running server. All they know is what any page gets to know.
"""

import asyncio
import json
import random
import time
from collections import deque
from contextlib import suppress
from typing import Any
from uuid import uuid4

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from chat.models import Membership, Room
from realtime.threads import in_database
from realtime.visitors import Visitor, ping

PEOPLE = ("kim", "lee", "mia")
ROOMS = ("lobby", "random")
PAUSE_SECONDS = (8, 20)  # between two things that anybody says or does
CALMER_EVERY_SECONDS = 15 * 60  # pauses double, treble...: a demo that runs overnight is still there to read in the morning
TYPING_SECONDS = (1.5, 4)
REACTION_SHARE = 0.35
REMEMBERED = 30  # messages of others that one may react to

REMARKS = {
    "lobby": [
        "Is it me, or is this *really* quick?",
        "I have it open on the phone, too. Both move at once.",
        "Try the dark mode, bottom of the menu in the corner.",
        "Hello to everybody who just came in 👋",
        "Note to self: `Ctrl+C` stops the server, not the conversation.",
        "Somebody is typing… oh, it is me.",
        "I reload, and I am where I was. **Finally.**",
        "What do you build with it?",
        "A booking page. Two people, one seat, no tears.",
        "Ours is a wall display for the workshop.",
        "https://docs.djangoproject.com has a good page on transactions, by the way.",
        "/me stretches",
    ],
    "random": [
        "Rain again. Good day for tea and tests.",
        "Tabs or spaces? …only joking.",
        "I learnt to juggle three balls yesterday. For two seconds.",
        "The swifts are out!",
        "Today's lunch: yesterday's lunch.",
        "Who took the good biscuits? 🍪",
        "~~Never~~ always read the manual.",
        "Does anybody have a bicycle pump?",
        "> Everything should be made as simple as possible\n\nbut where is the rest of that quote?",
        "Window open or closed?",
        "/me hums something from the radio",
        "Friday has a good sound to it.",
    ],
}
EMOJI = ("👍", "😀", "🎉", "❤️", "👀", "☕")


async def live(url: str) -> None:
    """Chat at the site at `url` until cancelled. Raises `PermissionError` when nobody can log in there."""
    rooms = await in_database(find_rooms)
    tabs = [Tab(url, name, rooms) for name in PEOPLE]
    for tab in tabs:
        await asyncio.to_thread(tab.log_in)
    async with asyncio.TaskGroup() as group:
        for tab in tabs:
            group.create_task(tab.stay())
        group.create_task(converse(tabs, random.Random()))


def find_rooms() -> dict[str, int]:
    """Name and id of the rooms that `seed_chat` made, where all of our people are."""
    rooms = Room.objects.filter(name__in=ROOMS, kind=Room.Kind.OPEN, archived_at=None)
    for name in PEOPLE:
        rooms = rooms.filter(pk__in=Membership.objects.active().filter(user__username=name).values("room"))
    return dict(rooms.values_list("name", "pk"))


async def converse(tabs: list["Tab"], chance: random.Random) -> None:
    """One thing at a time, whoever does it: a room stays readable."""
    remarks = {room: shuffled(lines, chance) for room, lines in REMARKS.items()}
    started = time.monotonic()
    while True:
        calm = 1 + (time.monotonic() - started) / CALMER_EVERY_SECONDS
        await asyncio.sleep(chance.uniform(*PAUSE_SECONDS) * calm)
        tab = chance.choice(tabs)
        if not tab.rooms:
            continue
        room = chance.choice(sorted(tab.rooms))
        if tab.heard[room] and chance.random() < REACTION_SHARE:
            await tab.react(room, chance.choice(tab.heard[room]), chance.choice(EMOJI))
        else:
            await tab.type(room, chance.uniform(*TYPING_SECONDS))
            await tab.say(room, next_of(remarks[room]))


def shuffled(lines: list[str], chance: random.Random) -> deque[str]:
    return deque(chance.sample(lines, len(lines)))


def next_of(lines: deque[str]) -> str:
    """The line that has not been said for longest."""
    lines.rotate(-1)
    return lines[-1]


class Tab(Visitor):
    """One person with one page open: a session by the log-in form, a socket that comes back when it is lost."""

    def __init__(self, url: str, name: str, rooms: dict[str, int]):
        super().__init__(url, name)
        self.rooms = {room: f"chat.room.{pk}" for room, pk in rooms.items()}
        self.heard: dict[str, deque[int]] = {room: deque(maxlen=REMEMBERED) for room in rooms}
        self._user: int | None = None
        self._socket: ClientConnection | None = None

    async def type(self, room: str, seconds: float) -> None:
        await self._send({"type": "chat.typing.start", "feed": self.rooms[room]})
        await asyncio.sleep(seconds)

    async def say(self, room: str, body: str) -> None:
        await self._send({"type": "chat.message.post", "feed": self.rooms[room], "client_id": str(uuid4()), "body": body})

    async def react(self, room: str, message: int, emoji: str) -> None:
        command = {"type": "chat.reaction.set", "feed": self.rooms[room], "client_id": str(uuid4())}
        await self._send(command | {"id": message, "emoji": emoji, "on": True})

    async def visit(self) -> None:
        async with self.connect("/ws/") as socket:
            feeds = {feed: {"rev": None, "epoch": ""} for feed in self.rooms.values()}  # no past: live from now on
            await socket.send(json.dumps({"type": "realtime.feeds.resume", "version": 1, "feeds": feeds, "heads": []}))
            self._socket = socket
            pings = asyncio.create_task(ping(socket))
            try:
                async for text in socket:
                    self._hear(json.loads(text))
            finally:
                pings.cancel()
                self._socket = None

    def _hear(self, frame: dict[str, Any]) -> None:
        if frame["type"] == "realtime.hello":
            self._user = frame["user"]
        for room, feed in self.rooms.items():
            is_news = frame["type"] == "chat.message.posted" and frame["feed"] == feed
            if is_news and frame["author"] != self._user:
                self.heard[room].append(frame["id"])

    async def _send(self, frame: dict[str, Any]) -> None:
        """What cannot be sent is not said: a demo needs no outbox."""
        if self._socket:
            with suppress(ConnectionClosed):
                await self._socket.send(json.dumps(frame))
