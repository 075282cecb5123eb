"""Seeing what goes through the channel layers, without changing what they do.

Each kind of layer has an adapter that hooks in once per message and process, never per delivery where that can be helped.
What is private in a layer is looked at before it is relied on; where it differs from what we know, or hooking in fails all the
same, the adapter of last resort (`limited.py`) takes its place: it needs the public API alone.
"""

import logging
from typing import Any

from channels.layers import ChannelLayerManager, InMemoryChannelLayer, channel_layers

from dashboard.layers.limited import LimitedObserver

logger = logging.getLogger(__name__)

observers: dict[str, LimitedObserver] = {}  # by alias, the layers of this process


def watch_layers() -> None:
    """Observe every layer that exists, and every one as it is made. Doing it twice changes nothing."""
    make = ChannelLayerManager._make_backend
    if hasattr(make, "is_watched"):
        return

    def make_watched(self: ChannelLayerManager, name: str, config: dict[str, Any]) -> Any:
        layer = make(self, name, config)
        if self is channel_layers:
            observe(name, layer)
        return layer

    make_watched.is_watched = True  # type: ignore[attr-defined]
    ChannelLayerManager._make_backend = make_watched
    for name, layer in channel_layers.backends.items():
        observe(name, layer)


def observe(alias: str, layer: Any) -> LimitedObserver:
    """Hook into one layer. Never fails: at worst less is seen."""
    observer = observers[alias] = _observer_for(alias, layer)
    return observer


def _observer_for(alias: str, layer: Any) -> LimitedObserver:
    before: dict[str, Any] = {}
    try:
        for kind in _kinds(layer):
            # Not `vars`: an object whose dict was looked at is slower from then on.
            before = {name: getattr(layer, name) for name in kind.replaced if hasattr(layer, name)}
            if not (differences := kind.differences(layer)):
                return kind(alias, layer)
            logger.warning("Layer %s is watched from outside only: this version has no %s.", alias, ", ".join(differences))
    except Exception as error:  # whatever another version does there, the project must start
        logger.warning("Layer %s is watched from outside only: %r.", alias, error)
        for name, value in before.items():
            setattr(layer, name, value)  # without the hooks that are in already
    return LimitedObserver(alias, layer)


def _kinds(layer: Any) -> list[type[LimitedObserver]]:
    """The adapters that know this very class. A subclass may have changed anything, so it counts as unknown."""
    name = f"{type(layer).__module__}.{type(layer).__qualname__}"
    if type(layer) is InMemoryChannelLayer:
        from dashboard.layers.memory import MemoryObserver

        return [MemoryObserver]
    if name == "channels_redis.pubsub.RedisPubSubChannelLayer":
        from dashboard.layers.pubsub import PubSubObserver

        return [PubSubObserver]
    if name == "channels_redis.core.RedisChannelLayer":
        from dashboard.layers.core import CoreObserver

        return [CoreObserver]
    return []
