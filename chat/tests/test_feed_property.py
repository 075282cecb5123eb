"""Whatever is written, lost, doubled, reordered and cut, in whatever order: in the end every screen is what the database has.

Two hubs stand for two processes. What one tells the other arrives as the example says, or never.
"""

import asyncio
import json
from contextlib import suppress
from unittest import mock
from uuid import uuid4

from asgiref.sync import async_to_sync, sync_to_async
from django.contrib.auth import get_user_model
from django.db import transaction
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from chat import services
from chat.frames import message_event
from chat.models import Message, Room
from realtime.auth import Caller
from realtime.events import JoinFeed
from realtime.hub import Hub
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.resume import join_feeds
from realtime.servers.frames import split_frames
from realtime.servers.writer import Writer
from realtime.testing import RealtimeTestCase

HUBS, TABS, PEOPLE = 2, 3, 2
EXAMPLES, FEWEST_STEPS, MOST_STEPS = 60, 10, 30

hub, tab, person, small = (st.integers(0, most) for most in (HUBS - 1, TABS - 1, PEOPLE - 1, 5))
STEPS = {
    "write": (hub, person, st.sampled_from(["post", "post", "post", "edit", "delete", "react"]), small),
    "carry": (small, st.integers(0, 2)),  # which hint, and how often it arrives: 0 is lost, 2 is doubled
    "come": (tab, hub),
    "cut": (tab, small),  # after reading so many of the frames that are on their way
    "tick": (hub,),
}
MOSTLY = ["write"] * 5 + ["carry"] * 4 + ["come"] * 2 + ["cut", "tick"]
step = st.sampled_from(MOSTLY).flatmap(lambda name: st.tuples(st.just(name), *STEPS[name]))


# deadline: the machine may be busy. database: an example that failed belongs into a test, not into a folder.
# phases: no shrinking, which takes minutes. To have the example that failed made smaller, take the line out.
bounded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
)


class FeedPropertyTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        for where, name, value in (
            ("realtime.feeds", "WINDOW", 4),
            ("realtime.topics", "RECENT", 2),
            ("realtime.topics", "EARLY", 2),
            ("realtime.repair", "LATE_SECONDS", 0),
        ):
            self.enterContext(mock.patch(f"{where}.{name}", value))
        self.enterContext(mock.patch.object(Limit, "wait", return_value=0.0))
        make = get_user_model().objects.create_user
        self.people = [make(f"person{number}") for number in range(PEOPLE)]

    def test_every_screen_ends_as_the_database(self):
        @bounded
        @given(st.lists(step, min_size=FEWEST_STEPS, max_size=MOST_STEPS))
        def play(steps):
            room = services.create_room(self.people[0], name="Lobby")
            for person in self.people[1:]:
                services.join_room(person, room.pk)
            async_to_sync(Story(room, self.people).play)(steps)

        play()


class Story:
    """One example: two hubs, three tabs in one room, and what happens to them."""

    def __init__(self, room: Room, people: list):
        self.room, self.people = room, people
        self.hints: list[tuple[Link, dict]] = []
        self.joining: set[asyncio.Task[None]] = set()

    async def play(self, steps: list[tuple]) -> None:
        self.hubs = [Hub() for _ in range(HUBS)]
        for number, here in enumerate(self.hubs):
            here.layer = Link(self.hints)
            here.presence = mock.Mock(check=mock.AsyncMock(), stop=mock.AsyncMock())
            here.layer.other = self.hubs[1 - number]
        room = await Room.objects.aget(pk=self.room.pk)
        self.tabs = [Tab(room) for _ in range(TABS)]
        try:
            for number, tab in enumerate(self.tabs):
                await tab.connect(self.hubs[number % HUBS], self.people[0])
            for name, *arguments in steps:
                await getattr(self, name)(*arguments)
            await self.end()
        finally:
            for task in [*self.joining, *(task for here in self.hubs for task in [*here._tasks, *here._background])]:
                task.cancel()

    async def write(self, hub: int, person: int, verb: str, which: int) -> None:
        """Somebody does something, on this process."""
        with mock.patch.object(Hub, "of_process", return_value=self.hubs[hub]), suppress(Refusal):
            await sync_to_async(self.do)(self.people[person], verb, which)

    def do(self, user, verb: str, which: int) -> None:
        if verb == "post":
            services.post_message(services.Draft(self.room.pk, user, f"said {uuid4()}", uuid4()))
            return
        messages = list(Message.objects.filter(room=self.room).exclude(kind=Message.Kind.SYSTEM).order_by("seq"))
        if not messages:
            return
        message = messages[which % len(messages)]
        match verb:
            case "edit":
                services.edit_message(user, self.room.pk, message.pk, f"edited {uuid4()}", uuid4())
            case "delete":
                services.delete_message(user, self.room.pk, message.pk, uuid4())
            case "react":
                services.set_reaction(user, self.room.pk, message.pk, "👍", which % 2 == 0, uuid4())

    async def carry(self, which: int, times: int) -> None:
        """One of the hints on their way arrives at the other process."""
        if self.hints:
            sender, message = self.hints.pop(which % len(self.hints))
            for _ in range(times):
                sender.other.take(message)

    async def come(self, tab: int, hub: int) -> None:
        """A tab connects and resumes; what follows happens while it does."""
        self.tabs[tab].cut(0)
        self.start(self.tabs[tab].connect(self.hubs[hub], self.people[0]))
        await asyncio.sleep(0)

    async def cut(self, tab: int, read: int) -> None:
        self.tabs[tab].cut(read)

    async def tick(self, hub: int) -> None:
        await self.hubs[hub].check()

    def start(self, coroutine) -> None:
        task = asyncio.create_task(coroutine)
        self.joining.add(task)

    async def end(self) -> None:
        """Everybody comes back. No hint arrives any more, but every process ticks once."""
        await asyncio.gather(*self.joining)
        for number, tab in enumerate(self.tabs):
            if tab.socket is None:
                await tab.connect(self.hubs[number % HUBS], self.people[0])
        for here in self.hubs:
            await asyncio.gather(*here.repair._running.values())
            await here.check()
            here.flush()
        stored = await sync_to_async(page_of)(self.room)
        for tab in self.tabs:
            await tab.read()
            assert tab.messages == stored[1], (tab.messages, stored)
            assert tab.rev == stored[0], (tab.rev, stored)


