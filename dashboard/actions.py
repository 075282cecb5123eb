"""What a process does when staff ask for it: close sockets. On its agent's thread; the loops do it when they come to it.

Who may is decided where the question is put (`services.py`), and written down there.
"""

from collections.abc import Callable, Iterable
from threading import Timer
from typing import Any

from dashboard import hubs
from dashboard.connections import Connection, all_connections, by_channel
from dashboard.layers import observers

REMOVED = 4403  # close code: a person closed it
NAMED = 10  # people whose sockets were closed, in one answer
RESTART = 4012  # come back, to another process
BATCH, PAUSE_SECONDS = 50, 0.25  # a drain closes so many at a time


def disconnect(details: dict[str, Any]) -> dict[str, Any]:
    """Close the socket of this `id`, those of a `group`, or those of a `user`. Returns how many, and whose."""
    code = details.get("code", REMOVED)
    connections, sockets = _chosen(details)
    people = {one.user for one in connections} | {hubs.user_of(one) for one in sockets}
    closers = _closers(connections, sockets)
    for close in closers:
        close(code)
    return {"closed": len(closers), "people": sorted(people - {""})[:NAMED]}


def drain(details: dict[str, Any]) -> dict[str, Any]:
    """Close all sockets of this process in batches, with the code that means: come back."""
    closers = _closers(all_connections(), hubs.hub_sockets())
    for first in range(0, len(closers), BATCH):
        timer = Timer(PAUSE_SECONDS * first / BATCH, _restart, [closers[first : first + BATCH]])
        timer.daemon = True
        timer.start()
    return {"closed": len(closers)}


ACTIONS: dict[str, Callable[[dict[str, Any]], Any]] = {"disconnect": disconnect, "drain": drain}


def _chosen(details: dict[str, Any]) -> tuple[list[Connection], list[Any]]:
    """Sockets of consumers, and of the hub."""
    connections, sockets = all_connections(), hubs.hub_sockets()
    if "id" in details:
        connections = [one for one in connections if f"c{one.id}" == details["id"]]
        sockets = [one for one in sockets if f"h{one.id}" == details["id"]]
    elif "user" in details:
        connections = [one for one in connections if one.user == details["user"]]
        sockets = [one for one in sockets if hubs.user_of(one) == details["user"]]
    elif "group" in details:
        channels = by_channel()
        names = {name for observer in list(observers.values()) for name in list(observer.groups().get(details["group"], ()))}
        connections = [channels[name] for name in names if name in channels]
        sockets = hubs.groups_of(details["group"])
    else:
        return [], []
    return connections, sockets


def _closers(connections: list[Connection], sockets: list[Any]) -> list[Callable[[int], None]]:
    return [one.close for one in connections] + [_hub_closer(one) for one in sockets]


def _hub_closer(socket: Any) -> Callable[[int], None]:
    return lambda code: hubs.close(socket, code)


def _restart(batch: Iterable[Callable[[int], None]]) -> None:
    for close in batch:
        close(RESTART)
