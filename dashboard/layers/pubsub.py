"""`RedisPubSubChannelLayer`: nothing is stored, each process has its members and their queues.

PUBLISH answers how many processes it reached; the layer throws that away, and we add it up. What they then count as received must
be the same number, so that a message that vanishes on the way shows.
"""

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any
from weakref import WeakSet

from dashboard.hubs import own_channels
from dashboard.layers.limited import LimitedObserver, is_named

logger = logging.getLogger(__name__)

SHARD_METHODS = ("_ensure_redis", "_receive_message")


class PubSubObserver(LimitedObserver):
    kind, exactness, can_stamp = "Redis pub/sub", "full", True
    replaced = (*LimitedObserver.replaced, "_get_layer")

    def __init__(self, alias: str, layer: Any) -> None:
        self._loop_layers: WeakSet[Any] = WeakSet()
        self.group_prefix = ""
        super().__init__(alias, layer)

    @classmethod
    def differences(cls, layer: Any) -> list[str]:
        from channels_redis.pubsub import RedisPubSubLoopLayer, RedisSingleShardConnection

        missing = [name for name in ("_get_layer", "_layers") if not hasattr(layer, name)]
        missing += [name for name in SHARD_METHODS if not hasattr(RedisSingleShardConnection, name)]
        return missing + [name for name in ("_get_group_channel_name",) if not hasattr(RedisPubSubLoopLayer, name)]

    def hook(self) -> None:
        get_layer = self.layer._get_layer

        def get_watched_layer() -> Any:
            loop_layer = get_layer()
            if loop_layer not in self._loop_layers:
                self._loop_layers.add(loop_layer)
                try:
                    self._watch(loop_layer)
                except AttributeError as error:  # another version: less is seen, and the layer works on
                    self.exactness = "limited"
                    logger.warning("Layer %s is not watched: %s.", self.alias, error)
            return loop_layer

        self.layer._get_layer = get_watched_layer
        super().hook()
        # The layer says that it lost its connection by logging it, and by nothing else.
        logging.getLogger("channels_redis.pubsub").addFilter(self._hear)

    def groups(self) -> Mapping[str, Collection[str]]:
        start = len(self.group_prefix)
        return {name[start:]: members for layer in list(self._loop_layers) for name, members in layer.groups.copy().items()}

    def gauges(self) -> dict[str, int]:
        depths = [queue.qsize() for layer in list(self._loop_layers) for queue in layer.channels.copy().values()]
        return {"pending": sum(depths), "fullest": max(depths, default=0), "queues": len(depths)}

    def waiting(self) -> dict[str, int]:
        queues = [item for layer in list(self._loop_layers) for item in layer.channels.copy().items()]
        return {name: queue.qsize() for name, queue in queues if queue.qsize()}

    # What was sent is counted where the answer of PUBLISH comes, with bytes and receivers.

    def sent_to_group(self, group: str) -> None: ...

    def sent(self, channel: str) -> None: ...

    def _watch(self, loop_layer: Any) -> None:
        self.group_prefix = loop_layer._get_group_channel_name("")
        for shard in loop_layer._shards:
            self._watch_shard(loop_layer, shard)

    def _watch_shard(self, loop_layer: Any, shard: Any) -> None:
        ensure_redis, receive_message = shard._ensure_redis, shard._receive_message

        def ensure_watched_redis() -> None:
            ensure_redis()
            if "publish" not in vars(shard._redis):
                shard._redis.publish = self._counting_publish(shard._redis.publish)

        def receive_and_count(message: Any) -> None:
            if message is not None:
                self._received(loop_layer, message["channel"], len(message["data"]))
            receive_message(message)

        shard._ensure_redis, shard._receive_message = ensure_watched_redis, receive_and_count

    def _counting_publish(self, publish: Any) -> Callable[[str, bytes], Awaitable[int]]:
        async def counting_publish(channel: str, data: bytes) -> int:
            receivers: int = await publish(channel, data)
            counts = self.meter.shard().counts
            counts["enqueued"] += receivers
            counts["bytes_published"] += len(data)
            if channel.startswith(self.group_prefix):
                self.meter.add(channel[len(self.group_prefix) :], 1, 0, 0)
                if not receivers:
                    counts["nobody"] += 1
            else:
                counts["sends"] += 1
                if is_named(channel):
                    self.channel(channel).sent += 1
                if not receivers:  # somebody was meant, and is gone
                    counts["lost.nobody"] += 1
            return receivers

        return counting_publish

    def _received(self, loop_layer: Any, channel: Any, size: int) -> None:
        self.meter.count("received")
        name = channel.decode() if isinstance(channel, bytes) else channel
        members = loop_layer.groups.get(name)
        if members:
            number = len(members)
            for others in (own_channels, self.ghosts):
                if others:
                    number -= len(members & others)
            if number:
                self.meter.add(name[len(self.group_prefix) :], 0, number, number * size)

    def _hear(self, record: logging.LogRecord) -> bool:
        is_ours = record.threadName == "dashboard-canary"  # a connection of the canary's, not of this layer
        if not is_ours and record.levelno >= logging.ERROR and "receive task" in str(record.msg):
            self.meter.count("reconnects")
        return True
