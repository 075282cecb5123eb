"""Looking at the messages of one group while they pass, for a minute, in the process that sends them.

Without the right to see values only the shape leaves the process: names, types, lengths; also when somebody else opened the
tap for values. What looks like a secret is masked even for those who may see them. Nothing is stored anywhere.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from django.utils.module_loading import import_string
from django.views.debug import SafeExceptionReporterFilter

from dashboard.conf import option

SECONDS = 60  # a tap closes by itself
KEPT = 50  # messages
VALUE_BYTES = 2_048  # of one message
DEPTH, ITEMS = 5, 30
# Django's words for what an error page must not show, and some of ours. An author is no secret.
HIDDEN = SafeExceptionReporterFilter.hidden_settings.pattern.replace("AUTH", "AUTH(?!OR)")
SECRET = re.compile(f"{HIDDEN}|COOKIE|SESSION|CSRF|AUTHORIZATION|EMAIL", re.I)
MASK = "••••••"

Unpack = Callable[[dict[str, Any]], list[Any]]
unpackers: dict[str, Unpack] = {}  # message type -> what is inside, for messages that carry others


class Tap:
    def __init__(self, with_values: bool, until: float) -> None:
        self.with_values, self.until = with_values, until
        self.seen = 0
        self._messages: deque[tuple[float, Any, Any]] = deque(maxlen=KEPT)  # when, its shape, its values

    def take(self, message: Any) -> None:
        """One message goes by. It may be changed afterwards, so what is needed of it is taken now."""
        if time.time() > self.until or not isinstance(message, dict):
            return
        self.seen += 1
        unpack = unpackers.get(str(message.get("type")))
        for part in unpack(message) if unpack else [message]:
            shape = shape_of(part)
            self._messages.append((time.time(), shape, values_of(part) if self.with_values else shape))

    def messages(self, *, with_values: bool) -> list[dict[str, Any]]:
        """For somebody who may see values, or for everybody else."""
        return [{"at": at, "message": values if with_values else shape} for at, shape, values in list(self._messages)]


taps: dict[str, Tap] = {}  # group -> its tap; empty for nearly all of the time, so that asking costs nothing


def open_tap(group: str, with_values: bool) -> None:
    taps[group] = Tap(with_values and option("TAP_VALUES"), time.time() + SECONDS)


def close_tap(group: str) -> None:
    taps.pop(group, None)


def close_old_taps() -> None:
    now = time.time()
    for group in [group for group, tap in list(taps.items()) if tap.until < now]:
        taps.pop(group, None)


def shape_of(value: Any, depth: int = 0) -> Any:
    """The structure without what it says: `{"text": "text, 12"}`."""
    if isinstance(value, dict):
        if depth >= DEPTH:
            return "…"
        shapes = {str(name)[:100]: shape_of(inner, depth + 1) for name, inner in list(value.items())[:ITEMS]}
        if depth == 0 and isinstance(kind := value.get("type"), str):
            shapes["type"] = kind[:100]  # names the handler, and says nothing of anybody
        return shapes
    if isinstance(value, (list, tuple)):
        return [shape_of(value[0], depth + 1), f"… {len(value)} in all"] if value and depth < DEPTH else f"list, {len(value)}"
    match value:
        case bool() | None:
            return str(value).lower() if value is not None else "null"
        case str():
            return f"text, {len(value)}"
        case bytes():
            return f"bytes, {len(value)}"
        case int() | float():
            return "number"
    return type(value).__name__


def values_of(value: Any) -> Any:
    """The message as it is, cut to size, with secrets masked."""
    shown = _masked("", value)
    if len(json.dumps(shown, default=str)) > VALUE_BYTES:
        return {"(too long, so its shape)": shape_of(value)}
    return shown


def _masked(name: str, value: Any, depth: int = 0) -> Any:
    if depth > DEPTH:
        return "…"
    if isinstance(value, dict):
        return {str(inner)[:100]: _masked(str(inner), item, depth + 1) for inner, item in list(value.items())[:ITEMS]}
    if isinstance(value, (list, tuple)):
        return [_masked(name, item, depth + 1) for item in value[:ITEMS]]
    if SECRET.search(name):
        return MASK
    if redact := option("REDACT"):
        value = import_string(redact)(name, value)
    return f"{len(value)} bytes" if isinstance(value, bytes) else value
