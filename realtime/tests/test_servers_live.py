"""realtime.servers inside real Daphne and uvicorn processes, over real sockets."""

import asyncio
import json
import subprocess
import sys

import pytest
from django.test import SimpleTestCase

from realtime.tests.servers_case import LiveTestCase, Server

pytestmark = pytest.mark.once

MEGABYTE = 1_048_576


class Behaviour:
    """What must hold under every server that we write to directly."""

    server_name: str
    writer: str

    @classmethod
    def setUpClass(cls):
        cls.server = Server(cls.server_name)
        cls.addClassCleanup(cls.server.stop)

    async def test_the_pinned_server_is_written_to_directly_but_not_before_the_handshake(self):
        async with self.socket() as socket:
            await self.ask(socket, "which")
            self.assertEqual(json.loads(await socket.recv()), [self.writer, False, False])

    async def test_a_frame_written_right_after_accepting_does_not_overtake_the_handshake(self):
        async with self.socket("/eager") as socket:
            self.assertEqual(await socket.recv(), "hello")

    async def test_direct_writes_and_ordinary_sends_keep_their_order(self):
        async with self.socket() as socket:
            await self.ask(socket, "mixed", 300)
            self.assertEqual([int(await socket.recv()) for _ in range(300)], list(range(300)))

    async def test_the_fallback_delivers_in_order_too(self):
        async with self.socket("/fallback") as socket:
            await self.ask(socket, "sizes", 1, 200, 70_000)
            for size in (1, 200, 70_000):
                self.assertEqual(await socket.recv(), "x" * size)
                self.assertEqual(await socket.recv(), b"x" * size)
            await self.ask(socket, "close", 4401)
            self.assertEqual(await self.close_code(socket), 4401)

    async def test_frames_of_every_length_arrive_whole_in_one_write(self):
        sizes = (1, 125, 126, 65_535, 65_536, 70_000, 300_000)
        async with self.socket() as socket:
            await self.ask(socket, "sizes", *sizes)
            for size in sizes:
                self.assertEqual(await socket.recv(), "x" * size)
                self.assertEqual(await socket.recv(), b"x" * size)

    async def test_what_a_slow_reader_did_not_take_arrives_later_intact_and_in_order(self):
        async with self.socket() as socket:
            socket.transport.pause_reading()
            await self.ask(socket, "flood", 3 * MEGABYTE)
            state = await self.until(lambda state: state["queued"] >= 3 * MEGABYTE)
            self.assertLess(state["queued"], 3 * MEGABYTE + 70_000)
            socket.transport.resume_reading()
            number = 0
            while (text := await socket.recv()) != "end":
                self.assertTrue(text.startswith(f"{number} x"))
                self.assertEqual(len(text), len(f"{number} ") + 65_536)
                number += 1
            self.assertGreater(number, 48)

    async def test_nothing_is_written_after_a_close_frame(self):
        async with self.socket() as socket:
            await self.ask(socket, "close", 4403)
            self.assertEqual(await self.close_code(socket), 4403)
        self.assertEqual((await self.state())["reports"][-1], [False, True])

    async def test_abort_drops_the_connection_without_a_close_frame(self):
        async with self.socket() as socket:
            await self.ask(socket, "abort")
            self.assertEqual(await self.close_code(socket), 1006)
        self.assertEqual((await self.state())["reports"][-1], [False, True])

    async def test_a_consumer_that_does_not_read_stops_the_client_instead_of_filling_memory(self):
        count, frame = 600, "x" * 60_000
        async with self.socket() as socket:
            await self.ask(socket, "doze", count)
            self.assertEqual(await socket.recv(), "dozing")
            sending = asyncio.create_task(self.send_numbered(socket, count, frame))
            state = await self.until(lambda state: state.get("held"))
            while (later := [await self.state() for _ in range(10)])[-1]["waiting"] != state["waiting"]:
                state = later[-1]
            self.assertLess(state["waiting"], 20)
            self.assertFalse(sending.done())
            await self.http("/release")
            await sending
            self.assertEqual(await socket.recv(), "true")

    async def send_numbered(self, socket, count, frame):
        for number in range(count):
            await socket.send(f"{number} {frame}")

    async def test_a_frame_that_is_too_long_is_refused_with_1009(self):
        async with self.socket() as socket:
            await socket.send("x" * 70_000)
            self.assertEqual(await self.close_code(socket), 1009)

    async def test_text_that_is_not_utf_8_is_refused_with_1007(self):
        async with self.socket() as socket:
            await socket.send(b"\xff\xfe", text=True)
            self.assertEqual(await self.close_code(socket), 1007)


