"""The servers we know from the inside, and what the rest of the suite may use of them.

    frame = text_frame(payload)            # once per broadcast
    writer = writer_for(send)              # once per accepted socket
    if not writer.write(frame): ...        # closed, or the reader is slow: see Writer

On stock Daphne a hub that awaits each ASGI `send()` spends 23 to 25 microseconds of CPU per delivery, and one that
writes a ready frame to the transport 4 to 5 (one message at a time to 500 sockets; uvicorn: 7 to 8, and 4.7). So this
package reaches into Daphne (with the autobahn and Twisted under it) and uvicorn. Everything private lives here, is tried
out before it is trusted, and has a way back: `await send()`, and a line in the log.
"""

import gc
import logging
import sys
from functools import cache
from importlib import import_module
from typing import Any

from realtime.servers.frames import binary_frame, split_frames, text_frame
from realtime.servers.shutdown import is_draining, lifespan, on_shutdown
from realtime.servers.writer import Send, SendWriter, Writer

__all__ = [
    "Send",
    "Writer",
    "binary_frame",
    "install",
    "is_draining",
    "lifespan",
    "on_shutdown",
    "split_frames",
    "text_frame",
    "writer_for",
]

logger = logging.getLogger(__name__)


def writer_for(send: Send) -> Writer:
    """The fastest honest way out to the accepted WebSocket whose ASGI `send` this is. Never fails."""
    for server in _loaded("daphne", "uvicorn"):
        if (protocol := server.protocol_of(send)) is not None:
            if not (differences := server.mismatches(protocol)):
                return server.writer(protocol)
            _warn_once("Frames go out through ASGI send(), which is slow", ", ".join(differences))
            return SendWriter(send)
    _log_unknown(type(send).__name__)
    return SendWriter(send)


@cache
def install() -> None:
    """Harden the running server. One call from config/asgi.py, which is imported before the server listens."""
    for server in _loaded("hardening", "uvicorn"):
        if differences := server.hardening_mismatches():
            _warn_once(f"{server.__name__}: hardening is not active", ", ".join(differences))
        else:
            server.harden()
    # What is loaded by now stays until the end: some 300,000 objects that the collector need not look at again.
    gc.collect()
    gc.freeze()


def _loaded(*names: str) -> list[Any]:
    """Our modules of these names whose server is in this process; importing another would install its event loop."""
    servers = {"daphne": "daphne.server", "hardening": "daphne.server", "uvicorn": "uvicorn.server"}
    return [import_module(f"{__name__}.{name}") for name in names if servers[name] in sys.modules]


@cache
def _warn_once(consequence: str, differences: str) -> None:
    logger.warning("%s: this version has no %s.", consequence, differences)


@cache
def _log_unknown(kind: str) -> None:
    logger.info("Frames go out through ASGI send(), which is slow: an unknown server, or a wrapped send (%s).", kind)
