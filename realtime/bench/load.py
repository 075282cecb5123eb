"""The client of the benchmark, a process of its own: `python -m realtime.bench.load` reads a `Job` and answers with results.

picows does the WebSocket in compiled code, so that the client takes more than the server can send. It knows nothing of
Django, nor of the suite: a `Dialect` says what to send and which frames to count.

A message is *done* when its sender has been told that it is accepted and every socket of its room has received it. Each
socket is given each message once, so this is counted by room: deliveries / members. The CPU of the server is read in the
same process, at the first and the last moment of what is measured.
"""

import asyncio
import gc
import os
import socket
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from itertools import cycle
from uuid import uuid4

import msgspec
import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from realtime.bench.job import Connected, Job, Measured, Outcome, Phase
from realtime.bench.machine import usage_of

CONNECTING = 32  # sockets that connect at the same time
READY_SECONDS = 60  # for all sockets to be ready
WARM_SECONDS = 0.5  # of the same load, before a phase is measured
DRAIN_SECONDS = 5.0  # for the last messages of a phase to arrive
SETTLE_SECONDS = 0.5  # after connecting: comings are written together (presence), and their cost belongs to the connect
TIMED = 8  # every so many sockets look at the time in each message
SLOW_BYTES = 4096  # that the kernel may keep for a socket that does not read, or it would hide from the server for long
ESTABLISHED = b"\x01"  # the first byte of Linux' TCP_INFO
TICK_SECONDS = 0.002  # how often the open loop looks whether a message is due
MARK, DIGITS = b"sent at ", 16  # what a message says first: the sender's clock in microseconds


class Room:
    """Who is in it, and how far its messages are."""

    __slots__ = ("_load", "accepted", "deliveries", "done", "done_at", "members", "name", "sender")

    def __init__(self, load: "Load", name: str):
        self.name, self._load = name, load
        self.members = self.deliveries = self.done = self.accepted = self.done_at = 0
        self.sender: Member | None = None

    def look(self) -> None:
        """`deliveries` has come to `done_at`: one more message has arrived everywhere."""
        if self.deliveries >= self.done_at and self.accepted > self.done:
            self.done += 1
            self.done_at += self.members
            self._load.message_done()


class Member(WSListener):
    """One socket."""

    def __init__(self, load: "Load", room: Room, is_timed: bool):
        self.load, self.room, self.is_timed = load, room, is_timed
        self.is_sender = self.is_slow = False
        self.ready: asyncio.Future[None] = load.loop.create_future()
        self.delivered = load.dialect.delivered.encode()
        self.accepted = load.dialect.accepted.encode()
        self.joined = load.dialect.ready.encode()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        for frame in self.load.dialect.join:
            transport.send(WSMsgType.TEXT, frame.replace("{room}", self.room.name).encode())
        if not self.joined:
            self.ready.set_result(None)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        payload = frame.get_payload_as_bytes()
        room = self.room
        if payload.startswith(self.delivered):
            room.deliveries += 1
            if self.is_timed:
                self.load.time(payload)
            if self.is_sender and not self.accepted:
                room.accepted += 1
            if room.deliveries >= room.done_at:
                room.look()
        elif self.is_sender and self.accepted and payload.startswith(self.accepted):
            room.accepted += 1
            room.look()
        elif not self.ready.done() and payload.startswith(self.joined):
            self.ready.set_result(None)

    @property
    def socket(self) -> socket.socket:
        return self.transport.underlying_transport.get_extra_info("socket")

    @property
    def is_cut_off(self) -> bool:
        """What the kernel knows: while it does not read, picows does not notice."""
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1) != ESTABLISHED

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        if not (self.is_slow or self.load.is_over):
            self.load.lost_sockets += 1
        if not self.ready.done():
            self.ready.set_exception(ConnectionError("The server closed the socket before it was ready."))


