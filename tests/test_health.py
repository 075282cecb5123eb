"""`/healthz` and `/readyz`, of servers of both kinds."""

import asyncio
import json
from io import BytesIO
from unittest import IsolatedAsyncioTestCase, mock

import pytest
from asgiref.sync import async_to_sync
from channels.testing import ApplicationCommunicator
from django.db import OperationalError
from django.test import TestCase
from django.test.utils import CaptureQueriesContext

from config import health
from config.asgi import visitors
from config.health import AWAY, OK, UNMIGRATED, verdict
from config.wsgi import application as pages
from realtime.servers import shutdown
from tests.clients import eventually
from tests.procfile import status
from tests.server import private_postgres, private_redis, running_server


async def ask(path, *headers):
    """Status and body of what the ASGI application answers, as a load balancer asks: by an address, without TLS."""
    scope = {"type": "http", "method": "GET", "path": path, "headers": [(b"host", b"10.1.2.3:8000"), *headers]}
    communicator = ApplicationCommunicator(visitors, scope)
    await communicator.send_input({"type": "http.request"})
    start = await communicator.receive_output(5)
    body = await communicator.receive_output(5)
    return start["status"], json.loads(body["body"])


def ask_pages(path):
    """The same of the WSGI application."""
    started = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": path, "wsgi.input": BytesIO(), "SERVER_NAME": "x", "SERVER_PORT": "80"}
    body = b"".join(pages(environ, lambda line, headers: started.append(line)))
    return started[0], json.loads(body)


class HealthTests(TestCase):
    def test_alive_costs_no_query_and_needs_no_host_that_is_known(self):
        with self.assertNumQueries(0):
            self.assertEqual(async_to_sync(ask)("/healthz"), (200, {"status": "alive"}))
            self.assertEqual(ask_pages("/healthz"), ("200 OK", {"status": "alive"}))

    def test_ready_when_the_database_and_the_layer_answer(self):
        self.assertEqual(async_to_sync(ask)("/readyz"), (200, {"status": "ready", "database": OK, "layer": OK}))

    def test_pages_alone_are_ready_when_the_database_answers(self):
        self.assertEqual(ask_pages("/readyz"), ("200 OK", {"status": "ready", "database": OK}))

    def test_a_layer_that_is_away_degrades_and_does_not_fail(self):
        away = mock.Mock(group_send=mock.AsyncMock(side_effect=ConnectionError))
        with mock.patch("config.health.get_channel_layer", return_value=away):
            self.assertEqual(async_to_sync(ask)("/readyz"), (200, {"status": "degraded", "database": OK, "layer": AWAY}))

    def test_a_missing_migration_fails_until_it_is_there(self):
        with (
            mock.patch("config.health._is_migrated", False),
            mock.patch("config.health.MigrationExecutor.migration_plan", side_effect=[["one"], []]) as plan,
        ):
            self.assertEqual(health.database_state(), UNMIGRATED)
            self.assertEqual(verdict({"database": UNMIGRATED})[0], 503)
            self.assertEqual(health.database_state(), OK)
            self.assertEqual(health.database_state(), OK)
            self.assertEqual(plan.call_count, 2, "once it is migrated it stays so")

    def test_a_process_that_drains_takes_no_visitors(self):
        with mock.patch.object(shutdown, "_is_draining", True):
            self.assertEqual(verdict({"database": OK, "layer": OK})[0], 503)
            self.assertEqual(verdict({"database": OK, "layer": OK})[1]["status"], "draining")
            self.assertEqual(async_to_sync(ask)("/healthz")[0], 200, "and must not be killed for it")

    def test_nothing_is_told_of_what_went_wrong(self):
        with mock.patch("django.db.backends.utils.CursorWrapper.execute", side_effect=OperationalError("host db-7 refused")):
            code, body = async_to_sync(ask)("/readyz")
        self.assertEqual((code, body), (503, {"status": "not ready", "database": AWAY, "layer": OK}))

    def test_all_who_ask_at_the_same_time_share_one_look(self):
        async def ask_often():
            return await asyncio.gather(*(ask("/readyz") for _ in range(20)))

        async_to_sync(ask)("/readyz")
        with CaptureQueriesContext(health.connections["default"]) as queries:
            answers = async_to_sync(ask_often)()
        self.assertEqual({code for code, _ in answers}, {200})
        self.assertEqual(len(queries), 1)


@pytest.mark.services
class BrokenPartsTests(IsolatedAsyncioTestCase):
    async def test_without_redis_it_is_degraded_and_without_postgresql_not_ready(self):
        postgres = private_postgres()
        with private_redis() as redis, running_server(postgres.url, redis.url, checks_logs=False) as server:
            ready = f"{server.url}/readyz"
            await self.comes_to(ready, 200)
            redis.kill()
            self.assertEqual(await asyncio.to_thread(status, ready), 200)
            postgres.kill()
            await self.comes_to(ready, 503)
            self.assertEqual(await asyncio.to_thread(status, f"{server.url}/healthz"), 200)
            postgres.start()
            redis.start()
            await self.comes_to(ready, 200)

    async def comes_to(self, url, wanted):
        await eventually(lambda: status(url) == wanted, 30, what=f"{url} answers {wanted}")