class DaphneTests(Behaviour, LiveTestCase):
    server_name, writer = "daphne", "DaphneWriter"

    async def test_an_ordinary_consumer_cannot_queue_without_end_for_a_client_that_does_not_read(self):
        async with self.socket() as socket:
            before = (await self.state())["left"]
            socket.transport.pause_reading()
            await self.ask(socket, "send_flood", 400)
            state = await self.until(lambda state: state["left"] > before)
            self.assertLess(state["queued"], MEGABYTE + 70_000)
            socket.transport.abort()

    async def test_an_announced_body_over_the_limit_is_refused_before_it_is_read(self):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 300000000\r\nExpect: 100-continue\r\n\r\n"
        status, content = await self.http(head=head)
        self.assertEqual((status, content), (413, b"The request is too large.\n"))

    async def test_a_chunked_body_over_the_limit_is_refused_and_not_kept(self):
        memory = (await self.state())["memory"]
        head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        pieces = [b"10000\r\n" + b"x" * 65_536 + b"\r\n"] * 400
        status, _ = await self.http(head=head, body=[*pieces, b"0\r\n\r\n"])
        self.assertEqual(status, 413)
        self.assertLess((await self.state())["memory"] - memory, 8_000)  # KiB, of 26,000 sent

    async def test_a_body_within_the_limit_passes(self):
        head = b"POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 900000\r\n\r\n"
        status, _ = await self.http(head=head, body=[b"x" * 900_000])
        self.assertEqual(status, 200)


class UvicornTests(Behaviour, LiveTestCase):
    server_name, writer = "uvicorn", "UvicornWriter"


class ShutdownTests(LiveTestCase):
    """SIGTERM: every client hears 4012, every consumer sees its socket close, the process is gone in time."""

    async def shut_down(self, name, bystander_code):
        self.server = await asyncio.to_thread(Server, name)
        async with self.socket() as first, self.socket() as second, self.socket() as bystander:
            for socket in (first, second):
                await self.ask(socket, "farewell")
                self.assertEqual(await socket.recv(), "noted")
            stopping = asyncio.create_task(asyncio.to_thread(self.server.stop))
            for socket in (first, second):
                self.assertEqual(await socket.recv(), "bye")
                self.assertEqual(await self.close_code(socket), 4012)
            self.assertEqual(await self.close_code(bystander), bystander_code)
        self.assertLess(await stopping, 10)
        log = "".join(self.server.log)
        self.assertEqual(log.count("left "), 3)
        self.assertNotIn("Traceback", log)

    async def test_daphne_says_goodbye(self):
        await self.shut_down("daphne", bystander_code=4012)

    async def test_a_thread_that_hangs_does_not_keep_the_process(self):
        self.server = await asyncio.to_thread(Server, "daphne")
        async with self.socket() as socket:
            await self.ask(socket, "hang")
            self.assertEqual(await socket.recv(), "hanging")
            self.assertLess(await asyncio.to_thread(self.server.stop), 10)
        self.assertEqual(self.server.process.returncode, 0)

    async def test_uvicorn_says_goodbye(self):
        await self.shut_down("uvicorn", bystander_code=1012)


LOG_A_SECRET = """
import daphne.server, datetime, sys
from daphne.access import AccessLogGenerator
from realtime.servers import install
install()
AccessLogGenerator(sys.stdout).write_entry("host", datetime.datetime.now(), "POST /chat/hooks/bch_0123456789abcdef/")
"""


class AccessLogTests(SimpleTestCase):
    def test_the_secret_of_a_webhook_is_not_logged(self):
        log = subprocess.run([sys.executable, "-c", LOG_A_SECRET], capture_output=True, text=True, check=True).stdout
        self.assertIn("POST /chat/hooks/bch_0123…/", log)
