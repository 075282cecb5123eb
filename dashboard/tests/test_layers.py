"""A layer that is watched behaves like one that is not; and what is seen of it is what happened."""

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, suppress
from unittest import IsolatedAsyncioTestCase, mock
from uuid import uuid4

import pytest
from channels.exceptions import ChannelFull
from channels.generic.websocket import AsyncWebsocketConsumer
from channels.layers import InMemoryChannelLayer, channel_layers
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.test import override_settings

from dashboard.consumers import watch_consumers
from dashboard.layers import _kinds, observe, observers
from dashboard.layers.limited import SENT_AT, LimitedObserver
from dashboard.meter import meters
from dashboard.tap import close_tap, open_tap, taps

SECONDS = 5


def memory(**config):
    return InMemoryChannelLayer(**{"capacity": 20} | config)


def pubsub(**config):
    from channels_redis.pubsub import RedisPubSubChannelLayer

    return RedisPubSubChannelLayer(hosts=[{"address": settings.REDIS_URL}], prefix=f"t{uuid4().hex[:8]}", **config)


def core(**config):
    from channels_redis.core import RedisChannelLayer

    hosts = [{"address": settings.REDIS_URL, "socket_timeout": 15}]
    return RedisChannelLayer(hosts=hosts, prefix=f"t{uuid4().hex[:8]}", **{"capacity": 20} | config)


class Scenario:
    """Things that code does with a layer, and what comes of them in terms that can be compared."""

    def __init__(self, layer):
        self.layer = layer

    async def receive(self, channel):
        async with asyncio.timeout(SECONDS):
            return await self.layer.receive(channel)

    async def group_of_two(self):
        first, second = await self.layer.new_channel(), await self.layer.new_channel()
        for channel in (first, second):
            await self.layer.group_add("room", channel)
        await self.layer.group_send("room", {"type": "a.b", "n": 1, "nested": {"list": [1, "ä", None]}})
        await self.layer.group_send("room", {"type": "a.b", "n": 2})
        heard = [await self.receive(first), await self.receive(first), await self.receive(second), await self.receive(second)]
        await self.layer.group_discard("room", second)
        await self.layer.group_send("room", {"type": "a.b", "n": 3})
        heard.append(await self.receive(first))
        return heard

    async def direct(self):
        channel = await self.layer.new_channel()
        listening = asyncio.create_task(self.receive(channel))
        await asyncio.sleep(0)
        await self.layer.send(channel, {"type": "direct", "n": 1})
        return await listening

    async def message_of_the_caller_stays(self):
        channel = await self.layer.new_channel()
        await self.layer.group_add("room", channel)
        message = {"type": "kept"}
        await self.layer.group_send("room", message)
        await self.receive(channel)
        return message

    async def nobody_is_there(self):
        return await self.layer.group_send("empty", {"type": "a.b"})

    async def bad_names(self):
        raised = []
        for attempt in (
            lambda: self.layer.group_send("spaces are bad", {"type": "x"}),
            lambda: self.layer.group_add("room", "spaces are bad"),
            lambda: self.layer.send("spaces are bad", {"type": "x"}),
            lambda: self.layer.group_send("room", "no dict"),
        ):
            try:
                await attempt()
                raised.append(None)
            except Exception as error:
                raised.append(type(error))
        return raised

    async def receiving_is_cancelled(self):
        channel = await self.layer.new_channel()
        listening = asyncio.create_task(self.receive(channel))
        await asyncio.sleep(0.05)
        listening.cancel()
        return await asyncio.gather(listening, return_exceptions=True) and listening.cancelled()

    async def order(self):
        channel = await self.layer.new_channel()
        await self.layer.group_add("room", channel)
        for number in range(15):
            await self.layer.group_send("room", {"type": "n", "n": number})
        return [(await self.receive(channel))["n"] for _ in range(15)]


