"""What to do before the process ends, whichever server runs it.

Daphne drops every socket at SIGTERM without a close frame and never tells the consumers (daphne#177). uvicorn closes
them with 1012 before the ASGI lifespan event that announces the end. Both are made to call these callbacks first, so
that clients hear when to come back and presence is cleared. A server that is unknown to us reaches them through
`lifespan`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from realtime.servers.writer import Send

logger = logging.getLogger(__name__)

# Together under the 10 s after which an orchestrator kills.
DRAIN_SECONDS = 5.0  # for the callbacks
LEAVE_SECONDS = 3  # then for consumers to see their socket close and clean up, before they are cancelled

Callback = Callable[[], Awaitable[None]]
_callbacks: list[Callback] = []
_is_draining = False


def on_shutdown(callback: Callback) -> Callback:
    """Call the coroutine function `callback` once when the process is told to end, while its sockets still work."""
    _callbacks.append(callback)
    return callback


def is_draining() -> bool:
    """True from the moment the process was told to end: a readiness check should fail."""
    return _is_draining


async def drain(seconds: float = DRAIN_SECONDS) -> None:
    """Run the callbacks side by side, each at most `seconds`. Only the first call does anything."""
    global _is_draining
    if _is_draining:
        return
    _is_draining = True
    await asyncio.gather(*(_run(callback, seconds) for callback in _callbacks))


async def _run(callback: Callback, seconds: float) -> None:
    try:
        await asyncio.wait_for(callback(), seconds)
    except TimeoutError:
        logger.warning("%r did not finish within %s seconds of the shutdown.", callback, seconds)
    except Exception:  # one failing goodbye must not keep the others from saying theirs
        logger.exception("%r failed at shutdown.", callback)


async def lifespan(scope: dict[str, Any], receive: Callable[[], Awaitable[dict[str, Any]]], send: Send) -> None:
    """The ASGI lifespan application. Mount it at "lifespan" in the ProtocolTypeRouter."""
    while (await receive())["type"] == "lifespan.startup":
        await send({"type": "lifespan.startup.complete"})
    await drain()
    await send({"type": "lifespan.shutdown.complete"})
