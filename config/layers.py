"""The channel layers, from the environment. They carry hints only (docs/architecture.md): they may lose, they must not be slow.

| variable | |
| --- | --- |
| `REDIS_URL` | one server, or several separated by commas: groups are spread over them |
| `REDIS_SENTINELS`, `REDIS_MASTER` | instead: `host:26379,host:26379,...` and the name that the sentinels know the master by |
| `REDIS_PASSWORD` | of that master; an address has its own |
| `REDIS_TLS_VERIFY` | `off` accepts a `rediss://` server whose certificate nobody has signed, as Heroku's |
| `REDIS_PREFIX` | of its own for each suite on the same Redis: groups of the same name would hear each other |
"""

from collections.abc import Mapping
from typing import Any

PUBSUB = "channels_redis.pubsub.RedisPubSubChannelLayer"
CORE = "channels_redis.core.RedisChannelLayer"
IN_MEMORY = "channels.layers.InMemoryChannelLayer"

HINT_SECONDS = 5  # timeouts of their sockets
JOB_SECONDS = 15  # the blocking pop of the core layer takes 5 s, and redis-py 8 would give up after 5 (channels_redis#422)


def channel_layers(environment: Mapping[str, str]) -> dict[str, dict[str, Any]]:
    """`CHANNEL_LAYERS`: `default` reaches every process that follows a group, `jobs` wakes one worker per message."""
    hosts = redis_hosts(environment)
    if not hosts:
        # The default capacity of 100 drops messages without a word.
        return {"default": {"BACKEND": IN_MEMORY, "CONFIG": {"capacity": 100_000}}}
    prefix = environment.get("REDIS_PREFIX", "backchannel")
    return {
        "default": _layer(PUBSUB, hosts, HINT_SECONDS, prefix),
        "jobs": _layer(CORE, hosts, JOB_SECONDS, f"{prefix}-jobs"),
    }


def _layer(backend: str, hosts: list[dict[str, Any]], seconds: int, prefix: str) -> dict[str, Any]:
    timed = [{**host, "socket_timeout": seconds} for host in hosts]
    return {"BACKEND": backend, "CONFIG": {"hosts": timed, "prefix": prefix}}


def redis_hosts(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Arguments of channels_redis for each server; none if the environment names no Redis."""
    if sentinels := _words(environment.get("REDIS_SENTINELS", "")):
        addresses = [(host, int(port)) for host, _, port in (sentinel.rpartition(":") for sentinel in sentinels)]
        password = {"password": environment["REDIS_PASSWORD"]} if environment.get("REDIS_PASSWORD") else {}
        return [{"sentinels": addresses, "master_name": environment.get("REDIS_MASTER", "mymaster"), **password}]
    return [{"address": url, **_tls(url, environment)} for url in _words(environment.get("REDIS_URL", ""))]


def _tls(url: str, environment: Mapping[str, str]) -> dict[str, Any]:
    """Certificates are checked unless somebody has said in so many words that this server's cannot be."""
    if url.startswith("rediss://") and environment.get("REDIS_TLS_VERIFY", "on").lower() in {"off", "0", "no", "false"}:
        return {"ssl_cert_reqs": None}
    return {}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
