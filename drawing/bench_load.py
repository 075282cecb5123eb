"""The people of the benchmark, in a process of their own: `python -m drawing.bench_load` reads a `Job` and answers with results.

Every fifth socket looks at each word of each tick: when it was sent, and whether it came at all. All others count bytes. Bytes
include the headers of WebSocket frames, and the masks of the client.
"""

import asyncio
import gc
import os
import sys
import time
from collections.abc import Iterator

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from drawing import wire
from drawing.elements import Kind
from drawing.wire import Op, Reader
from realtime.bench.machine import usage_of

LOOKING = 5
WARM_SECONDS, DRAIN_SECONDS, READY_SECONDS = 1.0, 1.5, 60
MASK_BYTES = 4
POINT_NUMBERS = 3  # x, y and pressure, each with one byte that ends it


class Job(msgspec.Struct, frozen=True):
    urls: list[str]
    pids: list[int]
    cookies: list[str]
    slug: str
    strokes: list[str]  # elements, as hex
    drawers: int
    seconds: float
    points_per_frame: int
    frames_per_second: float
    core: int | None = None


class Outcome(msgspec.Struct, frozen=True):
    seconds: float
    points_sent: int
    bytes_up: int
    bytes_down: int
    cpu: float  # seconds, of the server
    client_cpu: float
    latencies: list[float]  # ms from sending to receiving a frame of ink: p50, p95
    acks: list[float]  # ms from the end of a stroke to its ack: p50, p95
    lost: float  # points that a socket missed, on average


class Person(WSListener):
    """One socket."""

    def __init__(self, load: "Load", is_looking: bool):
        self.load, self.is_looking = load, is_looking
        self.ready: asyncio.Future[None] = load.loop.create_future()
        self.heard: dict[int, int] = {}  # frames of ink, by participant
        self.number = self.tag = 0
        self.sent_at: list[float] = []  # when each frame of ink went out
        self.ended_at: dict[int, float] = {}  # by tag

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        self.load.bytes_down += len(payload) + header_bytes(len(payload))
        if frame.msg_type == WSMsgType.TEXT:
            self.told(payload)
        elif payload[0] == wire.TICK:
            if self.is_looking:
                self.look(payload)
        elif payload[0] == wire.ACK:
            self.acked(Reader(payload[1:]))

    def told(self, payload: bytes) -> None:
        event = msgspec.json.decode(payload)
        if event["type"] == "drawing.board.opened":
            self.number = event["number"]
            join = {"type": "realtime.feed.join", "feed": event["feed"], "rev": None, "epoch": ""}
            self.transport.send(WSMsgType.TEXT, msgspec.json.encode(join))
        elif event["type"] == "realtime.feed.live" and not self.ready.done():
            self.ready.set_result(None)

    def look(self, payload: bytes) -> None:
        now, reader = time.perf_counter(), Reader(payload[1:])
        while not reader.is_done:
            number, op = reader.varint(), reader.byte()
            reader.take(reader.varint())
            if op == Op.INK:
                at = self.heard[number] = self.heard.get(number, 0) + 1
                if self.load.is_measured:
                    self.load.latencies.append(now - self.load.people[number].sent_at[at - 1])

    def acked(self, reader: Reader) -> None:
        since = self.ended_at.pop(reader.varint(), None)
        if since and self.load.is_measured:
            self.load.acks.append(time.perf_counter() - since)

    def send(self, data: bytes) -> None:
        self.transport.send(WSMsgType.BINARY, data)
        self.load.bytes_up += len(data) + header_bytes(len(data)) + MASK_BYTES

    async def draw(self, strokes: list["Stroke"], pause: float, until: float) -> None:
        """One stroke after another, a frame at a time, on time."""
        due = time.perf_counter() + pause * (self.number % 10) / 10
        number = self.number
        while time.perf_counter() < until:
            stroke = strokes[number % len(strokes)]
            number += 1
            for at, piece in enumerate(stroke.pieces):
                await asyncio.sleep(max(0, due - time.perf_counter()))
                due += pause
                if at == 0:
                    self.send(wire.operation(Op.BEGIN, os.urandom(8) + piece))
                else:
                    self.sent_at.append(time.perf_counter())
                    self.send(wire.operation(Op.INK, piece))
                self.load.points_sent += stroke.points[at]
            self.tag += 1
            self.ended_at[self.tag] = time.perf_counter()
            self.send(wire.operation(Op.END, wire.varints(self.tag, sum(stroke.points))))


