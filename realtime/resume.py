"""Joining feeds: the first frame of every socket says where the client stopped reading."""

from collections import defaultdict
from collections.abc import Iterable

from realtime.auth import Caller
from realtime.events import FEEDS_PER_SOCKET, Cursor, JoinFeed, LeaveFeed, Resume, WatchHeads
from realtime.feeds import Head, split_name
from realtime.hub import Hub
from realtime.protocol import VERSION, Command, Refusal
from realtime.registry import sources
from realtime.sockets import Socket
from realtime.threads import in_database


async def join_feeds(hub: Hub, socket: Socket, caller: Caller, command: Command) -> None:
    """Carry out a command about feeds."""
    match command:
        case Resume(version=version) if version > VERSION:
            await hub.close_socket(socket, 4409)
        case Resume(feeds=feeds, heads=heads):
            await _join(hub, socket, caller, feeds)
            await _watch(hub, socket, caller, heads)
        case JoinFeed(feed=feed, rev=rev, epoch=epoch):
            await _join(hub, socket, caller, {feed: Cursor(rev, epoch)})
        case LeaveFeed(feed=feed):
            if feed in socket.feeds:
                hub.leave(socket, feed)
        case WatchHeads(feeds=feeds):
            await _watch(hub, socket, caller, feeds)


async def _join(hub: Hub, socket: Socket, caller: Caller, cursors: dict[str, Cursor]) -> None:
    _check_number(socket, cursors)
    for feed in [feed for feed in cursors if feed in socket.feeds]:  # joined twice: start from the new cursor
        hub.leave(socket, feed)
    heads = await _readable(hub, socket, caller, cursors)
    for feed, cursor in cursors.items():
        if feed in heads:
            await hub.join(socket, feed, heads[feed], cursor.rev, cursor.epoch)
        else:
            hub.refuse(socket, feed, "not_found")


async def _watch(hub: Hub, socket: Socket, caller: Caller, feeds: Iterable[str]) -> None:
    _check_number(socket, feeds)
    for feed in socket.watching.difference(feeds):
        hub.unwatch(socket, feed)
    for feed, head in (await _readable(hub, socket, caller, feeds)).items():
        hub.watch(socket, feed, head)


def _check_number(socket: Socket, feeds: Iterable[str]) -> None:
    if len(socket.feeds.union(feeds)) > FEEDS_PER_SOCKET:
        raise Refusal("too_long", f"A socket may follow {FEEDS_PER_SOCKET} feeds.", field="feeds")


async def _readable(hub: Hub, socket: Socket, caller: Caller, feeds: Iterable[str]) -> dict[str, Head]:
    """Those of the feeds that the person may join, with their heads: subscribed first, read after, one query a kind."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for feed in feeds:
        name, _ = split_name(feed)
        if name in sources() and _is_in_scope(caller, name):
            by_source[name].append(feed)
    found: dict[str, Head] = {}
    for name, wanted in by_source.items():
        for feed in wanted:
            await hub.hold(socket, feed)
        heads = await in_database(sources()[name].heads, [split_name(feed)[1] for feed in wanted], caller.user)
        for feed in wanted:
            if head := heads.get(split_name(feed)[1]):
                found[feed] = head
            elif feed not in socket.feeds:
                hub.leave(socket, feed)
    return found


def _is_in_scope(caller: Caller, name: str) -> bool:
    return caller.scopes is None or f"{name.partition('.')[0]}:read" in caller.scopes
