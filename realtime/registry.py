"""What the suite's apps offer on the socket: their feeds and their commands, as `routing.py` of each lists them."""

from collections.abc import Awaitable, Callable
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings

from realtime.feeds import FeedSource
from realtime.protocol import Command

Handler = Callable[[Any, Any], Awaitable[Any]]  # (user, or for a SocketCommand the socket; command) -> Done, or None


@cache
def sources() -> dict[str, FeedSource]:
    return {source.name: source for routing in _routings() for source in routing.feeds}


def source_of(group: str) -> FeedSource | None:
    """The feed that a group carries; None for groups without revisions, such as a person's sockets."""
    return sources().get(group.rpartition(".")[0])


@cache
def handlers() -> dict[type[Command], Handler]:
    return {command: handler for routing in _routings() for command, handler in routing.commands.items()}


@cache
def channels() -> dict[str, Any]:
    """Channels of the layer that apps listen on in a worker, with the consumer of each."""
    return {name: consumer for routing in _routings() for name, consumer in getattr(routing, "channels", {}).items()}


def _routings() -> list[Any]:
    return [import_module(f"{app}.routing") for app in settings.SUITE_APPS]