class Stroke:
    """The bytes of a stroke, cut into what goes into each frame."""

    def __init__(self, data: bytes, points_per_frame: int):
        assert data[0] & 0x0F == Kind.PEN
        ends = list(_ends(data))
        self.pieces, self.points, start = [], [], 0
        for at in range(0, len(ends), points_per_frame):
            upto = ends[min(at + points_per_frame, len(ends)) - 1]
            self.pieces.append(data[start:upto])
            self.points.append(len(ends[at : at + points_per_frame]))
            start = upto


def _ends(data: bytes) -> Iterator[int]:
    """Where each point ends."""
    numbers, at = -1, 5  # the width comes first
    for at in range(5, len(data)):
        if data[at] < 0x80:
            numbers += 1
            if numbers and numbers % POINT_NUMBERS == 0:
                yield at + 1


class Load:
    def __init__(self, job: Job):
        self.job, self.loop = job, asyncio.get_running_loop()
        self.people: dict[int, Person] = {}
        self.latencies: list[float] = []
        self.acks: list[float] = []
        self.bytes_up = self.bytes_down = self.points_sent = 0
        self.is_measured = False

    async def run(self) -> Outcome:
        job = self.job
        await asyncio.gather(*(self.connect(number, cookie) for number, cookie in enumerate(job.cookies)))
        strokes = [Stroke(bytes.fromhex(text), job.points_per_frame) for text in job.strokes]
        everybody = [self.people[number] for number in sorted(self.people)]
        until = time.perf_counter() + WARM_SECONDS + job.seconds
        pause = 1 / job.frames_per_second
        hands = [asyncio.create_task(person.draw(strokes, pause, until)) for person in everybody[: job.drawers]]
        await asyncio.sleep(WARM_SECONDS)
        before = self.counts()
        self.is_measured = True
        await asyncio.sleep(max(0, until - time.perf_counter()))
        spent = [now - then for now, then in zip(self.counts(), before, strict=True)]
        self.is_measured = False
        await asyncio.gather(*hands)
        await asyncio.sleep(DRAIN_SECONDS)
        seconds, cpu, client_cpu, up, down, points = spent
        return Outcome(
            seconds=seconds,
            points_sent=int(points),
            bytes_up=int(up),
            bytes_down=int(down),
            cpu=cpu,
            client_cpu=client_cpu,
            latencies=percentiles(self.latencies),
            acks=percentiles(self.acks),
            lost=self.lost(everybody),
        )

    def counts(self) -> list[float]:
        usage = usage_of(self.job.pids)
        return [time.perf_counter(), usage.cpu, time.process_time(), self.bytes_up, self.bytes_down, self.points_sent]

    def lost(self, everybody: list[Person]) -> float:
        """Points that were sent, and that a socket which looked did not get."""
        looking = [person for person in everybody if person.is_looking]
        missed = 0
        for person in looking:
            for other in everybody[: self.job.drawers]:
                if other is not person:
                    missed += len(other.sent_at) - person.heard.get(other.number, 0)
        return missed * self.job.points_per_frame / max(len(looking), 1)

    async def connect(self, number: int, cookie: str) -> None:
        url = self.job.urls[number % len(self.job.urls)]
        person = Person(self, number % LOOKING == LOOKING - 1)
        await ws_connect(
            lambda: person,
            f"{url.replace('http', 'ws', 1)}/ws/drawing/{self.job.slug}/",
            extra_headers={"Cookie": f"sessionid={cookie}", "Origin": url},
            websocket_handshake_timeout=READY_SECONDS,
        )
        async with asyncio.timeout(READY_SECONDS):
            await person.ready
        self.people[person.number] = person


def header_bytes(length: int) -> int:
    return 2 if length <= 125 else 4 if length <= 0xFFFF else 10


def percentiles(seconds: list[float]) -> list[float]:
    """p50 and p95, in ms."""
    ordered = sorted(seconds) or [0.0]
    return [ordered[int(len(ordered) * share)] * 1000 for share in (0.5, 0.95)]


async def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    gc.disable()
    outcome = await Load(job).run()
    sys.stdout.buffer.write(msgspec.json.encode(outcome))


if __name__ == "__main__":
    uvloop.run(main())
