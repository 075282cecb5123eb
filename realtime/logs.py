"""What keeps a log readable while something is down, and lets a program read it."""

import json
import logging
import re
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from uuid import uuid4

MINUTE = 60.0  # seconds
SANE_ID = re.compile(r"[\w-]{8,64}", re.ASCII)

# What is being worked on, for every line that is logged meanwhile, in threads too.
request_id: ContextVar[str] = ContextVar("request_id", default="")
connection_id: ContextVar[str] = ContextVar("connection_id", default="")  # of a socket: the one that its hello tells


def new_request_id(given: str = "") -> str:
    """The id that the proxy gave, so that its log and ours can be joined; one of our own if there is none to use."""
    return given if SANE_ID.fullmatch(given) else uuid4().hex


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message; request, connection and exception where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request": request_id.get(),
            "connection": connection_id.get(),
            "exception": self.formatException(record.exc_info) if record.exc_info else "",
        }
        return json.dumps({name: value for name, value in line.items() if value}, ensure_ascii=False)


class OnceAMinute(logging.Filter):
    """Lets the same message of a logger through once a minute, as a warning without its traceback."""

    def __init__(self) -> None:
        super().__init__()
        self._said_at: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now - self._said_at.get(record.msg, -MINUTE) < MINUTE:
            return False
        self._said_at[record.msg] = now
        if record.exc_info and record.exc_info[1]:
            record.msg = f"{record.msg} {type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
        record.exc_info, record.exc_text = None, None
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        return True
