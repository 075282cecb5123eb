"""What the stream of a page says. It is a stream of server-sent events, and this is all there is on it.

The first event with charts is `series`; then every second a `tick`; and a `live` whenever the page looks different.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True)
class Series:
    """The points that a chart begins with: `{"t": seconds, "sent": 4.0, ...}`, one for each second; `{"t": ...}` is a gap."""

    name: ClassVar[str] = "series"
    points: list[dict[str, Any]]
    marks: list[dict[str, Any]]  # {"t", "kind", "text"}: deploys, lost processes, alerts


@dataclass(frozen=True)
class Tick:
    """One more point, and the marks of the last minute: told again with each tick, so that one that comes late is not missed."""

    name: ClassVar[str] = "tick"
    point: dict[str, Any]
    marks: list[dict[str, Any]]


@dataclass(frozen=True)
class Live:
    """The part of the page that changes, as HTML, for the element `#live`."""

    name: ClassVar[str] = "live"
    html: str


@dataclass(frozen=True)
class Away:
    """The store does not answer; what is on the page is `seconds` old and counting."""

    name: ClassVar[str] = "away"
    why: str


def encode(event: Series | Tick | Live | Away) -> bytes:
    """One server-sent event; JSON has no line breaks of its own."""
    return f"event: {event.name}\ndata: {json.dumps(asdict(event), separators=(',', ':'))}\n\n".encode()
