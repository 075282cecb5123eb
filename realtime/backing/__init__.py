"""Real Redis and PostgreSQL for tests and commands, on a machine that may have neither.

    found = find_redis(); found.url, found.origin            # one to share, or Missing with the reason
    with RedisServer() as redis: redis.kill(); redis.start()  # one of your own, to break

A server of your own runs on a free port, in a directory of its own, and is gone with this process, however it ends.
"""

from realtime.backing.programs import Missing, find_chromium
from realtime.backing.servers import PostgresServer, RedisServer
from realtime.backing.shared import Service, find_postgres, find_redis

__all__ = ["Missing", "PostgresServer", "RedisServer", "Service", "find_chromium", "find_postgres", "find_redis"]
