"""realtime.backing: servers that can be broken at will, and that never outlive their owner."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from unittest import TestCase, mock

import psycopg
import pytest
import redis

from realtime.backing import Missing, PostgresServer, RedisServer, find_postgres, find_redis, guard, programs

ROOT = Path(__file__).resolve().parent.parent


def skip_without(find):
    try:
        find()
    except Missing as missing:
        pytest.skip(str(missing))


@pytest.mark.services
class RedisServerTests(TestCase):
    @classmethod
    def setUpClass(cls):
        skip_without(programs.find_redis_program)
        cls.server = cls.enterClassContext(RedisServer())

    def setUp(self):
        if not self.server.is_running:
            self.server.start()
        self.client = self.enterContext(redis.Redis.from_url(self.server.url, socket_timeout=0.3, retry=None))

    def test_a_restart_keeps_the_port_and_no_data(self):
        self.client.set("colour", "blue")
        self.server.restart()
        self.assertIsNone(self.client.get("colour"))

    def test_stopped_or_killed_it_refuses_connections_until_started_again(self):
        for end in (self.server.stop, self.server.kill):
            end()
            self.assertFalse(self.server.is_running)
            with self.assertRaises(redis.ConnectionError):
                self.client.ping()
            self.server.start()
            self.assertTrue(self.client.ping())

    def test_paused_it_keeps_connections_and_says_nothing(self):
        self.client.ping()
        self.server.pause()
        with self.assertRaises(redis.TimeoutError):
            self.client.ping()
        self.server.resume()
        self.assertTrue(self.client.ping())

    def test_it_can_be_stopped_while_paused(self):
        self.server.pause()
        self.server.stop()
        self.assertFalse(self.server.is_running)


@pytest.mark.services
class PostgresServerTests(TestCase):
    @classmethod
    def setUpClass(cls):
        skip_without(programs.find_postgres_programs)
        cls.server = cls.enterClassContext(PostgresServer())

    def run_sql(self, statement):
        with psycopg.connect(self.server.url, autocommit=True, connect_timeout=2) as connection:
            return connection.execute(statement)

    def test_what_was_committed_survives_a_crash_and_a_restart(self):
        self.run_sql("CREATE TABLE colours (name text)")
        self.run_sql("INSERT INTO colours VALUES ('blue')")
        self.server.restart(immediate=True)
        self.server.restart()
        self.assertEqual(self.run_sql("SELECT name FROM colours").fetchall(), [("blue",)])

    def test_it_starts_again_at_once_however_many_sessions_a_crash_took(self):
        sessions = [self.enterContext(psycopg.connect(self.server.url)) for _ in range(20)]
        for _ in range(3):
            self.server.restart(immediate=True)
        for session in sessions:
            with self.assertRaises(psycopg.OperationalError):
                session.execute("SELECT 1")

    def test_a_restart_ends_open_sessions(self):
        with psycopg.connect(self.server.url) as connection:
            self.server.restart()
            with self.assertRaises(psycopg.OperationalError):
                connection.execute("SELECT 1")

    def test_paused_it_accepts_nobody_and_resumed_it_does(self):
        self.server.pause()
        with self.assertRaises(psycopg.OperationalError):
            self.run_sql("SELECT 1")
        self.server.resume()
        self.assertEqual(self.run_sql("SELECT 1").fetchone(), (1,))


@pytest.mark.services
class WheelTests(TestCase):
    """The servers of the wheels, also where the machine has others."""

    def test_redis_runs_from_its_wheel(self):
        skip_without(lambda: self.only_wheels(programs.find_redis_program))
        with mock.patch("realtime.backing.servers.find_redis_program", lambda: self.only_wheels(programs.find_redis_program)):
            self.start_and_stop(RedisServer)

    def test_postgres_runs_from_its_wheel(self):
        skip_without(lambda: self.only_wheels(programs.find_postgres_programs))
        with mock.patch(
            "realtime.backing.servers.find_postgres_programs", lambda: self.only_wheels(programs.find_postgres_programs)
        ):
            self.start_and_stop(PostgresServer)

    def start_and_stop(self, kind):
        with kind() as server:
            self.assertTrue(server.answers())
            directory = server.directory
        self.assertFalse(directory.exists())
        self.assertFalse(server.answers())

    def only_wheels(self, find):
        with mock.patch("shutil.which", return_value=None), mock.patch.object(programs, "DEBIAN_POSTGRES", Path("/nonexistent")):
            return find()


@pytest.mark.services
class OwnerTests(TestCase):
    def test_a_server_does_not_outlive_its_killed_owner(self):
        skip_without(programs.find_redis_program)
        script = (
            "from realtime.backing import RedisServer\n"
            "server = RedisServer()\n"
            "server.start()\n"
            "print(server.process.pid, server.directory, flush=True)\n"
            "input()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as owner:
            pid, directory = owner.stdout.readline().split()
            owner.send_signal(signal.SIGKILL)
        self.wait_until(lambda: not guard.is_alive(int(pid)) and not Path(directory).exists())

    def wait_until(self, condition, seconds=10):
        deadline = time.monotonic() + seconds
        while not condition():
            self.assertLess(time.monotonic(), deadline, "too late")
            time.sleep(0.01)


class FindTests(TestCase):
    def setUp(self):
        for find in (find_redis, find_postgres):
            find.cache_clear()
            self.addCleanup(find.cache_clear)

    def test_the_environment_comes_first_and_the_name_for_tests_before_the_other(self):
        with mock.patch.dict(os.environ, {"REDIS_URL": "redis://a/1", "TEST_REDIS_URL": "redis://b/1"}):
            self.assertEqual(find_redis().url, "redis://b/1")
            self.assertIn("TEST_REDIS_URL", find_redis().origin)
        with mock.patch.dict(os.environ, {"DATABASE_URL": "postgres://a/b", "TEST_DATABASE_URL": ""}):
            self.assertEqual(find_postgres().url, "postgres://a/b")

    def test_a_database_url_of_another_kind_is_no_postgres(self):
        environment = {"DATABASE_URL": "sqlite:///x", "TEST_DATABASE_URL": ""}
        with (
            mock.patch.dict(os.environ, environment),
            mock.patch("realtime.backing.shared._running_postgres", return_value=None),
            mock.patch("realtime.backing.servers.find_postgres_programs", side_effect=Missing("no PostgreSQL here")),
            self.assertRaisesRegex(Missing, "no PostgreSQL here"),
        ):
            find_postgres()
