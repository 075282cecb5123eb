"""realtime.servers without a server: frames, the fallback, conformance of the pinned versions, the shutdown list."""

import asyncio
import functools
from types import SimpleNamespace
from unittest import IsolatedAsyncioTestCase, TestCase, mock

import daphne.server
import pytest
import uvicorn.server
from daphne.ws_protocol import WebSocketProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame, Opcode

from realtime import servers
from realtime.servers import daphne as daphne_writer
from realtime.servers import hardening, shutdown
from realtime.servers import uvicorn as uvicorn_writer
from realtime.servers.frames import BINARY, TEXT
from realtime.servers.writer import SendWriter

pytestmark = pytest.mark.once

SIZES = (0, 1, 125, 126, 65_535, 65_536, 70_000)


class FrameTests(TestCase):
    def test_frames_are_what_an_independent_library_would_send(self):
        for size in SIZES:
            payload = b"x" * size
            self.assertEqual(servers.text_frame(payload), Frame(Opcode.TEXT, payload).serialize(mask=False))
            self.assertEqual(servers.binary_frame(payload), Frame(Opcode.BINARY, payload).serialize(mask=False))

    def test_joined_frames_come_apart_as_they_were(self):
        messages = [(kind, b"x" * size) for size in SIZES for kind in (TEXT, BINARY)]
        make = {TEXT: servers.text_frame, BINARY: servers.binary_frame}
        joined = b"".join(make[kind](payload) for kind, payload in messages)
        self.assertEqual(list(servers.split_frames(joined)), messages)


class ConformanceTests(TestCase):
    """One of these fails when a new version of a server no longer has what we use."""

    def test_daphne_autobahn_and_twisted_are_as_we_know_them(self):
        self.assertEqual(hardening.hardening_mismatches(), [])
        self.assertEqual(daphne_writer._buffer_mismatches(), ())

    def test_uvicorn_is_as_we_know_it(self):
        self.assertEqual(uvicorn_writer.hardening_mismatches(), [])
        config = uvicorn.Config(app=mock.Mock(), log_config=None)
        protocol = WebSocketsSansIOProtocol(config, uvicorn.server.ServerState(), {}, mock.Mock())
        self.assertEqual(uvicorn_writer.mismatches(protocol), [])


class FallbackTests(IsolatedAsyncioTestCase):
    def setUp(self):
        servers._warn_once.cache_clear()
        servers._log_unknown.cache_clear()

    async def test_a_changed_server_is_named_in_one_warning_and_served_through_asgi(self):
        send = functools.partial(daphne.server.Server.handle_reply, WebSocketProtocol())
        send.args[0].transport = SimpleNamespace()
        with self.assertLogs("realtime.servers", "WARNING") as logs:
            writers = [servers.writer_for(send) for _ in range(3)]
        self.assertEqual({type(writer) for writer in writers}, {SendWriter})
        self.assertEqual(len(logs.output), 1)

    async def test_a_changed_buffer_of_twisted_is_noticed(self):
        daphne_writer._buffer_mismatches.cache_clear()
        self.addCleanup(daphne_writer._buffer_mismatches.cache_clear)
        with mock.patch.object(daphne_writer.FileDescriptor, "write", lambda self, data: None):
            self.assertNotEqual(daphne_writer._buffer_mismatches(), ())

    async def test_frames_leave_an_unknown_server_in_order(self):
        sent = asyncio.Queue()
        writer = servers.writer_for(sent.put)
        writer.write(servers.text_frame(b"one") + servers.binary_frame(b"two"))
        writer.write(servers.text_frame(b"three"))
        await writer.close(4401)
        self.assertEqual(
            [sent.get_nowait() for _ in range(sent.qsize())],
            [
                {"type": "websocket.send", "text": "one"},
                {"type": "websocket.send", "bytes": b"two"},
                {"type": "websocket.send", "text": "three"},
                {"type": "websocket.close", "code": 4401},
            ],
        )
        self.assertTrue(writer.closed)
        self.assertEqual(writer.queued, 0)

    async def test_what_the_server_does_not_take_is_counted_and_forgotten_on_abort(self):
        asked = asyncio.Event()

        async def send(message):
            if message["type"] == "websocket.close":
                asked.set()
            else:
                await asyncio.Event().wait()  # a reader that never reads

        writer = SendWriter(send)
        for _ in range(10):
            self.assertFalse(writer.write(servers.text_frame(b"x" * 100)))
        self.assertEqual(writer.queued, 10 * 102)
        writer.abort()
        self.assertEqual((writer.queued, writer.closed), (0, True))
        await asyncio.wait_for(asked.wait(), 1)

    async def test_a_send_that_fails_closes_the_writer_and_raises_nothing(self):
        failed = asyncio.Event()

        async def send(message):
            failed.set()
            raise OSError("gone")

        writer = SendWriter(send)
        writer.write(servers.text_frame(b"x"))
        await asyncio.wait_for(failed.wait(), 1)
        self.assertTrue(writer.closed)
        self.assertFalse(writer.write(servers.text_frame(b"x")))
        self.assertEqual(writer.queued, 0)


class ShutdownTests(IsolatedAsyncioTestCase):
    def setUp(self):
        for name, value in (("_callbacks", []), ("_is_draining", False)):
            patch = mock.patch.object(shutdown, name, value)
            patch.start()
            self.addCleanup(patch.stop)

    async def test_every_callback_runs_once_even_beside_one_that_fails_and_one_that_hangs(self):
        good = servers.on_shutdown(mock.AsyncMock())
        servers.on_shutdown(mock.AsyncMock(side_effect=ZeroDivisionError))
        servers.on_shutdown(asyncio.Event().wait)
        self.assertFalse(servers.is_draining())
        with self.assertLogs("realtime.servers", "WARNING") as logs:
            await shutdown.drain(seconds=0.01)
            await shutdown.drain(seconds=0.01)
        good.assert_awaited_once()
        self.assertEqual(len(logs.output), 2)
        self.assertTrue(servers.is_draining())

    async def test_the_lifespan_of_a_server_we_do_not_know_ends_with_the_callbacks(self):
        goodbye = servers.on_shutdown(mock.AsyncMock())
        receive = mock.AsyncMock(side_effect=[{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])
        send = mock.AsyncMock()
        await servers.lifespan({"type": "lifespan"}, receive, send)
        goodbye.assert_awaited_once()
        self.assertEqual(
            [call.args[0]["type"] for call in send.await_args_list],
            ["lifespan.startup.complete", "lifespan.shutdown.complete"],
        )
