"""Where async code meets the database: a handful of threads, each with its own connection.

Left alone, Channels runs the database work of all sockets of a process on one thread, where one slow query stops
everybody (django/channels#2132).
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import close_old_connections

P = ParamSpec("P")
R = TypeVar("R")

# 0: everything on the one thread that holds the transaction, as Django's TestCase needs it.
_pool = ThreadPoolExecutor(settings.DATABASE_THREADS, "database") if settings.DATABASE_THREADS else None


async def in_database(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run a sync function that touches tables, off the event loop."""
    if _pool is None:
        return await sync_to_async(function)(*args, **kwargs)
    return await sync_to_async(_with_fresh_connection, thread_sensitive=False, executor=_pool)(function, *args, **kwargs)


def _with_fresh_connection(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    close_old_connections()
    try:
        return function(*args, **kwargs)
    finally:
        close_old_connections()  # with a pool: give it back
