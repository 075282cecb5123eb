"""An element as bytes: what is stored, and what travels. `static/drawing/elements.js` writes and reads the same.

    byte 0   kind (low four bits), 0x10: every point has a pressure, 0x20: tinted inside, 0x40: filled
    byte 1   precision: coordinates count units of 2 ** -precision pixels, so that fine work costs no more than coarse
    2 to 4   red, green, blue
    then     width of the line in quarter pixels (of text: its height in pixels), then what its kind needs:

    pen, highlighter    x, y[, pressure], then for each further point dx, dy[, pressure]
    line, arrow, rect, ellipse    x, y, dx, dy: from corner to corner
    text                x, y, and UTF-8 to the end

Numbers are varints (seven bits each, the lowest first; of all but the last byte the high bit is set). Coordinates are signed:
zigzag (0, -1, 1, -2... is 0, 1, 2, 3...). A pressure is one byte from 0 to 127. So each number ends with a byte below 128, and
counting those counts points.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal

PRESSURE, TINT, FILL = 0x10, 0x20, 0x40
POINTS = 2_000  # of a stroke; longer ones are drawn as several
ELEMENT_BYTES = 16_384
TEXT_LENGTH = 2_000  # characters
LIMIT = 1_000_000  # pixels from the origin, in all directions
WIDTH = 800  # quarter pixels; of text, pixels
MAX_PRECISION = 7

_CONTINUATION = bytes(range(0x80, 0x100))
_TOO_LONG = re.compile(rb"[\x80-\xff]{4}")  # a number of more than 28 bits
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Kind(IntEnum):
    PEN = 1
    HIGHLIGHTER = 2
    LINE = 3
    ARROW = 4
    RECT = 5
    ELLIPSE = 6
    TEXT = 7

    @property
    def is_stroke(self) -> bool:
        return self <= Kind.HIGHLIGHTER


@dataclass(frozen=True, slots=True)
class Shape:
    """An element, decoded. Coordinates are pixels of the board, pressures 0 to 1."""

    kind: Kind
    rgb: tuple[int, int, int]
    width: float  # pixels; of text its height
    points: list[tuple[float, float, float]]  # (x, y, pressure); of a shape its two corners, of text where it begins
    fill: str = ""  # "", "tint" or "fill"
    text: str = ""


def points_in(ink: bytes, has_pressure: bool) -> int:
    """How many points these bytes of a stroke hold, without decoding them. Raises `Refusal("bad_frame")`."""
    numbers = len(ink.translate(None, _CONTINUATION))
    points, rest = divmod(numbers, 3 if has_pressure else 2)
    if rest or (ink and ink[-1] >= 0x80) or _TOO_LONG.search(ink):
        raise Refusal("bad_frame", "These are not points.")
    return points


def check(data: bytes) -> Shape:
    """Decode what a client sent. Raises `Refusal`: `bad_frame`, `bad_value` or `too_long`."""
    if len(data) > ELEMENT_BYTES:
        raise Refusal("too_long", format_lazy(_("An element may have {limit} bytes."), limit=ELEMENT_BYTES))
    try:
        shape = decode(data)
    except (IndexError, ValueError):
        raise Refusal("bad_frame", "This is not an element.") from None
    if len(shape.points) > POINTS:
        raise Refusal("too_long", format_lazy(_("A stroke may have {limit} points."), limit=POINTS))
    if any(abs(x) > LIMIT or abs(y) > LIMIT for x, y, _ in shape.points):
        raise Refusal("bad_value", format_lazy(_("The board ends {limit} pixels from its middle."), limit=LIMIT))
    if shape.kind == Kind.TEXT and not shape.text.strip():
        raise Refusal("bad_value", _("A text needs words."))
    if len(shape.text) > TEXT_LENGTH:
        raise Refusal("too_long", format_lazy(_("A text may have {limit} characters."), limit=TEXT_LENGTH))
    return shape


def decode(data: bytes) -> Shape:
    """Raises `IndexError` or `ValueError` for what is no element."""
    kind, precision = Kind(data[0] & 0x0F), data[1]
    has_pressure = bool(data[0] & PRESSURE)
    if precision > MAX_PRECISION or data[0] & 0x80 or (has_pressure and not kind.is_stroke):
        raise ValueError("not an element")
    width, at = _varint(data, 5)
    if not 1 <= width <= WIDTH:
        raise ValueError("not a width")
    unit, text = 2.0**-precision, ""
    if kind == Kind.TEXT:
        x, at = _varint(data, at)
        y, at = _varint(data, at)
        points, text = [(_signed(x) * unit, _signed(y) * unit, 0.5)], data[at:].decode()
        if _CONTROL.search(text):
            raise ValueError("not a text")
    else:
        points = list(_path(list(_numbers(data, at)), has_pressure, unit))
        if not points or (not kind.is_stroke and len(points) != 2):
            raise ValueError("not so many points")
    return Shape(
        kind,
        (data[2], data[3], data[4]),
        width if kind == Kind.TEXT else width / 4,
        points,
        "tint" if data[0] & TINT else "fill" if data[0] & FILL else "",
        text,
    )


def encode(shape: Shape, precision: int = 2) -> bytes:
    """The bytes of an element."""
    has_pressure = shape.kind.is_stroke and any(pressure != 0.5 for _, _, pressure in shape.points)
    fill = {"": 0, "tint": TINT, "fill": FILL}[shape.fill]
    data = bytearray([shape.kind | fill | (PRESSURE if has_pressure else 0), precision, *shape.rgb])
    put_varint(data, round(shape.width if shape.kind == Kind.TEXT else shape.width * 4))
    last_x = last_y = 0
    for x, y, pressure in shape.points:
        at_x, at_y = round(x * 2**precision), round(y * 2**precision)
        put_signed(data, at_x - last_x)
        put_signed(data, at_y - last_y)
        if has_pressure:
            data.append(max(0, min(127, round(pressure * 127))))
        last_x, last_y = at_x, at_y
    return bytes(data + shape.text.encode())


def put_varint(data: bytearray, number: int) -> None:
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    data.append(number)


def put_signed(data: bytearray, number: int) -> None:
    put_varint(data, number << 1 if number >= 0 else (-number << 1) - 1)


def _path(numbers: list[int], has_pressure: bool, unit: float) -> Iterator[tuple[float, float, float]]:
    step = 3 if has_pressure else 2
    if len(numbers) % step:
        raise ValueError("half a point")
    x = y = 0
    for at in range(0, len(numbers), step):
        if has_pressure and numbers[at + 2] > 127:
            raise ValueError("not a pressure")
        x += _signed(numbers[at])
        y += _signed(numbers[at + 1])
        yield x * unit, y * unit, numbers[at + 2] / 127 if has_pressure else 0.5


def _numbers(data: bytes, at: int) -> Iterator[int]:
    """All numbers to the end. Raises `ValueError` when the last one is cut off, or one has more than 28 bits."""
    value = shift = 0
    for byte in data[at:]:
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            yield value
            value = shift = 0
        elif shift == 21:
            raise ValueError("too large a number")
        else:
            shift += 7
    if shift:
        raise ValueError("half a number")


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while (byte := data[at]) >= 0x80:
        value |= (byte & 0x7F) << shift
        shift += 7
        at += 1
        if shift > 21:
            raise ValueError("too large a number")
    return value | byte << shift, at + 1


def _signed(number: int) -> int:
    return number >> 1 if not number & 1 else -(number + 1 >> 1)