class FullChannels(Scenario):
    """Only layers with a capacity have these."""

    async def full_direct(self):
        channel = await self.layer.new_channel()
        refused = 0
        for _ in range(25):
            try:
                await self.layer.send(channel, {"type": "x"})
            except ChannelFull:
                refused += 1
        return refused

    async def full_group(self):
        channels = [await self.layer.new_channel() for _ in range(3)]
        for channel in channels:
            await self.layer.group_add("room", channel)
        for _ in range(25):
            await self.layer.group_send("room", {"type": "x"})
        return [len([await self.receive(channel) for _ in range(20)]) for channel in channels]


SCENARIOS = [
    "group_of_two",
    "direct",
    "message_of_the_caller_stays",
    "nobody_is_there",
    "bad_names",
    "receiving_is_cancelled",
    "order",
]


class Conformance:
    """Mixed into a test case for each kind of layer."""

    make: Callable
    scenario = Scenario
    scenarios = SCENARIOS

    async def outcome(self, name, *, is_watched):
        layer = type(self).make()
        if is_watched:
            observe("test", layer)
        try:
            return await getattr(self.scenario(layer), name)()
        finally:
            await close(layer)

    async def test_a_watched_layer_does_what_an_unwatched_one_does(self):
        for name in self.scenarios:
            with self.subTest(name):
                plain = await self.outcome(name, is_watched=False)
                self.assertEqual(await self.outcome(name, is_watched=True), plain)

    async def test_it_works_on_one_event_loop_after_another(self):
        layer = type(self).make()
        observe("test", layer)

        async def use():
            heard = await Scenario(layer).group_of_two()
            await close(layer)
            return len(heard)

        self.assertEqual([await asyncio.to_thread(asyncio.run, use()) for _ in range(2)], [5, 5])


async def close(layer):
    if hasattr(layer, "close_pools"):
        await layer.close_pools()
    await layer.flush()
    if hasattr(layer, "close_pools"):
        await layer.close_pools()


class WatchedTestCase(IsolatedAsyncioTestCase):
    def setUp(self):
        meters.pop("test", None)
        self.addCleanup(observers.pop, "test", None)
        self.addCleanup(taps.clear)

    def counters(self):
        observers["test"].meter.beat()
        return observers["test"].meter.counters()

    def watched(self, layer):
        self.addAsyncCleanup(close, layer)
        self.observer = observe("test", layer)
        return layer


