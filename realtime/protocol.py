"""What travels on the wire: events to the browser, commands from it, and errors that say what was wrong."""

import json
import re
from contextlib import suppress
from functools import cache
from typing import Annotated, Any, ClassVar, Union
from uuid import UUID

import msgspec
from django.utils.functional import Promise

from realtime.servers.frames import binary_frame, text_frame

VERSION = 1
FRAME_BYTES = 65_536  # the largest frame a client may send
MAX_DEPTH = 16  # of nested arrays and objects in a command

FeedName = Annotated[str, msgspec.Meta(pattern=r"^[a-z]+\.[a-z]+\.[0-9]{1,18}$", max_length=80)]
# Neither NUL (PostgreSQL refuses it) nor other control characters; new lines and tabs are text.
Text = Annotated[str, msgspec.Meta(pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")]
Revision = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
RowId = Annotated[int, msgspec.Meta(ge=1, le=2**53)]


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type", tag=None):
    """Something that has happened, told to browsers. Subclasses name it: `tag="chat.message.posted"`."""


class Change(Event, frozen=True, kw_only=True, omit_defaults=True):
    """A durable event: the `rev`-th change of `feed`. A client that is at `rev - 1` may show it, any other may not."""

    feed: str
    rev: int


class BinaryChange(Change, frozen=True, kw_only=True, omit_defaults=True):
    """A change that travels as a binary frame, `payload`, packed by its app: for what is too fast, or too much, for JSON."""

    payload: bytes


class Command(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type", tag=None):
    """Something a client asks for. Fields are checked while decoding; who may do it is checked by the service."""

    is_batched: ClassVar[bool] = False  # its handler commits together what waits, in order: its socket need not wait for it


class SocketCommand(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """About the socket it comes on, such as what its window shows. It leaves no row, and its handler gets the socket."""


class DurableCommand(Command, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A command that leaves a row. The same `client_id`, sent again by any path and at any time, changes nothing more."""

    client_id: UUID
    feed: FeedName


class Ack(Event, frozen=True, kw_only=True, tag="realtime.ack"):
    """The command is committed: row `id` (0: the feed as a whole) at revision `rev` of `feed`."""

    client_id: UUID
    feed: str
    rev: int
    id: int


class Error(Event, frozen=True, kw_only=True, omit_defaults=True, tag="realtime.error"):
    """The command was not carried out; nothing was stored. `retry_after` is in seconds."""

    code: str
    message: str
    client_id: UUID | None = None
    feed: str | None = None
    field: str | None = None
    retry_after: float | None = None


class Refusal(Exception):
    """Raised by services and limits for what a person may not, or cannot, do. It becomes an `Error` frame or a 4xx.

    `code` is one of `Refusal.STATUS`; `message` is a sentence for people; `retry_after` is in seconds. Services give a lazy
    sentence (`gettext_lazy`, `format_lazy`): it is in the language of whoever shows it, as a service may act for several.
    """

    STATUS: ClassVar[dict[str, int]] = {
        "bad_json": 400,
        "bad_frame": 400,
        "unknown_type": 400,
        "bad_field": 400,
        "bad_value": 422,
        "invalid_geometry": 422,
        "too_long": 413,
        "binary_not_supported": 415,
        "not_logged_in": 401,
        "not_allowed": 403,
        "not_found": 404,
        "conflict": 409,
        "archived": 409,
        "muted": 403,
        "banned": 403,
        "slow_mode": 429,
        "rate_limited": 429,
        "retry_later": 503,
        "server_error": 500,
    }

    def __init__(self, code: str, message: str | Promise, *, field: str | None = None, retry_after: float | None = None):
        super().__init__(message)
        self.code, self.field, self.retry_after = code, field, retry_after
        self.client_id: UUID | None = None  # of a frame that is not a command, if it had one

    @property
    def message(self) -> str:
        return str(self.args[0])

    @property
    def status(self) -> int:
        return self.STATUS[self.code]

    def to_event(self, command: Command | None = None) -> Error:
        return Error(
            code=self.code,
            message=self.message,
            field=self.field,
            retry_after=self.retry_after,
            client_id=getattr(command, "client_id", self.client_id),
            feed=getattr(command, "feed", None),
        )


_encoder = msgspec.json.Encoder()


def encode(event: Event | dict[str, Any]) -> bytes:
    """The event as one JSON text, UTF-8."""
    return _encoder.encode(event)


def frame_of(event: Event) -> bytes:
    """The event as one WebSocket frame, ready for any number of sockets."""
    return binary_frame(event.payload) if isinstance(event, BinaryChange) else text_frame(encode(event))


def decode(text: str | bytes) -> Command:
    """Read one command.

    Raises `Refusal` with `too_long`, `bad_json`, `bad_frame`, `unknown_type` or `bad_field` (which names the field).
    """
    if len(text) > FRAME_BYTES:
        raise Refusal("too_long", f"A frame may have {FRAME_BYTES} bytes.")
    value = _read_unambiguous_json(text)
    try:
        return _decoder().decode(text)
    except msgspec.ValidationError as error:
        refusal = _refusal_for(str(error))
        with suppress(msgspec.ValidationError):  # so that its sender knows which command this was about
            refusal.client_id = msgspec.convert(value.get("client_id"), UUID)
        raise refusal from None
    except (msgspec.DecodeError, UnicodeError):  # what only the stricter parser refuses, such as half a character
        raise Refusal("bad_json", "This is not JSON.") from None


def tag_of(struct: msgspec.Struct | type[msgspec.Struct]) -> str:
    """The type on the wire: "chat.message.post"."""
    return str(struct.__struct_config__.tag)


def subclasses(base: type) -> list[type]:
    """Every struct below `base` that has a type of its own, in their order: the whole vocabulary."""
    found: list[type] = []
    child: type[msgspec.Struct]
    for child in base.__subclasses__():
        if "." in tag_of(child):  # a base class has its own name there
            found.append(child)
        found += subclasses(child)
    return sorted(set(found), key=tag_of)


@cache
def _decoder() -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(Union[tuple(subclasses(Command))])  # noqa: UP007  (made at run time)


def _read_unambiguous_json(text: str | bytes) -> dict[str, Any]:
    """Duplicate keys, NaN and deep nesting mean different things to different parsers, so they mean nothing here."""
    try:
        value = json.loads(text, object_pairs_hook=_unique_keys, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise Refusal("bad_json", "This is not JSON.") from None
    if not isinstance(value, dict):
        raise Refusal("bad_frame", "A frame is a JSON object with a type.")
    if _deeper_than(MAX_DEPTH, value):
        raise Refusal("bad_json", f"Nested deeper than {MAX_DEPTH} levels.")
    return value


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        raise ValueError("duplicate key")
    return unique


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _deeper_than(levels: int, value: Any) -> bool:
    if not isinstance(value, dict | list):
        return False
    if levels == 0:
        return True
    return any(_deeper_than(levels - 1, item) for item in (value.values() if isinstance(value, dict) else value))


def _refusal_for(complaint: str) -> Refusal:
    """msgspec says what is wrong in a sentence that ends with a path: "Expected `int`, got `str` - at `$.rev`"."""
    if "`$.type`" in complaint or "`type`" in complaint:
        missing = "missing" in complaint
        return Refusal("bad_frame", "The frame has no type.") if missing else Refusal("unknown_type", "Unknown type.")
    named = re.search(r"field `(\w+)`", complaint) or re.search(r"at `\$\.(\w+)", complaint)
    return Refusal("bad_field", complaint, field=named.group(1) if named else None)
