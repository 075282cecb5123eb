"""Who is here. A lease per process, a row per process, feed and person: heartbeats cost the same however many people.

A process that dies stops renewing its lease, and its people are gone when that ends.
"""

import asyncio
import logging
import os
import socket as network
from collections import defaultdict
from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID, uuid4

from django.db import Error as DatabaseError
from django.db import models, transaction
from django.db.models.functions import Now

from realtime import models as tables
from realtime.events import PresenceChanged, PresenceSnapshot
from realtime.protocol import encode
from realtime.registry import source_of
from realtime.servers import text_frame
from realtime.threads import in_database

if TYPE_CHECKING:
    from realtime.hub import Hub
    from realtime.sockets import Socket

logger = logging.getLogger(__name__)

LEASE_SECONDS = 20
HEARTBEAT_SECONDS = 5.0
GRACE_SECONDS = 4.0  # who comes back so soon has not been away: changing pages does not flicker
WRITE_SECONDS = 0.2  # comings and goings of that long are written together
SHOW_SECONDS = 0.25  # a feed is told of comings and goings that often: five hundred who come back at once are a few frames
SHOWN = 50  # people named in a snapshot; the count tells the rest


class Person(NamedTuple):
    id: int
    name: str


class Roster:
    """The people on one feed, on all processes: `{person: processes}`."""

    def __init__(self) -> None:
        self.processes: dict[int, set[str]] = defaultdict(set)
        self.names: dict[int, str] = {}

    def replace(self, rows: Iterable[tuple[str, int, str]]) -> tuple[list[Person], list[Person]]:
        """Take over what the database says. Returns who came and who went."""
        before = {Person(user, self.names[user]) for user in self.processes}
        self.processes.clear()
        for process, user, name in rows:
            self.processes[user].add(process)
            self.names[user] = name
        after = {Person(user, self.names[user]) for user in self.processes}
        return sorted(after - before), sorted(before - after)

    def add(self, process: str, person: Person) -> bool:
        """True if the person was not here before."""
        is_new = person.id not in self.processes
        self.processes[person.id].add(process)
        self.names[person.id] = person.name
        return is_new

    def remove(self, process: str, user: int) -> Person | None:
        """The person, if that was the last process they were on."""
        processes = self.processes.get(user)
        if not processes or process not in processes:
            return None
        processes.discard(process)
        return self._forget(user) if not processes else None

    def remove_processes(self, alive: set[str]) -> list[Person]:
        gone = []
        for user, processes in list(self.processes.items()):
            processes &= alive
            if not processes:
                gone.append(self._forget(user))
        return gone

    def people(self) -> list[dict[str, Any]]:
        return [{"id": user, "name": self.names[user]} for user in list(self.processes)[:SHOWN]]

    def _forget(self, user: int) -> Person:
        del self.processes[user]
        return Person(user, self.names[user])