class MemoryTests(Conformance, WatchedTestCase):
    make = staticmethod(memory)
    scenario = FullChannels
    scenarios = [*SCENARIOS, "full_direct", "full_group"]

    async def test_what_is_sent_delivered_received_and_dropped_is_counted(self):
        layer = self.watched(memory())
        await FullChannels(layer).full_group()
        counted = self.counters()
        self.assertEqual(counted["group_sends"], 25)
        self.assertEqual(counted["deliveries"], 60)  # three queues of twenty
        self.assertEqual(counted["lost.full"], 15)
        self.assertEqual(counted["group_lost"], 15)
        self.assertEqual((counted["enqueued"], counted["received"]), (60, 60))
        self.assertEqual(self.observer.gauges()["pending"], 0)

    @pytest.mark.logs_errors  # by asyncio: what a group send that was given up has begun, and failed
    async def test_deliveries_are_exact_whatever_is_under_way_at_the_same_time(self):
        """Full queues, direct sends that take a place from a group send that has begun, and group sends that are given up."""
        for seed in range(60):
            meters.pop("test", None)
            with self.subTest(seed):
                await self.see_that_it_adds_up(random.Random(seed))

    async def see_that_it_adds_up(self, dice):
        layer = self.watched(memory(capacity=dice.choice([1, 3, 8, 40])))
        channels = [f"specific.inmemory!{number}" for number in range(4)]
        for channel in channels[: dice.randint(1, 4)]:
            await layer.group_add("room", channel)
        taken, put = [], asyncio.Queue.put_nowait

        def put_nowait(queue, item):
            put(queue, item)
            if isinstance(item, tuple):  # as the layer's are
                taken.append(item)

        with mock.patch.object(asyncio.Queue, "put_nowait", put_nowait):
            await self.make_a_rush(layer, channels, dice)
        counted = Counter(self.counters())
        self.assertEqual(counted["enqueued"], len(taken))
        self.assertEqual(counted["deliveries"] + counted["sends"], len(taken))

    async def make_a_rush(self, layer, channels, dice):
        async def send_directly(channel, number):
            for _ in range(number):
                with suppress(ChannelFull):
                    await layer.send(channel, {"type": "x"})

        async def receive(channel):
            with suppress(TimeoutError):
                async with asyncio.timeout(0):
                    await layer.receive(channel)

        for _ in range(8):
            tasks = []
            for _ in range(dice.randint(1, 30)):
                kind, channel = dice.choice(["group", "group", "group", "direct", "receive", "give up"]), dice.choice(channels)
                if kind == "direct":
                    tasks.append(asyncio.create_task(send_directly(channel, dice.randint(1, 30))))
                elif kind == "receive":
                    tasks.append(asyncio.create_task(receive(channel)))
                else:
                    tasks.append(asyncio.create_task(layer.group_send("room", {"type": "x"})))
                    if kind == "give up":
                        await asyncio.sleep(0)
                        tasks[-1].cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def test_a_message_that_cannot_be_copied_was_delivered_to_nobody(self):
        layer = self.watched(memory())
        await layer.group_add("room", "specific.inmemory!one")
        with self.assertRaises(TypeError):
            await layer.group_send("room", {"type": "x", "lock": threading.Lock()})
        counted = self.counters()
        self.assertEqual([counted.get(name, 0) for name in ("group_sends", "deliveries", "enqueued", "refused")], [0, 0, 0, 1])

    async def test_another_version_of_its_group_send_is_watched_from_outside(self):
        layer = memory()
        layer.group_send = mock.AsyncMock()
        with self.assertLogs("dashboard.layers", "WARNING"):
            self.watched(layer)
        self.assertEqual(self.observer.exactness, "limited")

    async def test_who_gives_up_while_sending_has_lost_nothing(self):
        layer = memory()
        layer.send = lambda *_: asyncio.sleep(60)
        self.watched(layer)
        await layer.group_add("room", "specific.inmemory!one")
        with self.assertRaises(TimeoutError):
            async with asyncio.timeout(0):
                await layer.send("specific.inmemory!one", {"type": "x"})
        counted = self.counters()
        self.assertEqual((counted.get("lost.failed", 0), counted["cancelled"]), (0, 1))

    async def test_members_are_those_of_the_layer_also_when_it_drops_them_itself(self):
        layer = self.watched(memory(expiry=0))
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        self.assertEqual(self.observer.sizes(set()), {"room": 1})
        await layer.group_send("room", {"type": "x"})
        await layer.group_send("room", {"type": "x"})  # the first has expired, and took the member along
        self.assertEqual(self.observer.sizes(set()), {})

    async def test_the_time_from_sending_to_receiving_is_measured(self):
        layer = self.watched(memory())
        await Scenario(layer).order()
        buckets = {name: number for name, number in self.counters().items() if name.startswith("h.")}
        self.assertEqual(sum(buckets.values()), 15)

    async def test_no_consumer_sees_the_stamp(self):
        heard = await Scenario(self.watched(memory())).group_of_two()
        self.assertFalse([message for message in heard if SENT_AT in message])


