"""Commands: from a socket or over HTTP, they end in the same service."""

from collections import defaultdict

from realtime.auth import Caller
from realtime.feeds import FeedSource, split_name
from realtime.hub import Hub
from realtime.protocol import Ack, Command, DurableCommand, Refusal, SocketCommand, tag_of
from realtime.registry import handlers, source_of
from realtime.sockets import Socket
from realtime.threads import in_database


async def carry_out(caller: Caller, command: Command, socket: Socket | None = None) -> Ack | None:
    """Hand a command to its app. Durable ones are answered, after their commit. Raises `Refusal`."""
    handler = handlers().get(type(command))
    if handler is None:
        raise Refusal("unknown_type", "Unknown type.")
    is_about_socket = isinstance(command, SocketCommand)
    scope = f"{tag_of(command).partition('.')[0]}:{'read' if is_about_socket else 'write'}"
    if caller.scopes is not None and scope not in caller.scopes:
        raise Refusal("not_allowed", f"This token does not have the scope {scope}.")
    if is_about_socket:
        if socket is None:
            raise Refusal("not_allowed", "This is for a socket.")
        await handler(socket, command)
        return None
    done = await handler(caller.user, command)
    if not isinstance(command, DurableCommand):
        return None
    return Ack(client_id=command.client_id, feed=command.feed, rev=done.rev, id=done.id)


async def leave_forbidden(hub: Hub, socket: Socket, caller: Caller) -> None:
    """Take a socket off every feed that its person may no longer join: joined, on the way in, or watched for its head."""
    by_source: dict[FeedSource, list[str]] = defaultdict(list)
    for group in socket.groups:
        if source := source_of(group):
            by_source[source].append(group)
    for source, feeds in by_source.items():
        allowed = await in_database(source.heads, [split_name(feed)[1] for feed in feeds], caller.user)
        for feed in feeds:
            if split_name(feed)[1] not in allowed:
                hub.refuse(socket, feed, "not_allowed")
