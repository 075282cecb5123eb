"""Where async code meets the database: a handful of threads, each with its own connection.

Left alone, Channels runs the database work of all sockets of a process on one thread, where one slow query stops
everybody (django/channels#2132).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections, connections

P = ParamSpec("P")
R = TypeVar("R")

# 0: everything on the one thread that holds the transaction, as Django's TestCase needs it.
_pool = ThreadPoolExecutor(settings.DATABASE_THREADS, "database") if settings.DATABASE_THREADS else None


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a sync function that touches tables, off the event loop."""
    if _pool is None:
        return await sync_to_async(function)(*args, **kwargs)
    return await sync_to_async(with_fresh_connection, thread_sensitive=False, executor=_pool)(function, *args, **kwargs)


def with_fresh_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Call it here, in a thread that may have been idle for long."""
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        _keep_or_give_back()


def _keep_or_give_back() -> None:
    """A connection of a pool goes back to it. Any other is kept: these threads are few and last, and closing the last
    connection to a SQLite database writes its whole journal back, which costs more than a transaction."""
    for connection in connections.all(initialized_only=True):
        if not connection.settings_dict["OPTIONS"].get("pool"):
            connection.close_at = None
        connection.close_if_unusable_or_obsolete()
