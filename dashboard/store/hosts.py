"""A synchronous connection of our own to what a channel layer's `hosts` name: an address, a pair, arguments, or sentinels."""

from typing import Any

import redis
from redis.sentinel import Sentinel

SECONDS = 1.0  # what a slow answer may cost; the channel layer's own timeouts are made for blocking


def connect(host: Any, **options: Any) -> Any:
    """A client for one entry of `hosts`, as channels_redis understands them (its `utils.decode_hosts`)."""
    options = {"socket_timeout": SECONDS, "socket_connect_timeout": SECONDS, **options}
    if isinstance(host, str):
        host = {"address": host}
    elif not isinstance(host, dict):
        host = {"host": host[0], "port": host[1]}
    given = {name: value for name, value in host.items() if name not in {"socket_timeout", "socket_connect_timeout"}}
    if "master_name" in given:
        name, sentinels = given.pop("master_name"), given.pop("sentinels")
        return Sentinel(sentinels, sentinel_kwargs=given.pop("sentinel_kwargs", None), **options).master_for(name, **given)
    if "address" in given:
        return redis.Redis.from_url(given.pop("address"), **given, **options)
    return redis.Redis(**given, **options)


def name_of(host: Any) -> str:
    """How people know it, without passwords."""
    if isinstance(host, dict):
        if "master_name" in host:
            return str(host["master_name"])
        host = host.get("address") or (host.get("host", "localhost"), host.get("port", 6379))
    if isinstance(host, str):
        return host.rpartition("@")[2].rpartition("//")[2]
    return f"{host[0]}:{host[1]}"
