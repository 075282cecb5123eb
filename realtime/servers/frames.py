"""WebSocket frames, ready for the wire (RFC 6455, section 5.2).

A server masks nothing, and a message that is already whole needs no fragments, so the frame of a broadcast is the same
bytes for every socket: a header of two to ten bytes and the payload. Built once here, it is written five hundred times.
Compression may be skipped message by message even where it was negotiated (RFC 7692, section 6), so these frames suit
every socket.
"""

from collections.abc import Iterator

FINAL = 0x80
TEXT = FINAL | 0x1
BINARY = FINAL | 0x2


def text_frame(payload: bytes) -> bytes:
    """One text message on the wire. The payload must be UTF-8: nothing checks it here."""
    return _header(TEXT, len(payload)) + payload


def binary_frame(payload: bytes) -> bytes:
    """One binary message on the wire."""
    return _header(BINARY, len(payload)) + payload


def split_frames(data: bytes) -> Iterator[tuple[int, bytes]]:
    """The kind (`TEXT` or `BINARY`) and payload of each frame in `data`, which the functions above built."""
    position = 0
    while position < len(data):
        kind, length, position = data[position], data[position + 1], position + 2
        if extended := {126: 2, 127: 8}.get(length, 0):
            length = int.from_bytes(data[position : position + extended], "big")
            position += extended
        yield kind, data[position : position + length]
        position += length


def _header(kind: int, length: int) -> bytes:
    if length <= 125:
        return bytes((kind, length))
    if length <= 0xFFFF:
        return bytes((kind, 126)) + length.to_bytes(2, "big")
    return bytes((kind, 127)) + length.to_bytes(8, "big")
