"""Changes may travel as binary frames, and apps' hubs may tell each other things of their own."""

from unittest import mock

from realtime import repair
from realtime.feeds import CatchUp
from realtime.hub import Broadcast, Hub
from realtime.protocol import BinaryChange, frame_of
from realtime.servers import binary_frame
from realtime.servers.writer import Writer
from realtime.testing import RealtimeTestCase


class Ink(BinaryChange, frozen=True, kw_only=True, tag="test.ink"):
    """Only in tests."""


class Paper(Writer):
    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data
        return True

    queued, closed = 0, False

    async def close(self, code): ...

    def abort(self): ...


class BinaryTests(RealtimeTestCase):
    async def test_a_binary_change_reaches_sockets_as_it_is_and_in_order(self):
        hub, paper = Hub(), Paper()
        socket = hub.open(paper)
        await hub.follow(socket, "test.ink.1")
        hub.topics["test.ink.1"].start(0, "epoch")
        changes = [Ink(feed="test.ink.1", rev=rev, payload=bytes([0x83, rev])) for rev in (2, 1)]
        for change in changes:
            said = Broadcast.of("test.ink.1", [change], None)
            hub.deliver(Broadcast.from_message(said.to_message()))
        hub.flush()
        self.assertEqual(paper.data, binary_frame(b"\x83\x01") + binary_frame(b"\x83\x02"))
        self.assertEqual(frame_of(changes[0]), binary_frame(b"\x83\x02"))
        await self.end(hub, socket)

    async def test_a_change_that_comes_early_while_others_are_read_is_read_too(self):
        hub, paper, feed = Hub(), Paper(), "test.ink.1"
        socket = hub.open(paper)
        await hub.follow(socket, feed)
        hub.topics[feed].start(0, "epoch")

        def hint(rev):
            hub.deliver(Broadcast.of(feed, [Ink(feed=feed, rev=rev, payload=bytes([rev]))], None))

        async def read(name, after):
            if after == 0:
                hint(9)  # committed after this reading, and of 6 to 9 only the last one is told
            head = 5 if after == 0 else 9
            return CatchUp([Ink(feed=feed, rev=head, payload=bytes([head]))], head, "epoch")

        with (
            mock.patch.object(repair, "_catch_up", read),
            mock.patch.object(repair, "source_of"),
            mock.patch.object(repair, "LATE_SECONDS", 0),
        ):
            hint(5)
            await hub.repair._running[feed]
        hub.flush()
        self.assertEqual(paper.data, binary_frame(bytes([5])) + binary_frame(bytes([9])))
        self.assertEqual(hub.topics[feed].cursor, 9)
        await self.end(hub, socket)

    async def test_a_message_of_an_app_goes_to_whoever_registered_for_it(self):
        hub, told = Hub(), []
        Hub.takes("test.told")(lambda hub, message: told.append(message["what"]))
        hub.take({"type": "test.told", "what": "ink"})
        hub.take({"type": "test.unknown"})
        self.assertEqual((told, hub.counters["unknown"]), (["ink"], 1))
        del Hub._takers["test.told"]

    async def end(self, hub, socket):
        await hub.close(socket)
        for task in [*hub._tasks, *hub._background]:
            task.cancel()
        await hub.presence.stop()