class Load:
    """Carries out one job."""

    def __init__(self, job: Job):
        self.job, self.dialect = job, job.dialect
        self.loop = asyncio.get_running_loop()
        self.rooms = [Room(self, name) for name in job.rooms]
        self.members: list[Member] = []
        self.turns = cycle(self.rooms)
        self.padding = "The quick brown fox jumps over the lazy dog. " * (job.text_bytes // 45 + 1)
        self.in_flight = self.window = self.messages = self.lost_sockets = 0
        self.latencies: list[int] | None = None
        self.all_done = asyncio.Event()
        self.all_done.set()
        self.is_over = False

    async def run(self) -> Outcome:
        connected = await self.connect()
        phases: list[Measured] = []
        for phase in self.job.phases:
            phases.append(await self.measure(phase, phases[-1] if phases else None))
        await self.disconnect()
        if self.lost_sockets:
            raise ConnectionError(f"The server closed {self.lost_sockets} sockets.")
        return Outcome(connected, phases)

    # Connecting

    async def connect(self) -> Connected:
        cookies = list(enumerate(self.job.cookies))
        await self._connect_all(cookies[: self.job.warm])
        before, since = usage_of(self.job.pids), time.perf_counter()
        await self._connect_all(cookies[self.job.warm :])
        seconds = time.perf_counter() - since
        await asyncio.sleep(SETTLE_SECONDS)
        usage = usage_of(self.job.pids).since(before)
        for room in self.rooms:
            room.done_at = room.members
        return Connected(len(cookies) - self.job.warm, seconds, usage)

    async def _connect_all(self, cookies: Sequence[tuple[int, str]]) -> None:
        at_once = asyncio.Semaphore(CONNECTING)

        async def connect(number: int, cookie: str) -> None:
            async with at_once:
                await self._connect(number, cookie)

        async with asyncio.timeout(READY_SECONDS):
            await asyncio.gather(*(connect(*one) for one in cookies))
        await asyncio.sleep(SETTLE_SECONDS if cookies else 0)

    async def _connect(self, number: int, cookie: str) -> None:
        room = self.rooms[number % len(self.rooms)]
        member = Member(self, room, number % TIMED == 0)
        room.members += 1
        if room.sender is None:
            room.sender, member.is_sender = member, True
        url = self.job.urls[number % len(self.job.urls)]
        await ws_connect(
            lambda: member,
            url.replace("http", "ws", 1) + self.dialect.path.replace("{room}", room.name),
            extra_headers={"Cookie": f"sessionid={cookie}", "Origin": url},
            websocket_handshake_timeout=READY_SECONDS,
        )
        await member.ready
        self.members.append(member)

    async def disconnect(self) -> None:
        self.is_over = True
        for member in self.members:
            member.transport.disconnect()
        with suppress(TimeoutError):
            async with asyncio.timeout(READY_SECONDS):
                await asyncio.gather(*(member.transport.wait_disconnected() for member in self.members))

    # Sending

    def post(self) -> None:
        """One message, from the sender of the room whose turn it is."""
        room = next(self.turns)
        assert room.sender
        text = f"{MARK.decode()}{time.time_ns() // 1000} {self.padding}"[: self.job.text_bytes]
        frame = self.dialect.post.replace("{room}", room.name).replace("{id}", str(uuid4())).replace("{text}", text)
        room.sender.transport.send(WSMsgType.TEXT, frame.encode())
        self.in_flight += 1
        self.all_done.clear()

    def message_done(self) -> None:
        self.in_flight -= 1
        self.messages += 1
        if self.in_flight < self.window:
            self.post()
        elif not self.in_flight:
            self.all_done.set()

    def time(self, payload: bytes) -> None:
        if self.latencies is not None:
            at = payload.index(MARK) + len(MARK)
            self.latencies.append(time.time_ns() // 1000 - int(payload[at : at + DIGITS]))

    # Measuring

    async def measure(self, phase: Phase, before: Measured | None) -> Measured:
        slow = [member for member in self.members if not member.is_sender and not member.is_timed][: phase.slow]
        for member in slow:
            member.is_slow = True
            member.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SLOW_BYTES)
            member.transport.underlying_transport.pause_reading()
        sending = self.loop.create_task(self._send(phase, before))
        await asyncio.sleep(WARM_SECONDS)
        self.latencies = []
        usage, cpu, since = usage_of(self.job.pids), time.process_time(), time.perf_counter()
        messages, deliveries = self.messages, self._deliveries()
        await asyncio.sleep(phase.seconds)
        seconds = time.perf_counter() - since
        measured = Measured(
            kind=phase.kind,
            seconds=seconds,
            messages=self.messages - messages,
            deliveries=self._deliveries() - deliveries,
            usage=usage_of(self.job.pids).since(usage),
            client_cpu=time.process_time() - cpu,
            latencies=percentiles(self.latencies) or [seconds * 1000] * 2,  # nothing came: at least that long
            lost=0,
            cut_off=0,
        )
        self.latencies = None
        sending.cancel()
        self.window = 0
        if not slow:
            return msgspec.structs.replace(measured, lost=await self._drain())
        return msgspec.structs.replace(measured, cut_off=sum(member.is_cut_off for member in slow))

    async def _send(self, phase: Phase, before: Measured | None) -> None:
        if phase.kind == "window":
            self.window = phase.in_flight
            while self.in_flight < self.window:
                self.post()
        if before is None or not phase.share:
            return
        per_second = phase.share * before.messages / before.seconds
        since, sent = time.perf_counter(), 0
        while True:
            while sent < (time.perf_counter() - since) * per_second:
                self.post()
                sent += 1
            await asyncio.sleep(TICK_SECONDS)

    async def _drain(self) -> int:
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self.all_done.wait()
        return self.in_flight

    def _deliveries(self) -> int:
        return sum(room.deliveries for room in self.rooms)


def percentiles(microseconds: list[int]) -> list[float]:
    """[p50, p99] in milliseconds."""
    if not microseconds:
        return []
    ordered = sorted(microseconds)
    return [ordered[int(len(ordered) * share)] / 1000 for share in (0.5, 0.99)]


async def carry_out(job: Job) -> Outcome:
    return await Load(job).run()


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    if job.core is not None:
        os.sched_setaffinity(0, {job.core})
    gc.freeze()
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(carry_out(job))))


if __name__ == "__main__":
    main()