@pytest.mark.only_on("redis")
class PubSubTests(Conformance, WatchedTestCase):
    make = staticmethod(pubsub)
    scenarios = [name for name in SCENARIOS if name != "bad_names"]  # it checks no names

    async def test_what_redis_says_it_reached_is_what_was_received(self):
        layer = self.watched(pubsub())
        await Scenario(layer).group_of_two()
        counted = self.counters()
        self.assertEqual(counted["group_sends"], 3)
        self.assertEqual(counted["enqueued"], 3)  # this one process
        self.assertEqual(counted["received"], 3)
        self.assertEqual(counted["deliveries"], 5)
        self.assertGreater(counted["bytes"], 100)

    async def test_a_message_to_nobody_is_told_from_one_whose_receiver_is_gone(self):
        layer = self.watched(pubsub())
        await layer.group_send("empty", {"type": "x"})
        await layer.send("specific.gone", {"type": "x"})
        counted = self.counters()
        self.assertEqual((counted["nobody"], counted["lost.nobody"]), (1, 1))

    async def test_a_layer_that_does_not_answer_is_a_loss_and_raises_as_before(self):
        from channels_redis.pubsub import RedisPubSubChannelLayer

        layer = self.watched(RedisPubSubChannelLayer(hosts=[{"address": "redis://127.0.0.1:1/0"}]))
        with self.assertRaises(Exception):  # noqa: B017  # whatever redis-py raises
            await layer.group_send("room", {"type": "x"})
        self.assertEqual(self.counters()["lost.failed"], 1)

    async def test_members_queues_and_latency(self):
        layer = self.watched(pubsub())
        channels = [await layer.new_channel() for _ in range(3)]
        for channel in channels:
            await layer.group_add("room", channel)
        self.assertEqual(self.observer.sizes(set()), {"room": 3})
        self.assertEqual(self.observer.sizes({channels[0]}), {"room": 2})
        await layer.group_send("room", {"type": "x"})
        await Scenario(layer).receive(channels[0])  # all three queues were filled in one go
        self.assertEqual(self.observer.gauges()["pending"], 2)
        self.assertEqual(sum(number for name, number in self.counters().items() if name.startswith("h.")), 1)


@pytest.mark.only_on("redis")
class CoreTests(Conformance, WatchedTestCase):
    make = staticmethod(core)
    scenario = FullChannels
    scenarios = [*SCENARIOS, "full_direct"]

    async def test_every_delivery_that_a_full_inbox_refused_is_counted(self):
        """The layer itself says that one channel was over capacity; there were three consumers behind it."""
        layer = self.watched(core())
        channels = [await layer.new_channel() for _ in range(3)]
        for channel in channels:
            await layer.group_add("room", channel)
        for _ in range(25):
            await layer.group_send("room", {"type": "x"})
        counted = self.counters()
        self.assertEqual(counted["group_sends"], 25)
        self.assertEqual(counted["deliveries"], 60)
        self.assertEqual((counted["lost.full"], counted["group_lost"]), (15, 15))
        self.assertEqual(counted["enqueued"], 20)  # messages in the one inbox

    async def test_what_goes_into_the_inbox_comes_out_of_it(self):
        layer = self.watched(core())
        await Scenario(layer).group_of_two()
        counted = self.counters()
        self.assertEqual((counted["enqueued"], counted["received"], counted["handed"]), (3, 3, 5))
        self.assertEqual(sum(number for name, number in counted.items() if name.startswith("h.")), 3)

    async def test_what_a_slow_consumer_loses_is_counted(self):
        """Its own queue drops the oldest without a word."""
        layer = self.watched(core(capacity=5))
        slow, quick = await layer.new_channel(), await layer.new_channel()
        await layer.group_add("room", slow)
        await layer.group_add("room", quick)
        for _ in range(12):
            await layer.group_send("room", {"type": "x"})
            await Scenario(layer).receive(quick)
        self.assertEqual(self.counters()["lost.overflow"], 7)

    async def test_members_are_those_that_joined_here(self):
        layer = self.watched(core())
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        await layer.group_add("room", channel)
        self.assertEqual(self.observer.sizes(set()), {"room": 1})
        await layer.group_discard("room", channel)
        self.assertEqual(self.observer.sizes(set()), {})


class Unknown(InMemoryChannelLayer):
    """Somebody's own layer."""


