"""A Redis and a PostgreSQL to run a whole suite against: what the environment names, what runs here, or what can be started."""

import atexit
import os
from dataclasses import dataclass
from functools import cache

import psycopg
import redis

from realtime.backing.process import Server
from realtime.backing.servers import PostgresServer, RedisServer

OLDEST_POSTGRES = 140_000  # Django 5.2 asks for 14


@dataclass(frozen=True)
class Service:
    url: str
    origin: str  # for a person to read: where it was found


@cache
def find_redis() -> Service:
    """A Redis with an empty database of our own. Missing if there is none and none can be started."""
    return _named_in_environment("REDIS_URL") or _running_redis() or _started(RedisServer())


@cache
def find_postgres(*, is_durable: bool = False) -> Service:
    """A PostgreSQL where we may make databases. The one in the URL need not exist; Django's tests make `test_<name>`.
    Missing if there is none and none can be started. One that is started is quicker than a real one unless it `is_durable`."""
    named = _named_in_environment("DATABASE_URL", "postgres")
    return named or _running_postgres() or _started(PostgresServer(is_durable=is_durable))


def _named_in_environment(name: str, scheme: str = "") -> Service | None:
    for variable in (f"TEST_{name}", name):
        if (url := os.environ.get(variable, "")) and url.startswith(scheme):
            return Service(url, f"{variable} in the environment")
    return None


def _running_redis() -> Service | None:
    """Database 15 of the server on the standard port, or the next lower one that nobody uses."""
    for number in range(15, 0, -1):
        url = f"redis://127.0.0.1:6379/{number}"
        try:
            with redis.Redis.from_url(url, socket_timeout=1) as client:
                if client.dbsize() == 0:
                    return Service(url, f"running on port 6379, database {number}")
        except redis.RedisError:
            return None  # no server, or one that asks for a password
    return None


def _running_postgres() -> Service | None:
    """The server on the standard port, if it lets in `postgres` or the user we are without a password."""
    for user in dict.fromkeys(["postgres", os.environ.get("USER", "postgres")]):
        server = f"postgres://{user}@127.0.0.1:5432"
        try:
            with psycopg.connect(f"{server}/postgres", connect_timeout=2) as connection:
                role = connection.execute("SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user").fetchone()
                if role and role[0] and connection.info.server_version >= OLDEST_POSTGRES:
                    # A name of our own: two runs at once must not drop each other's database.
                    return Service(f"{server}/suite_{os.getpid()}", "running on port 5432")
        except psycopg.Error:
            continue
    return None


def _started(server: Server) -> Service:
    server.start()
    atexit.register(server.close)
    return Service(server.url, f"started here from {server.command()[0]}")
