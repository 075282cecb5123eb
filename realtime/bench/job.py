"""What the command asks of the client process, and what it answers: JSON on its standard input and output."""

import msgspec

from realtime.bench.machine import Usage


class Dialect(msgspec.Struct, frozen=True):
    """How one kind of server is talked to. `{room}`, `{id}` and `{text}` are filled in; frames are told by their beginning."""

    path: str  # of the socket
    join: list[str]  # sent after the handshake
    ready: str  # the frame after which a socket counts as ready; empty: the handshake was enough
    post: str
    delivered: str  # a message, as each member of the room receives it
    accepted: str  # the answer to its sender; empty: being delivered to the sender


class Phase(msgspec.Struct, frozen=True):
    """A stretch of load. `window`: so many messages in flight, the next one as soon as one is done. `rate`: so many a second,
    or that share of what the window phase before reached, whatever the server makes of it. `slow`: the same, while some
    sockets do not read. `idle`: nothing is sent."""

    kind: str
    seconds: float
    in_flight: int = 0
    share: float = 0.0
    slow: int = 0


class Job(msgspec.Struct, frozen=True):
    urls: list[str]  # of the server processes: http://127.0.0.1:8000
    pids: list[int]
    cookies: list[str]  # a session each, one per socket
    rooms: list[str]
    dialect: Dialect
    phases: list[Phase]
    text_bytes: int
    warm: int = 0  # sockets that connect before the first look at memory and CPU
    core: int | None = None  # of the processor, for this process alone


class Connected(msgspec.Struct, frozen=True):
    sockets: int
    seconds: float
    usage: Usage  # what it took: CPU seconds, and bytes that the processes grew


class Measured(msgspec.Struct, frozen=True):
    """One phase."""

    kind: str
    seconds: float
    messages: int  # done
    deliveries: int
    usage: Usage
    client_cpu: float  # seconds; near `seconds`, the client was the bottleneck
    latencies: list[float]  # ms from sending to receiving: [p50, p99]
    lost: int  # messages that were never done
    cut_off: int  # slow sockets that the server closed


class Outcome(msgspec.Struct, frozen=True):
    connected: Connected
    phases: list[Measured]