class Link:
    """Stands for the channel layer: keeps the hints of a hub until the story has them arrive at the other one."""

    other: Hub

    def __init__(self, hints: list[tuple["Link", dict]]):
        self.hints = hints

    def send(self, group: str, message: dict) -> None:
        self.hints.append((self, message))

    async def receive(self) -> None:
        """Nothing comes by itself."""

    async def follow(self, group: str) -> None:
        """Every group is followed."""

    follow_again = unfollow = follow


class Tab:
    """A page and its socket. Frames are on their way until it reads them; when it is cut, the rest is lost."""

    def __init__(self, room: Room):
        self.room, self.rev, self.epoch = room, room.rev, room.epoch
        self.messages: dict[int, tuple[int, str]] = {}  # {id: (rev, html)}
        self.is_fresh = True  # false: told to fetch a page, and has not yet
        self.socket = self.hub = None
        self.connection = 0

    async def connect(self, hub: Hub, user) -> None:
        self.connection += 1
        connection = self.connection
        if not self.is_fresh:
            await self.fetch_page()
            if connection != self.connection:
                return  # cut meanwhile
        self.hub, self.way = hub, Way()
        self.socket = socket = hub.open(self.way)
        self.socket.user = user
        await join_feeds(hub, socket, Caller(user), JoinFeed(feed=self.room.group, rev=self.rev, epoch=self.epoch))
        if self.socket is not socket:  # cut meanwhile; the consumer's `finally` comes after its command
            await hub.close(socket)
        hub.flush()

    def cut(self, read: int) -> None:
        self.connection += 1
        if self.socket is None:
            return
        for frame in self.way.frames[:read]:
            self.take(frame)
        self.hub.run(self.hub.close(self.socket))
        self.socket = None

    async def read(self) -> None:
        for frame in self.way.frames:
            self.take(frame)
        self.way.frames = []
        if not self.is_fresh:
            await self.fetch_page()

    def take(self, frame: dict) -> None:
        match frame["type"]:
            case "realtime.feed.live":
                self.rev, self.epoch = frame["rev"], frame["epoch"]
            case "realtime.feed.reset":
                self.rev, self.epoch, self.is_fresh = frame["rev"], frame["epoch"], False
            case "realtime.feed.refused":
                raise AssertionError(frame)
            case _ if "rev" in frame:
                assert frame["rev"] > self.rev, f"{frame['rev']} again after {self.rev}"
                self.rev = frame["rev"]
                if frame["type"].startswith("chat.message."):
                    self.messages[frame["id"]] = (frame["rev"], frame.get("html", ""))

    async def fetch_page(self) -> None:
        self.rev, self.messages = await sync_to_async(page_of)(self.room)
        self.is_fresh = True


class Way(Writer):
    """From a socket of a hub to its tab."""

    queued, closed = 0, False

    def __init__(self) -> None:
        self.frames: list[dict] = []

    def write(self, data: bytes) -> bool:
        self.frames += [json.loads(payload) for _, payload in split_frames(data)]
        return True

    async def close(self, code: int) -> None:
        """Not in this story."""

    def abort(self) -> None:
        """Nor this."""


@transaction.atomic
def page_of(room: Room) -> tuple[int, dict[int, tuple[int, str]]]:
    """The whole room as a page has it now, and its revision."""
    events = [message_event(message) for message in Message.objects.for_display().filter(room=room)]
    return Room.objects.get(pk=room.pk).rev, {event.id: (event.rev, event.html) for event in events}
