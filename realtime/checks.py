"""Channel layers and connection pools that would work on a laptop and fail on a site, found before it starts."""

from collections.abc import Sequence
from typing import Any

import redis
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import connections
from django.utils import timezone

from realtime.jobs import LAYER as JOBS

PUBSUB, CORE = "RedisPubSubChannelLayer", "RedisChannelLayer"
BRPOP_SECONDS = 5  # how long the core layer's blocking pop waits, by default
FIRST_REDIS_WITH_TIMEOUT = 8  # redis-py: from this version on a socket times out after 5 s unless told otherwise
ALLOWED_CONNECTIONS = """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
"""
SPARE_CONNECTIONS = 10  # for psql, backups, migrations


def backend_of(alias: str) -> str:
    return settings.CHANNEL_LAYERS.get(alias, {}).get("BACKEND", "").rpartition(".")[2]


@register("realtime")
def check_jobs_layer(**_: Any) -> list[CheckMessage]:
    if backend_of(JOBS) != PUBSUB:
        return []
    hint = "Use channels_redis.core.RedisChannelLayer for it: its channels have one taker for each message."
    return [Error("The jobs layer is pub/sub, which wakes every worker for every job.", hint=hint, id="realtime.E001")]


@register("realtime")
def check_redis_timeouts(**_: Any) -> list[CheckMessage]:
    """django/channels_redis#422: with redis-py 8 the default is 5 s, equal to the pop's. What waits then dies each time."""
    if int(redis.__version__.partition(".")[0]) < FIRST_REDIS_WITH_TIMEOUT:
        return []
    found: list[CheckMessage] = []
    for alias in settings.CHANNEL_LAYERS:
        config = settings.CHANNEL_LAYERS[alias].get("CONFIG", {})
        wait = config.get("brpop_timeout", BRPOP_SECONDS)
        if backend_of(alias) == CORE and not all(_outlasts(host, wait) for host in config.get("hosts") or [None]):
            hint = f'Say so in each host: {{"address": url, "socket_timeout": {3 * wait}}}.'
            message = f"The sockets of the {alias} layer time out before its blocking pop of {wait} s does."
            found.append(Error(message, hint=hint, id="realtime.E002"))
    return found


def _outlasts(host: Any, wait: float) -> bool:
    if not isinstance(host, dict) or "socket_timeout" not in host:
        return False
    return host["socket_timeout"] is None or host["socket_timeout"] > wait


@register(Tags.database)
def check_layer_in_memory(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Processes that cannot hear each other: what one does shows at the other's next tick."""
    if backend_of("default") != "InMemoryChannelLayer":
        return []
    others = live_processes() if "default" in (databases or ()) else []
    if settings.PROCESSES < 2 and not others:
        return []
    hint = "Set REDIS_URL, or run one process."
    who = f"with {', '.join(others)}" if others else f"of {settings.PROCESSES}"
    return [Error(f"The channel layer is in memory, and this is one process {who}.", hint=hint, id="realtime.E003")]


@register(Tags.database)
def check_pools(databases: Sequence[str] | None = None, **_: Any) -> list[CheckMessage]:
    connection = connections["default"]
    pool = connection.settings_dict["OPTIONS"].get("pool")
    if "default" not in (databases or ()) or connection.vendor != "postgresql" or not pool:
        return []
    with connection.cursor() as cursor:
        cursor.execute(ALLOWED_CONNECTIONS)
        allowed = cursor.fetchone()[0]
    processes = max(settings.PROCESSES, len(live_processes()) + 1)
    wanted = processes * pool["max_size"]
    if wanted + SPARE_CONNECTIONS <= allowed:
        return []
    fitting = max(1, (allowed - SPARE_CONNECTIONS) // processes)
    hint = f"Lower DATABASE_POOL to {fitting}, raise max_connections, or put a pooler between."
    message = f"{processes} processes with pools of {pool['max_size']} want {wanted} connections; PostgreSQL allows {allowed}."
    return [Warning(message, hint=hint, id="realtime.W001")]


def live_processes() -> list[str]:
    """The web processes that have sockets now, by host and pid; none in a database without tables yet."""
    from realtime.models import Process

    if Process._meta.db_table not in connections["default"].introspection.table_names():
        return []
    return [str(process) for process in Process.objects.filter(until__gt=timezone.now()).order_by("host", "pid")]
