"""What keeps a log readable while something is down."""

import logging
import time

MINUTE = 60.0  # seconds


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
