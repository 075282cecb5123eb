"""Tell everybody, after the commit: from views, commands, the admin, the shell and async code alike."""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Any

from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer, get_channel_layer
from django.db import transaction

from realtime.hub import Broadcast, Hub
from realtime.protocol import Event

logger = logging.getLogger(__name__)

OUTSIDE_SECONDS = 2.0  # how long a command waits for a layer that does not answer


def broadcast(group: str, *events: Event, head: dict[str, Any] | None = None, about: Sequence[Any] | None = None) -> None:
    """Send events to everybody who follows `group`, once the surrounding transaction has committed.

    `head` are small facts for those who watch only the head of the feed, `about` says for each event what the feed's audience
    needs to know of it (`FeedSource.audience`). Events are encoded once, here. A channel layer that is away never fails the
    write that is being told: what it loses is read from the feed.
    """
    transaction.on_commit(partial(_publish, group, events, head, about), robust=True)


def broadcast_each(told: Sequence[tuple[str, Event]]) -> None:
    """An event to each of many groups, such as one announcement to ten thousand people."""
    transaction.on_commit(partial(_publish_each, told), robust=True)


def tell_hubs(group: str, message: dict[str, Any]) -> None:
    """Like `broadcast`, for what hubs tell each other and browsers never see."""
    transaction.on_commit(partial(_tell_hubs, group, message), robust=True)


def _publish(group: str, events: tuple[Event, ...], head: dict[str, Any] | None, about: Sequence[Any] | None) -> None:
    said = Broadcast.of(group, events, head, about)
    if hub := Hub.of_process():
        in_loop_of(hub, hub.publish, said)
    else:
        _from_outside((group, said.to_message()))


def _publish_each(told: Sequence[tuple[str, Event]]) -> None:
    broadcasts = [Broadcast.of(group, [event], None) for group, event in told]
    if hub := Hub.of_process():
        for said in broadcasts:
            in_loop_of(hub, hub.publish, said)
    else:
        _from_outside(*[(said.group, said.to_message()) for said in broadcasts])


def _tell_hubs(group: str, message: dict[str, Any]) -> None:
    if hub := Hub.of_process():
        in_loop_of(hub, hub.tell_hubs, group, message)
    else:
        _from_outside((group, message))


def in_loop_of(hub: Any, function: Any, *args: Any) -> None:
    """Call a function in the event loop of the hub (or of whatever else has a `loop`), from any thread."""
    try:
        here = asyncio.get_running_loop()
    except RuntimeError:
        here = None
    if here is hub.loop:
        function(*args)
    else:
        hub.loop.call_soon_threadsafe(function, *args)


def _from_outside(*messages: tuple[str, dict[str, Any]]) -> None:
    """A process without an event loop, such as a management command, opens a connection for this: one for all of them."""
    layer = get_channel_layer()
    if isinstance(layer, InMemoryChannelLayer):
        return  # nobody else can hear it; the servers' tick will find the change
    try:
        async_to_sync(_send_all)(layer, messages)
    except Exception as error:  # whatever the layer raises when it is away; the feeds repair what it loses
        logger.warning("Channel layer: group_send failed (%s: %s).", type(error).__name__, error)


async def _send_all(layer: Any, messages: Sequence[tuple[str, dict[str, Any]]]) -> None:
    for group, message in messages:
        async with asyncio.timeout(OUTSIDE_SECONDS):
            await layer.group_send(group, message)