class UnknownLayerTests(Conformance, WatchedTestCase):
    make = staticmethod(lambda: Unknown(capacity=20))

    async def test_it_is_watched_from_outside(self):
        self.watched(Unknown())
        self.assertIs(type(self.observer), LimitedObserver)
        self.assertEqual(self.observer.exactness, "limited")

    async def test_groups_and_sends_are_known_all_the_same(self):
        layer = self.watched(Unknown())
        await Scenario(layer).group_of_two()
        counted = self.counters()
        self.assertEqual((counted["group_sends"], counted["handed"]), (3, 5))
        self.assertEqual({name: len(members) for name, members in self.observer.groups().items()}, {"room": 1})


class ChangedLayerTests(WatchedTestCase):
    """A version whose inside is not what we know."""

    async def test_what_differs_is_seen_at_the_start_and_the_layer_works_on(self):
        layer = memory()
        changed = mock.patch("dashboard.layers.memory.MemoryObserver.differences", return_value=["groups"])
        with changed, self.assertLogs("dashboard.layers", "WARNING") as logs:
            self.watched(layer)
        self.assertIn("this version has no groups", logs.output[0])
        self.assertEqual(self.observer.exactness, "limited")
        self.assertEqual(len(await Scenario(layer).group_of_two()), 5)

    async def test_a_hook_that_fails_is_undone_and_the_layer_works_on(self):
        layer = memory()
        fails = mock.patch("dashboard.layers.memory.MemoryObserver.flush", side_effect=RuntimeError("another version"))
        with fails, self.assertLogs("dashboard.layers", "WARNING"):
            self.watched(layer)
        self.assertEqual(self.observer.exactness, "limited")
        await Scenario(layer).group_of_two()
        self.assertEqual(self.counters()["group_sends"], 3)  # not by two hooks

    @pytest.mark.only_on("redis")
    async def test_every_name_that_is_missing_is_noticed_and_none_keeps_the_project_from_starting(self):
        from dashboard.layers import core as core_adapter
        from dashboard.layers import pubsub as pubsub_adapter

        names = [(core, name) for name in (*core_adapter.PRIVATE, "group_send")] + [(pubsub, "_get_layer"), (pubsub, "_layers")]
        for make, name in names:
            layer = make()
            with self.subTest(name), without(layer, name), self.assertLogs("dashboard.layers", "WARNING"):
                self.assertEqual(observe("test", layer).exactness, "limited")
        gone = [mock.patch.object(pubsub_adapter, "SHARD_METHODS", ["none_of_that_name"])]
        gone += [
            mock.patch.dict("sys.modules", {"channels_redis.pubsub": None}),
            mock.patch("inspect.getsource", side_effect=OSError),
        ]
        for make, patch in zip((pubsub, pubsub, core), gone, strict=True):
            layer = make()
            with self.subTest(str(patch)), patch, self.assertLogs("dashboard.layers", "WARNING"):
                self.assertEqual(observe("test", layer).exactness, "limited")

    @pytest.mark.only_on("redis")
    async def test_a_script_that_differs_is_left_alone(self):
        with (
            mock.patch("inspect.getsource", return_value="local full = 0"),
            self.assertLogs("dashboard.layers", "WARNING") as logs,
        ):
            layer = self.watched(core())
        self.assertIn("in its script", logs.output[0])
        self.assertEqual(len(await Scenario(layer).group_of_two()), 5)

    @pytest.mark.only_on("redis")
    async def test_a_pubsub_layer_whose_inside_differs_works_on(self):
        layer = self.watched(pubsub())
        differs = mock.patch.object(type(self.observer), "_watch", side_effect=AttributeError("no _shards"))
        with differs, self.assertLogs("dashboard.layers.pubsub", "WARNING"):
            self.assertEqual(len(await Scenario(layer).group_of_two()), 5)
        self.assertEqual(self.observer.exactness, "limited")

    def test_the_private_names_of_the_installed_versions_are_those_we_know(self):
        layers = [memory()]
        if settings.REDIS_URL:
            layers += [pubsub(), core()]
        for layer in layers:
            with self.subTest(type(layer).__name__):
                (kind,) = _kinds(layer)
                self.assertEqual(kind.differences(layer), [])


