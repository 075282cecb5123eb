"""The doctor's questions to Redis. A few commands each, and only when somebody opens the page."""

from collections.abc import Iterator
from typing import Any, cast

import redis
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from dashboard.backlog import connections
from dashboard.conf import option
from dashboard.layers import observers
from dashboard.queries import groups
from dashboard.queries import redis as redis_queries
from dashboard.queries.doctor import Facts, Finding, rule
from dashboard.store import Unreachable, redis_host
from dashboard.store.hosts import name_of

LOOKED_AT = 20  # groups, the largest
HELD_BYTES = 8_000_000


@rule
def redis_that_forgets(facts: Facts) -> Iterator[Finding]:
    if not (info := _info(facts)):
        return
    policy, evicted = info.get("maxmemory_policy", "noeviction"), info.get("evicted_keys", 0)
    if evicted or (info.get("maxmemory") and policy != "noeviction"):
        yield Finding(
            "evictions",
            "critical" if evicted else "warning",
            _("Redis may throw away groups and messages"),
            _("maxmemory_policy is %(policy)s; %(number)s keys were evicted so far.") % {"policy": policy, "number": evicted},
            _("Groups lose members and inboxes lose messages, without an error."),
            _("Set maxmemory-policy noeviction, or give the layer a Redis of its own."),
            "redis",
        )


@rule
def subscribers_that_lag(facts: Facts) -> Iterator[Finding]:
    if not facts.store.is_shared:
        return
    try:
        found = redis_queries.facts(facts.store)
    except Unreachable:
        return
    for client in found["pubsub_clients"]:
        if client["held"] > HELD_BYTES:
            yield Finding(
                "buffer",
                "critical",
                _("A process does not read fast enough from Redis"),
                _("Redis holds %(held)s bytes for %(name)s (limit: %(limit)s).")
                % {**client, "limit": found["limit"] or pgettext("limit", "unknown")},
                _("At the limit Redis cuts the connection, and what was held is lost."),
                _("Start more processes, or raise client-output-buffer-limit pubsub."),
                "redis",
            )


@rule
def shared_with_a_cache(facts: Facts) -> Iterator[Finding]:
    if not (host := redis_host()):
        return
    for name, cache in getattr(settings, "CACHES", {}).items():
        places = cache.get("LOCATION", [])
        if name_of(host) in [name_of(place) for place in ([places] if isinstance(places, str) else places)]:
            yield Finding(
                "cache",
                "hint",
                _("The cache “%(name)s” and the channel layer share a Redis database") % {"name": name},
                name_of(host),
                _("cache.clear() empties it, groups and all; a full cache evicts them."),
                _("Give one of them another database or another Redis."),
            )


@rule
def ghosts(facts: Facts) -> Iterator[Finding]:
    """Members of core groups that no live process owns: a crash leaves them there for a day."""
    for alias, observer in list(observers.items()):
        if hasattr(observer, "inbox"):
            names = [row["name"] for row in groups.groups(facts.store, groups.Query()).rows[:LOOKED_AT]]
            inboxes = {row["layers"][alias]["inbox"] for row in facts.live if alias in row["layers"]}
            members, dead = _members(observer, names, inboxes)
            if dead:
                yield Finding(
                    "ghosts",
                    "warning" if dead < members / 10 else "critical",
                    ngettext(
                        "%(number)s member of groups on “%(alias)s” belongs to no process that reports",
                        "%(number)s members of groups on “%(alias)s” belong to no process that reports",
                        dead,
                    )
                    % {"number": dead, "alias": alias},
                    _("Of %(members)s members in the %(groups)s largest groups.") % {"members": members, "groups": len(names)},
                    _("Each message is written for them too, for up to a day; or a process is not instrumented."),
                    _("They go when group_expiry ends. To be rid of them at once, delete the group's key while nobody is in it."),
                    "ledger",
                )


@rule
def processes_without_us(facts: Facts) -> Iterator[Finding]:
    """On pub/sub, Redis knows how many processes are in a group: more than those that say so are not instrumented."""
    for observer in list(observers.values()):
        if observer.kind != "Redis pub/sub" or not facts.store.is_shared or option("REDIS"):
            continue
        rows = groups.groups(facts.store, groups.Query()).rows[:LOOKED_AT]
        subscribers = _subscribers(facts, observer, [row["name"] for row in rows])
        for row in rows:
            if subscribers.get(row["name"], 0) > row["processes"]:
                yield Finding(
                    "unseen",
                    "hint",
                    _("A process takes part in the layer and does not report"),
                    _("%(name)s: %(subscribers)s subscribers in Redis, %(processes)s processes here.")
                    % {**row, "subscribers": subscribers[row["name"]]},
                    _("What it sends and receives is missing in all numbers."),
                    _("Install the dashboard there too, with the same settings."),
                )
                return


def _info(facts: Facts) -> dict[str, Any]:
    try:
        return redis_queries.facts(facts.store).get("info", {})
    except Unreachable:
        return {}


def _members(observer: Any, names: list[str], inboxes: set[str]) -> tuple[int, int]:
    members = dead = 0
    try:
        for connection in connections(observer.layer):
            for name in names:
                for channel in connection.zrange(observer.layer._group_key(name), 0, 1_000):
                    owner = channel.decode().partition(".")[2].partition("!")[0] + "!"
                    members += 1
                    dead += owner not in inboxes
    except redis.RedisError:  # the layer's Redis may be away while the store's is not; what is lost by that, others tell
        return 0, 0
    return members, dead


def _subscribers(facts: Facts, observer: Any, names: list[str]) -> dict[str, int]:
    from dashboard.store.shared import SharedStore, reaching

    if not names or not observer.group_prefix:
        return {}
    with reaching():
        found = cast(SharedStore, facts.store).redis.pubsub_numsub(*(observer.group_prefix + name for name in names))
    return {str(name).removeprefix(observer.group_prefix): int(number) for name, number in found}
