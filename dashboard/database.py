"""The database from threads of our own, whose connections nobody else closes."""

from collections.abc import Callable
from typing import Any

from django.db import connections


def with_connection(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call it, and close what is too old or broken before and after, as Django does around a request."""
    close_old_connections()
    try:
        return function(*arguments)
    finally:
        close_old_connections()


def close_old_connections() -> None:
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
