"""Members that dead processes left in the groups of `RedisChannelLayer`: found, counted, and removed when staff ask for it.

That layer keeps a member for a day, whatever became of its process, and each message is written for it too. Whose a member is,
its name tells. It is a ghost only if everything says so, since a socket whose member is removed hears nothing more:

- no process that reports has its inbox, nor one that stands still and is vouched for;
- its process ended, and its lease is over for longer than MARGIN_SECONDS; or nobody knows of it, and it joined nothing for longer
  than we know processes that ended;
- nobody reads that inbox: what is put into it stays there.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import redis
from channels.layers import get_channel_layer
from django.conf import settings

from dashboard.backlog import connections
from dashboard.layers import observers
from dashboard.report import FORMAT
from dashboard.store import KNOWN_SECONDS, LEASE_SECONDS, Store, Unreachable

MARGIN_SECONDS = 60  # beyond the lease: who was only cut off, or paused, has come back by then
UNREAD_SECONDS = 2.0  # for which a message must lie in an inbox that nobody reads
CHUNK = 500  # keys, or members, that one command or pipeline is about
MOST = 200_000  # ghosts at once; the rest the next time
SHOWN = 20  # groups that are named
FRESH_SECONDS = 5.0  # how old the number for one group may be
KEY = "ghosts"  # in the store: what was found last

Place = tuple[str, int, bytes]  # alias of the layer, number of its host, key of the group there


@dataclass
class Ghosts:
    """What was found, to the member: what is removed is that, and nothing that came later."""

    members: dict[Place, list[bytes]] = field(default_factory=dict)
    owners: set[str] = field(default_factory=set)  # the dead
    spared: int = 0  # members of which it is not sure

    @property
    def total(self) -> int:
        return sum(map(len, self.members.values()))

    def summary(self, at: float) -> dict[str, Any]:
        largest = sorted(self.members.items(), key=lambda item: -len(item[1]))[:SHOWN]
        return {
            "at": at,
            "total": self.total,
            "groups": len(self.members),
            "owners": len(self.owners),
            "spared": self.spared,
            "largest": [{"layer": place[0], "group": _group(place), "ghosts": len(found)} for place, found in largest],
        }


def found_last(store: Store) -> dict[str, Any] | None:
    """The summary of what was found last, by whichever process."""
    found: dict[str, Any] | None = store.recall(KEY)
    return found


def find(store: Store) -> Ghosts:
    """Look through all groups of the core layers, and ask for a sign of life. Takes seconds; Unreachable if a Redis is away."""
    ghosts, lives = Ghosts(), Lives(store)
    try:
        for alias, layer in core_layers().items():
            _find_on(alias, layer, lives, ghosts)
    except redis.RedisError as error:
        raise Unreachable(f"{type(error).__name__}: {error}") from error
    store.remember(KEY, ghosts.summary(store.now()))
    return ghosts


def remove(store: Store, ghosts: Ghosts) -> Iterator[int]:
    """Take them out of their groups, some at a time. Whose process came back in the meantime stay."""
    layers = core_layers()
    for (alias, index), batch in _batches(ghosts):
        lives = Lives(store)
        try:
            with connections(layers[alias])[index].pipeline(transaction=False) as pipe:
                for key, members in batch:
                    if still := [member for member in members if owner_of(member) not in lives.inboxes]:
                        pipe.zrem(key, *still)
                yield sum(pipe.execute())
        except redis.RedisError as error:
            raise Unreachable(f"{type(error).__name__}: {error}") from error


def forget(store: Store) -> None:
    """What was found last is not so any more."""
    store.remember(KEY, None)
    _numbers.clear()


def of_group(store: Store, group: str) -> int:
    """Members of one group whose process is dead, as far as the store knows: nobody is asked for a sign of life."""
    at, number = _numbers.get((store.name, group), (0.0, 0))
    if at and time.monotonic() - at < FRESH_SECONDS:
        return number
    if not (layers := core_layers()):
        return 0
    number, lives = 0, Lives(store)
    for layer in layers.values():
        try:
            connection = connections(layer)[layer.consistent_hash(group)]
            found = connection.zrange(layer._group_key(group), 0, 20 * CHUNK, withscores=True)
        except redis.RedisError:  # the layer's Redis may be away while the store's is not; the page has more to show
            continue
        number += sum(bool(owner := owner_of(member)) and lives.is_over(owner, joined) for member, joined in found)
    if len(_numbers) > 200:
        _numbers.clear()
    _numbers[store.name, group] = (time.monotonic(), number)
    return number


_numbers: dict[tuple[str, str], tuple[float, int]] = {}


def core_layers() -> dict[str, Any]:
    """The layers that keep members in Redis, each place once."""
    for alias in getattr(settings, "CHANNEL_LAYERS", {}):
        get_channel_layer(alias)  # made now, if this process did not use it so far
    found, places = {}, set()
    for alias, observer in list(observers.items()):
        if hasattr(observer, "inbox") and (place := (observer.layer.prefix, str(observer.layer.hosts))) not in places:
            places.add(place)
            found[alias] = observer.layer
    return found


def owner_of(channel: bytes) -> str:
    """The inbox of its process, as processes report it; "" for a channel with a name of its own, which belongs to none."""
    inbox, mark, _ = channel.decode().partition("!")
    return inbox.rpartition(".")[2] + mark if mark else ""


class Lives:
    """Who lives and who ended, as the store knows it at this moment."""

    def __init__(self, store: Store):
        rows = store.processes()
        self.inboxes = _inboxes(rows)
        self._now = store.now()
        self._ended = {inbox: row["beat"] for row in store.ended() for inbox in _inboxes([row])}
        # A process that runs other code, as during a deploy, may not say in words that we understand what its inboxes are.
        self._all_understood = all(row.get("format") == FORMAT for row in rows)

    def is_over(self, owner: str, joined: float) -> bool:
        """Is the process of this inbox dead, if it last joined a group then?"""
        if owner in self.inboxes or not self._all_understood:
            return False
        if ended := self._ended.get(owner):
            return self._now - ended > LEASE_SECONDS + MARGIN_SECONDS
        return self._now - joined > KNOWN_SECONDS + LEASE_SECONDS + MARGIN_SECONDS


def _inboxes(rows: list[dict[str, Any]]) -> set[str]:
    return {layer["inbox"] for row in rows for layer in row["layers"].values() if layer.get("inbox")}


def _find_on(alias: str, layer: Any, lives: Lives, ghosts: Ghosts) -> None:
    suspects: dict[Place, list[bytes]] = {}
    joined: dict[str, float] = {}  # owner -> when it last joined a group
    names: dict[str, set[str]] = {}  # owner -> its inboxes, as the keys of the layer have them
    number = 0
    for index, key, members in _groups(layer):
        for member, at in members:
            if not (owner := owner_of(member)) or owner in lives.inboxes:
                continue
            joined[owner] = max(at, joined.get(owner, 0.0))
            names.setdefault(owner, set()).add(member.decode().partition("!")[0] + "!")
            if (number := number + 1) <= MOST:
                suspects.setdefault((alias, index, key), []).append(member)
    dead = {owner for owner, at in joined.items() if lives.is_over(owner, at)}
    unread = _unread(layer, {name for owner in dead for name in names[owner]})
    dead = {owner for owner in dead if names[owner] <= unread}
    ghosts.owners |= dead
    for place, suspected in suspects.items():
        if found := [member for member in suspected if owner_of(member) in dead]:
            ghosts.members[place] = found
        ghosts.spared += len(suspected) - len(found)


def _groups(layer: Any) -> Iterator[tuple[int, bytes, list[tuple[bytes, float]]]]:
    """Every group with its members and when they joined: number of the host, key, members. Redis is never held up for long."""
    start = layer._group_key("").decode()
    pattern = "".join("\\" + letter if letter in "*?[]\\" else letter for letter in start) + "*"
    for index, connection in enumerate(connections(layer)):
        seen, cursor = set[bytes](), None
        while cursor != 0:
            cursor, keys = connection.scan(cursor or 0, match=pattern, count=CHUNK, _type="zset")
            fresh = [key for key in keys if key not in seen]  # SCAN may name a key twice
            seen.update(fresh)
            with connection.pipeline(transaction=False) as pipe:
                for key in fresh:
                    pipe.zrange(key, 0, CHUNK - 1, withscores=True)
                found = pipe.execute()
            for key, members in zip(fresh, found, strict=True):
                is_whole = len(members) < CHUNK
                yield index, key, members if is_whole else list(dict(connection.zscan_iter(key, count=CHUNK)).items())


def _unread(layer: Any, names: set[str]) -> set[str]:
    """Those inboxes in which a message stays. It is for nobody: who lives takes it out, and does nothing with it."""
    if not names:
        return set()
    probes = {name: layer.serialize({"__asgi_channel__": [], "type": "dashboard.probe"}) for name in names}
    # Older than what waits there, so that it is next; not so old that a sender would clear it away as expired.
    score = time.time() - layer.expiry / 2
    _for_each(layer, probes, lambda pipe, key, probe: (pipe.zadd(key, {probe: score}), pipe.expire(key, int(layer.expiry))))
    time.sleep(UNREAD_SECONDS)
    left = _for_each(layer, probes, lambda pipe, key, probe: (pipe.zrem(key, probe),))
    return {name for name, answers in left.items() if answers[0]}


def _for_each(layer: Any, probes: dict[str, bytes], do: Any) -> dict[str, list[Any]]:
    """What Redis answers to `do(pipe, key, probe)` for each inbox, at its host."""
    answers = {}
    for name, probe in probes.items():
        with connections(layer)[layer.consistent_hash(name)].pipeline(transaction=False) as pipe:
            do(pipe, layer.prefix + name, probe)
            answers[name] = pipe.execute()
    return answers


def _batches(ghosts: Ghosts) -> Iterator[tuple[tuple[str, int], list[tuple[bytes, list[bytes]]]]]:
    """At most CHUNK members at a time, all of one host."""
    where: tuple[str, int] | None = None
    batch: list[tuple[bytes, list[bytes]]] = []
    size = 0
    for (alias, index, key), members in ghosts.members.items():
        for first in range(0, len(members), CHUNK):
            part = members[first : first + CHUNK]
            if where and (where != (alias, index) or size + len(part) > CHUNK):
                yield where, batch
                batch, size = [], 0
            where = (alias, index)
            batch.append((key, part))
            size += len(part)
    if where and batch:
        yield where, batch


def _group(place: Place) -> str:
    return place[2].decode().partition(":group:")[2]
