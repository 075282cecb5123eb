"""Two addresses for whoever runs the process.

`/healthz`: the process answers. No I/O, so that a slow database does not get it killed; if nothing comes, start it anew.
`/readyz`: it may be given visitors. 503 while the database does not answer or lacks a migration, and from SIGTERM on. A
channel layer that is away is "degraded" and still 200: pages work, and feeds repair what hints would have told.

Both tell a word for each part and nothing else, and need no log-in, no https and no particular Host: who asks is a load
balancer that knows an IP address.
"""

import asyncio
import json
import logging
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any
from weakref import WeakKeyDictionary

from channels.layers import get_channel_layer
from django.db import DEFAULT_DB_ALIAS, Error, connections
from django.db.migrations.executor import MigrationExecutor

from realtime.servers import is_draining
from realtime.threads import in_database

logger = logging.getLogger(__name__)

ANSWER_SECONDS = 1.0  # a part that takes longer counts as away
PROBE_GROUP = "realtime.health"  # nobody is in it
OK, AWAY, UNMIGRATED = "ok", "away", "not migrated"
ALIVE = (200, {"status": "alive"})
HEADERS = [(b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store")]

_looks: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Task[dict[str, str]]] = WeakKeyDictionary()
_is_migrated = False  # once it is, it stays so: a newer version brings its migrations in a new process


def with_health_checks(application: Any) -> Any:
    """The ASGI application, with these two in front of Django: no thread is needed to say that the process lives."""

    async def checked(scope: dict[str, Any], receive: Any, send: Any) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path == "/healthz":
            await _send(send, *ALIVE)
        elif path == "/readyz":
            await _send(send, *verdict(await readiness()))
        else:
            await application(scope, receive, send)

    return checked


def with_health_checks_of_pages(application: Any) -> Any:
    """The same for WSGI, where nothing is live and the layer does not count."""

    def checked(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path not in {"/healthz", "/readyz"}:
            return application(environ, start_response)
        status, body = ALIVE if path == "/healthz" else verdict({"database": database_state()})
        headers = [(name.decode(), value.decode()) for name, value in HEADERS]
        start_response(f"{status} {HTTPStatus(status).phrase}", headers)
        return [json.dumps(body).encode()]

    return checked


def verdict(parts: dict[str, str]) -> tuple[int, dict[str, str]]:
    """The HTTP status, and what is told."""
    is_ready = parts["database"] == OK and not is_draining()
    is_whole = is_ready and set(parts.values()) == {OK}
    status = "ready" if is_whole else "degraded" if is_ready else "draining" if is_draining() else "not ready"
    return (200 if is_ready else 503), {"status": status, **parts}


async def _send(send: Any, status: int, body: dict[str, str]) -> None:
    await send({"type": "http.response.start", "status": status, "headers": HEADERS})
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def readiness() -> dict[str, str]:
    """The state of each part. All who ask at the same time share one look, so that asking costs the database nothing."""
    loop = asyncio.get_running_loop()
    look = _looks.get(loop)
    if look is None or look.done():
        look = _looks[loop] = loop.create_task(_look())
    return await asyncio.shield(look)


async def _look() -> dict[str, str]:
    database, layer = await asyncio.gather(_database_state_in_time(), layer_state())
    return {"database": database, "layer": layer}


async def _database_state_in_time() -> str:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return await in_database(database_state)
    except TimeoutError:
        return AWAY


def database_state() -> str:
    global _is_migrated
    connection = connections[DEFAULT_DB_ALIAS]
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        if not _is_migrated:
            executor = MigrationExecutor(connection)
            _is_migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
    except Error as error:
        logger.warning("Not ready: the database does not answer (%s).", error)
        return AWAY
    return OK if _is_migrated else UNMIGRATED


async def layer_state() -> str:
    """Whether a hint could be sent."""
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await get_channel_layer().group_send(PROBE_GROUP, {"type": "realtime.probe"})
    except Exception as error:  # each layer raises its own
        logger.warning("Degraded: the channel layer does not answer (%s: %s).", type(error).__name__, error)
        return AWAY
    return OK
