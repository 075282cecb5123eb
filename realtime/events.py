"""What the suite's socket itself says and understands, whatever app is behind it."""

from typing import Annotated, Any

import msgspec

from realtime.protocol import VERSION, Command, Event, FeedName, Revision

FEEDS_PER_SOCKET = 300
Epoch = Annotated[str, msgspec.Meta(max_length=12)]


class Hello(Event, frozen=True, kw_only=True, tag="realtime.hello"):
    """The socket is open: its name, who the server takes the client for, and what it may send."""

    connection: str
    version: int
    heartbeat: int
    user: int
    limits: dict[str, int]


class Pong(Event, frozen=True, kw_only=True, tag="realtime.pong"):
    """The answer to `realtime.ping`."""


class FeedLive(Event, frozen=True, kw_only=True, tag="realtime.feed.live"):
    """Everything up to `rev` has been sent; what follows is live."""

    feed: str
    rev: int
    epoch: str


class FeedReset(Event, frozen=True, kw_only=True, tag="realtime.feed.reset"):
    """Too much was missed, or history was rewritten: fetch a fresh page. Live from `rev` on."""

    feed: str
    rev: int
    epoch: str


class FeedRefused(Event, frozen=True, kw_only=True, tag="realtime.feed.refused"):
    """The feed is not there, or not for this person, or no longer. `code` is as in `realtime.error`."""

    feed: str
    code: str


class Bye(Event, frozen=True, kw_only=True, tag="realtime.bye"):
    """The server is about to close with `code`. Come back after `reconnect_after` seconds."""

    code: int
    reconnect_after: float


class PresenceSnapshot(Event, frozen=True, kw_only=True, tag="realtime.presence.snapshot"):
    """Who is here now, at most 50 of them by name, and how many there are."""

    feed: str
    people: list[dict[str, Any]]
    count: int


class PresenceChanged(Event, frozen=True, kw_only=True, tag="realtime.presence.changed"):
    """People came or went."""

    feed: str
    joined: list[dict[str, Any]]
    left: list[dict[str, Any]]
    count: int


class Cursor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a client is in a feed: it has everything up to `rev` (None: nothing, and wants only what comes)."""

    rev: Revision | None = None
    epoch: Epoch = ""


class Resume(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="realtime.feeds.resume"):
    """The first frame after each open: the feeds the page shows, with their cursors, and those it only watches."""

    version: int = VERSION
    feeds: Annotated[dict[FeedName, Cursor], msgspec.Meta(max_length=FEEDS_PER_SOCKET)] = {}
    heads: Annotated[list[FeedName], msgspec.Meta(max_length=FEEDS_PER_SOCKET)] = []


class JoinFeed(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="realtime.feed.join"):
    """Follow one more feed, from `rev` on."""

    feed: FeedName
    rev: Revision | None = None
    epoch: Epoch = ""


class LeaveFeed(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="realtime.feed.leave"):
    """Follow a feed no longer."""

    feed: FeedName


class WatchHeads(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="realtime.heads.watch"):
    """Hear how far these feeds are, now and when that changes (at most once a second each), and of no others."""

    feeds: Annotated[list[FeedName], msgspec.Meta(max_length=FEEDS_PER_SOCKET)]


class Ping(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="realtime.ping"):
    """A sign of life, every 15 s."""