class Presence:
    """The part of the hub that knows who is here."""

    def __init__(self, hub: "Hub"):
        self._hub = hub
        self.process = uuid4()
        self._local: dict[tuple[str, int], set[Socket]] = defaultdict(set)
        self._names: dict[int, str] = {}
        self._rosters: dict[str, Roster] = {}
        self._unshown: dict[str, dict[Person, bool]] = {}  # who has come (True) or gone (False) since a feed was last told
        self._written: set[tuple[str, int]] = set()
        self._dirty: set[tuple[str, int]] = set()
        self._writer: asyncio.Task[None] | None = None
        self._heart: asyncio.Task[None] | None = None

    def start(self) -> None:
        if self._heart is None:
            self.process = uuid4()  # a lease is never taken up again: the end of the last one may still be under way
            self._heart = self._hub.loop.create_task(self._beat())

    async def stop(self) -> None:
        """Give up the lease: our people are gone at once, not in half a minute."""
        process, tasks = self.process, [task for task in (self._heart, self._writer) if task]
        left = [(feed, Person(user, self._names[user])) for feed, user in self._written]
        self._heart = self._writer = None
        self._written, self._dirty = set(), set()
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
        with suppress(DatabaseError):  # then the lease ends by itself
            await in_database(_end_lease, process)
        self._tell([], left, process)

    def enter(self, socket: "Socket", feed: str) -> None:
        """A socket went live on a feed; on some feeds people see each other."""
        source = source_of(feed)
        if not source or not source.has_presence or socket.user is None:
            return
        self._names[socket.user.pk] = socket.user.get_username()
        key = feed, socket.user.pk
        self._local[key].add(socket)
        if key not in self._written:
            self._write_soon(key, WRITE_SECONDS)
        if feed in self._rosters:
            person = Person(socket.user.pk, self._names[socket.user.pk])
            is_new = self._rosters[feed].add(str(self.process), person)
            self._send_snapshot(socket, feed)
            if is_new:
                self._show(feed, [person], [])
        else:
            self._hub.run(self._open_roster(socket, feed))

    def leave(self, socket: "Socket", feed: str) -> None:
        if socket.user is None:
            return
        key = feed, socket.user.pk
        sockets = self._local.get(key)
        if sockets and socket in sockets:
            sockets.discard(socket)
            if not sockets:
                del self._local[key]
                self._hub.loop.call_later(GRACE_SECONDS, self._end_grace, key)

    def close_roster(self, feed: str) -> None:
        """Nobody here follows the feed any more, so nobody tells us who comes and goes: what we know grows old."""
        self._rosters.pop(feed, None)

    def take(self, message: dict[str, Any]) -> None:
        """Another process tells who came and went there."""
        for feed, user, name in message["joined"]:
            self._came(feed, message["process"], Person(user, name))
        for feed, user, _ in message["left"]:
            self._went(feed, message["process"], user)

    async def check(self) -> None:
        """Read the rosters of all open feeds afresh, in one query: what the layer lost shows here."""
        feeds = list(self._rosters)
        if not feeds:
            return
        rows = await in_database(_read_rosters, feeds)
        for feed in feeds:
            if feed in self._rosters:
                came, went = self._rosters[feed].replace(rows.get(feed, []))
                self._show(feed, came, went)

    # Rosters

    async def _open_roster(self, socket: "Socket", feed: str) -> None:
        try:
            rows = await in_database(_read_rosters, [feed])
        except DatabaseError:
            rows = {}  # our own people, for now; the next check shows the others
        roster = self._rosters.get(feed)
        if roster is None:
            roster = self._rosters[feed] = Roster()
            roster.replace(rows.get(feed, []))
        for person in [user for group, user in self._local if group == feed]:
            roster.add(str(self.process), Person(person, self._names[person]))
        self._send_snapshot(socket, feed)

    def _send_snapshot(self, socket: "Socket", feed: str) -> None:
        roster = self._rosters[feed]
        socket.send(PresenceSnapshot(feed=feed, people=roster.people(), count=len(roster.processes)))

    def _came(self, feed: str, process: str, person: Person) -> None:
        roster = self._rosters.get(feed)
        if roster and roster.add(process, person):
            self._show(feed, [person], [])

    def _went(self, feed: str, process: str, user: int) -> None:
        roster = self._rosters.get(feed)
        if roster and (person := roster.remove(process, user)):
            self._show(feed, [], [person])

    def _show(self, feed: str, came: list[Person], went: list[Person]) -> None:
        topic = self._hub.topics.get(feed)
        if topic is None:
            self._rosters.pop(feed, None)
            return
        if feed in self._unshown:
            self._unshown[feed] |= dict.fromkeys(came, True) | dict.fromkeys(went, False)
        elif came or went:
            event = PresenceChanged(
                feed=feed,
                joined=[person._asdict() for person in came],
                left=[person._asdict() for person in went],
                count=len(self._rosters[feed].processes),
            )
            topic.tell(text_frame(encode(event)))
            self._unshown[feed] = {}
            self._hub.loop.call_later(SHOW_SECONDS, self._show_rest, feed)

    def _show_rest(self, feed: str) -> None:
        """What came and went since the last time: how each ended. Some viewers may know it already from their snapshot."""
        unshown = self._unshown.pop(feed)
        if feed not in self._rosters:  # nobody looks any more
            return
        came = [person for person, is_here in unshown.items() if is_here]
        self._show(feed, came, [person for person, is_here in unshown.items() if not is_here])

    # Writing

    def _end_grace(self, key: tuple[str, int]) -> None:
        """Whoever has not come back by now has left; here at once, as they may have been here too briefly to be written."""
        if key not in self._local:
            feed, user = key
            self._went(feed, str(self.process), user)
            self._write_soon(key, 0)

    def _write_soon(self, key: tuple[str, int], seconds: float) -> None:
        self._dirty.add(key)
        if self._heart and (self._writer is None or self._writer.done()):
            self._writer = self._hub.loop.create_task(self._write(seconds))

    async def _write(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        while self._dirty:
            dirty, self._dirty = self._dirty, set()
            joined = [key for key in dirty if key in self._local and key not in self._written]
            left = [key for key in dirty if key not in self._local and key in self._written]
            try:
                await in_database(_write, self.process, joined, left)
            except DatabaseError as error:
                logger.warning("Presence could not be written (%s).", error)
                self._dirty |= dirty
                await asyncio.sleep(HEARTBEAT_SECONDS)
                continue
            self._written |= set(joined)
            self._written -= set(left)
            self._tell(
                [(feed, Person(user, self._names[user])) for feed, user in joined],
                [(feed, Person(user, self._names[user])) for feed, user in left],
                self.process,
            )

    def _tell(self, joined: list[tuple[str, Person]], left: list[tuple[str, Person]], process: UUID) -> None:
        """Tell each feed's hubs, our own included."""
        by_feed: dict[str, tuple[list, list]] = defaultdict(lambda: ([], []))
        for feed, person in joined:
            by_feed[feed][0].append([feed, *person])
        for feed, person in left:
            by_feed[feed][1].append([feed, *person])
        for feed, (came, went) in by_feed.items():
            self._hub.tell_hubs(feed, {"type": "realtime.presence", "process": str(process), "joined": came, "left": went})

    async def _beat(self) -> None:
        """Renew the lease, and drop the people of processes that did not renew theirs."""
        while True:
            try:
                alive = await in_database(_renew_lease, self.process)
                for feed, roster in list(self._rosters.items()):
                    self._show(feed, [], roster.remove_processes(alive))
            except DatabaseError as error:
                logger.warning("The presence lease could not be renewed (%s).", error)
            except Exception:  # our own mistake: without a heartbeat everybody here would be gone for the other processes
                logger.exception("A heartbeat failed; the next one tries again.")
            await asyncio.sleep(HEARTBEAT_SECONDS)


def _lease_end() -> models.Expression:
    return Now() + timedelta(seconds=LEASE_SECONDS)


def _renew_lease(process_id: UUID) -> set[str]:
    """Returns the processes that are alive, by the clock of the database alone."""
    if not tables.Process.objects.filter(pk=process_id).update(until=_lease_end()):
        _begin_lease(process_id)
    tables.Process.objects.filter(until__lt=Now() - timedelta(minutes=5)).delete()
    return {str(pk) for pk in tables.Process.objects.filter(until__gt=Now()).values_list("pk", flat=True)}


def _begin_lease(process_id: UUID) -> None:
    tables.Process.objects.bulk_create(
        [tables.Process(pk=process_id, host=network.gethostname()[:100], pid=os.getpid(), until=_lease_end())],
        ignore_conflicts=True,
    )


def _end_lease(process_id: UUID) -> None:
    tables.Process.objects.filter(pk=process_id).delete()


@transaction.atomic
def _write(process_id: UUID, joined: list[tuple[str, int]], left: list[tuple[str, int]]) -> None:
    _begin_lease(process_id)
    rows = [tables.Presence(process_id=process_id, feed=feed, user_id=user) for feed, user in joined]
    tables.Presence.objects.bulk_create(rows, ignore_conflicts=True)
    for feed, user in left:
        tables.Presence.objects.filter(process=process_id, feed=feed, user=user).delete()


def _read_rosters(feeds: list[str]) -> dict[str, list[tuple[str, int, str]]]:
    rosters: dict[str, list[tuple[str, int, str]]] = defaultdict(list)
    rows = tables.Presence.objects.filter(feed__in=feeds, process__until__gt=Now()).order_by("since")
    for feed, process, user, name in rows.values_list("feed", "process_id", "user_id", "user__username"):
        rosters[feed].append((str(process), user, name))
    return rosters