@contextmanager
def without(layer, name):
    owner = next(owner for owner in (layer, *type(layer).__mro__) if name in vars(owner))
    with mock.patch.object(owner, name):
        delattr(owner, name)
        yield


class TapTests(WatchedTestCase):
    async def test_a_tap_shows_shapes_only_unless_values_were_asked_for(self):
        layer = self.watched(memory())
        open_tap("room", with_values=False)
        await layer.group_send("room", {"type": "chat", "text": "our secret plan", "n": 3})
        (seen,) = taps["room"].messages(with_values=True)
        self.assertEqual(seen["message"], {"type": "chat", "text": "text, 15", "n": "number"})

    async def test_values_are_masked_where_they_look_like_secrets_and_cut_to_size(self):
        layer = self.watched(memory())
        open_tap("room", with_values=True)
        await layer.group_send("room", {"type": "chat", "text": "hello", "user": {"password": "hunter2", "api_key": "k"}})
        await layer.group_send("room", {"type": "chat", "text": "x" * 5000})
        first, second = [seen["message"] for seen in taps["room"].messages(with_values=True)]
        self.assertEqual(first["text"], "hello")
        self.assertNotIn("hunter2", str(first))
        self.assertNotIn("'k'", str(first))
        self.assertNotIn("xxx", str(second))

    async def test_values_stay_inside_when_the_project_forbids_them(self):
        layer = self.watched(memory())
        with override_settings(DASHBOARD={"TAP_VALUES": False}):
            open_tap("room", with_values=True)
        await layer.group_send("room", {"type": "chat", "text": "hello"})
        self.assertNotIn("hello", str(taps["room"].messages(with_values=True)))

    async def test_a_tap_closes_by_itself_and_keeps_the_latest_fifty(self):
        layer = self.watched(memory())
        open_tap("room", with_values=False)
        for _ in range(60):
            await layer.group_send("room", {"type": "chat"})
        self.assertEqual((len(taps["room"].messages(with_values=False)), taps["room"].seen), (50, 60))
        taps["room"].until = 0
        await layer.group_send("room", {"type": "chat"})
        self.assertEqual(taps["room"].seen, 60)
        close_tap("room")
        self.assertEqual(taps, {})


class Clumsy(AsyncWebsocketConsumer):
    channel_layer_alias = "clumsy"

    async def connect(self):
        await self.channel_layer.group_add("room", self.channel_name)
        await self.accept()

    async def receive(self, text_data=None, bytes_data=None):
        raise ValueError("as in a handler that nobody tested")


class ConsumersThatFailTests(WatchedTestCase):
    @override_settings(CHANNEL_LAYERS={"clumsy": {"BACKEND": "channels.layers.InMemoryChannelLayer"}})
    async def test_what_they_leave_behind_is_no_member(self):
        """Channels does not call `disconnect` of a consumer that raised."""
        watch_consumers()
        layer = channel_layers["clumsy"]
        observer = observers["test"] = observe("clumsy", layer)
        self.addCleanup(observers.pop, "clumsy")
        tab, other = (WebsocketCommunicator(Clumsy.as_asgi(), "/") for _ in range(2))
        await tab.connect()
        await other.connect()
        self.assertEqual(observer.sizes(set()), {"room": 2})
        await tab.send_to(text_data="x")
        with self.assertRaises(ValueError):
            await tab.wait()
        self.assertEqual(len(layer.groups["room"]), 2)  # the layer does not know better
        self.assertEqual(observer.sizes(set()), {"room": 1})
        self.assertEqual(observer.ghost_memberships(), 1)
        await other.disconnect()
