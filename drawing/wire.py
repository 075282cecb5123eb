"""The binary frames of a board's socket. `static/drawing/wire.js` is the other end; `tests/golden.json` holds both to it.

From the client, any number of operations in one frame, each `op, length, body`; what is kept carries a `tag`, a number that its
answer repeats:

    BEGIN    key (8 bytes), element so far          a stroke begins; told live
    INK      points                                 it goes on
    END      tag, points in all                     it is done, and is committed
    CANCEL                                          it never was
    PUT      tag, key (8 bytes), element            a whole element: a shape, a text, or a stroke drawn while offline
    EDIT     tag, number, revision it is based on, element
    ERASE    tag, elements                          each by its number, or 0 and its key, when its author does not know that yet
    RESTORE  tag, elements                          what the same person erased
    CURSOR   x, y                                   whole pixels of the board; while a stroke is told, it is where that ends
    VIEW     x, y, width, height                    what they see of it, for those who follow
    SHAPE    element                                a shape that is still being drawn; empty: no longer

From the server, one thing in each frame:

    TICK     (participant, op, length, body)...     what others do right now: may be lost; BEGIN has no key here
    CHANGE   revision, kind, ...                    what has been committed: in order, without gaps
    ACK      tag, revision, number                  committed; number 0: about several, or put once and erased since

Of a CHANGE there are four kinds: INK (participant, points, CRC-32 of the element) says that a stroke which was told live is now
the element of that revision, byte for byte; ELEMENT (number, author, element), ERASED (number, participant), BOARD (JSON).
Numbers are varints, as in `elements.py`; the CRC is four bytes, the lowest first.
"""

import json
from collections.abc import Iterable, Iterator
from enum import IntEnum
from typing import Any, NamedTuple

from drawing.elements import put_signed, put_varint
from realtime.protocol import Refusal

KEY_BYTES = 8


class Op(IntEnum):
    BEGIN = 0x02
    INK = 0x03
    END = 0x04
    CANCEL = 0x05
    PUT = 0x06
    EDIT = 0x07
    ERASE = 0x08
    RESTORE = 0x09
    CURSOR = 0x0A
    VIEW = 0x0B
    SHAPE = 0x0C


TICK, CHANGE, ACK = 0x82, 0x83, 0x85
INK, ELEMENT, ERASED, BOARD = range(4)  # kinds of change

SMALL = tuple(bytes([number]) for number in range(0x80))

Ref = tuple[int, int]  # (number, 0) or (0, key)


class Reader:
    """Reads a frame from the front. Whatever is missing raises `Refusal("bad_frame")`."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes):
        self._data, self._at = data, 0

    @property
    def is_done(self) -> bool:
        return self._at >= len(self._data)

    def byte(self) -> int:
        return self.take(1)[0]

    def take(self, length: int) -> bytes:
        piece = self._data[self._at : self._at + length]
        if len(piece) < length:
            raise Refusal("bad_frame", "The frame is cut off.")
        self._at += length
        return piece

    def rest(self) -> bytes:
        return self.take(len(self._data) - self._at)

    def varint(self) -> int:
        value = shift = 0
        while (byte := self.byte()) >= 0x80:
            value |= (byte & 0x7F) << shift
            shift += 7
            if shift > 49:
                raise Refusal("bad_frame", "A number is too large.")
        return value | byte << shift

    def key(self) -> int:
        return int.from_bytes(self.take(KEY_BYTES), "little") >> 1  # 63 bits: what a column of the database holds

    def refs(self) -> tuple[Ref, ...]:
        found = []
        while not self.is_done:
            number = self.varint()
            found.append((number, 0) if number else (0, self.key()))
        return tuple(found)


def operations(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The operations of a client's frame: (op, body)."""
    reader = Reader(data)
    while not reader.is_done:
        op = reader.byte()
        yield op, reader.take(reader.varint())


def operation(op: int, body: bytes = b"") -> bytes:
    data = bytearray([op])
    put_varint(data, len(body))
    return bytes(data + body)


def varint(number: int) -> bytes:
    if number < 0x80:
        return SMALL[number]
    if number < 0x4000:
        return bytes((number & 0x7F | 0x80, number >> 7))
    data = bytearray()
    put_varint(data, number)
    return bytes(data)


def varints(*numbers: int) -> bytes:
    return b"".join(map(varint, numbers))


def signed(*numbers: int) -> bytes:
    data = bytearray()
    for number in numbers:
        put_signed(data, number)
    return bytes(data)


def pack_key(key: int) -> bytes:
    return (key << 1).to_bytes(KEY_BYTES, "little")


def pack_refs(refs: Iterable[Ref]) -> bytes:
    return b"".join(varints(number) if number else b"\0" + pack_key(key) for number, key in refs)


def ack(tag: int, rev: int, number: int) -> bytes:
    return bytes([ACK]) + varints(tag, rev, number)


def ink_change(rev: int, participant: int, points: int, crc: int) -> bytes:
    return _change(rev, INK) + varints(participant, points) + crc.to_bytes(4, "little")


def element_change(rev: int, number: int, author: int, data: bytes) -> bytes:
    return b"\x83%b\x01%b%b%b" % (varint(rev), varint(number), varint(author), data)  # in one go: a board has thousands


def erased_change(rev: int, number: int, participant: int) -> bytes:
    return _change(rev, ERASED) + varints(number, participant)


def board_change(rev: int, facts: dict[str, Any]) -> bytes:
    return _change(rev, BOARD) + json.dumps(facts, ensure_ascii=False, separators=(",", ":")).encode()


def _change(rev: int, kind: int) -> bytes:
    return bytes([CHANGE]) + varints(rev) + bytes([kind])


class Change(NamedTuple):
    """A CHANGE, read back: for clients in Python, such as the demo's visitors."""

    rev: int
    kind: int
    number: int = 0
    participant: int = 0
    data: bytes = b""
    points: int = 0
    crc: int = 0


def read_change(payload: bytes) -> Change:
    reader = Reader(payload[1:])
    rev, kind = reader.varint(), reader.byte()
    if kind == INK:
        participant, points = reader.varint(), reader.varint()
        return Change(rev, kind, rev, participant, points=points, crc=int.from_bytes(reader.take(4), "little"))
    if kind == BOARD:
        return Change(rev, kind, data=reader.rest())
    number, participant = reader.varint(), reader.varint()
    return Change(rev, kind, number, participant, reader.rest())
