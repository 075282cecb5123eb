"""Kill, stop, empty and restart whatever the suite stands on: no socket closes that need not, and nothing is lost or doubled.

What has to wait for half a minute is played at the same time, each scenario on servers of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from unittest import IsolatedAsyncioTestCase

import pytest
from redis import Redis
from websockets.asyncio.client import connect

from realtime.backing import RedisServer
from tests.clients import MESSAGES, Client, eventually
from tests.proxy import Proxy
from tests.server import RunningServer, private_postgres, private_redis, running_server

pytestmark = pytest.mark.services

ACK_SECONDS = 2  # whatever is broken, as long as the database is not
TICK_SECONDS = 20  # how late a change may be whose hint was lost
PRESENCE_SECONDS = 30  # how late the people of a killed process go
IDLE_SECONDS = 30
PLAY_SECONDS = 150  # for all scenarios together


def rows_of(server: RunningServer, room: str = "lobby") -> list[tuple]:
    return server.rows(MESSAGES.format(server.rooms[room]["id"]))


async def check(server: RunningServer, *clients: Client, seconds: float = TICK_SECONDS) -> None:
    """Everything typed is acked and stored once, in the order it was typed, and every screen is what is stored."""
    await eventually(lambda: not any(client.waiting for client in clients), seconds, what="everything is acked")
    rows = rows_of(server)
    for client in clients:
        await eventually(lambda client=client: not client.unlike(rows), seconds, what=f"{client.name} has caught up")
    stored = {pk: rev for pk, _, rev, _ in rows}
    bodies = [body for *_, body in rows]
    assert len(bodies) == len(set(bodies)), f"doubled: {bodies}"
    assert [seq for _, seq, _, _ in rows] == list(range(1, len(rows) + 1)), "places have gaps"
    for client in clients:
        for ack in client.acks.values():
            assert stored.get(ack["id"]) == ack["rev"], f"acked and not stored: {ack}"
        own = [body for body in bodies if body.startswith(f"{client.name} ")]
        assert own == sorted(own), f"out of order: {own}"
        assert client.feed().repeated == 0, f"{client.name} was told the same twice"


class Typist:
    """Types a numbered line now and then, which `check` finds again."""

    def __init__(self, client: Client):
        self.client, self.number = client, 0

    def line(self) -> str:
        self.number += 1
        return self.client.say(f"{self.client.name} {self.number:03}")

    async def keep_typing(self, seconds: float, pause: float = 1.0) -> None:
        """One line a second is what the limit lets through for ever."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.line()
            await asyncio.sleep(pause)


@asynccontextmanager
async def tabs(server: RunningServer, **at: int) -> AsyncIterator[list[Client]]:
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(Client(server, name, at=i)) for name, i in at.items()]


# Scenarios


async def a_killed_process(stack: ExitStack) -> None:
    """Its clients move and lose nothing; who did not come back leaves presence in time."""
    redis = stack.enter_context(private_redis())
    server = await start(stack, private_postgres().url, redis.url, processes=2)
    async with tabs(server, ann=0, bob=0, dan=1) as (ann, bob, dan):
        gone = Client(server, "eve", urls=[server.urls[0]])
        async with gone:
            await eventually(lambda: {"ann", "bob", "eve"} <= dan.people(), what="dan sees all of them")
            typists = [Typist(client) for client in (ann, bob, dan)]
            typing = [asyncio.create_task(typist.keep_typing(4, pause=0.4)) for typist in typists]
            await dan.shows("bob 002")
            killed_at = time.monotonic()
            await asyncio.to_thread(server.kill, 0)
            await asyncio.gather(*typing)
            await check(server, ann, bob, dan)
            assert (ann.closes, bob.closes, dan.closes) == ([1006], [1006], []), (ann.closes, bob.closes, dan.closes)
            seconds_left = killed_at + PRESENCE_SECONDS - time.monotonic()
            await eventually(lambda: "eve" not in dan.people(), seconds_left, what="eve leaves")
            assert {"ann", "bob", "dan"} <= dan.people()
            left = [person["name"] for frame in dan.frames for person in frame.get("left", [])]
            assert left == ["eve"], f"who moved has not been away: {left}"


async def redis_killed_for_ten_seconds(stack: ExitStack) -> None:
    redis = stack.enter_context(private_redis())
    server = await start(stack, private_postgres().url, redis.url, processes=2)
    async with tabs(server, ann=0, bob=0, dan=1) as (ann, bob, dan):
        typist = Typist(ann)
        await ann.acked(typist.line())
        await asyncio.to_thread(redis.kill)
        await typist.keep_typing(10)
        await bob.shows(f"ann {typist.number:03}", ACK_SECONDS)  # on the same process nothing is late
        async with Client(server, "eve", at=1) as eve:  # a page that is opened meanwhile
            await asyncio.to_thread(redis.start)
            await check(server, ann, bob, dan, eve)
            await hints_flow(ann, dan)
            assert eve.closes == []
        assert max(ann.ack_seconds.values()) < ACK_SECONDS, ann.ack_seconds
        assert (ann.closes, bob.closes, dan.closes) == ([], [], [])


async def redis_frozen_for_six_seconds(stack: ExitStack) -> None:
    await break_redis(stack, lambda redis: redis.pause(), 6, lambda redis: redis.resume())


async def redis_restarted_empty(stack: ExitStack) -> None:
    await break_redis(stack, lambda redis: redis.kill(), 0, lambda redis: redis.start())


async def redis_flushed(stack: ExitStack) -> None:
    await break_redis(stack, flush, 0, lambda redis: None)


async def break_redis(stack: ExitStack, break_it: Callable, seconds: float, mend_it: Callable) -> None:
    redis = stack.enter_context(private_redis())
    server = await start(stack, private_postgres().url, redis.url, processes=2)
    async with tabs(server, ann=0, dan=1) as (ann, dan):
        typist = Typist(ann)
        await ann.acked(typist.line())
        await asyncio.to_thread(break_it, redis)
        await typist.keep_typing(seconds)
        await ann.acked(typist.line())
        await asyncio.to_thread(mend_it, redis)
        await check(server, ann, dan)
        await hints_flow(ann, dan)
        assert max(ann.ack_seconds.values()) < ACK_SECONDS, ann.ack_seconds
        assert (ann.closes, dan.closes) == ([], [])


async def an_idle_socket_on_redis(stack: ExitStack) -> None:
    """With redis-py 8 and a timeout left to chance, a socket that hears nothing for 5 s is lost."""
    redis = stack.enter_context(private_redis())
    server = await start(stack, None, redis.url)
    headers = {"Cookie": f"sessionid={server.people['ann']['session']}"}
    url = server.url.replace("http", "ws") + "/ws/"
    async with connect(url, origin=server.url, additional_headers=headers, ping_interval=None) as socket:
        await socket.send('{"type": "realtime.feeds.resume", "feeds": {"chat.room.1": {}}}')
        waiting = asyncio.create_task(socket.wait_closed())
        await asyncio.wait([waiting], timeout=IDLE_SECONDS)
        assert not waiting.done(), f"closed with {socket.close_code}"
        waiting.cancel()


async def a_shell_beside_sqlite(stack: ExitStack) -> None:
    """Nobody carries a hint between processes there: the tick finds what was written."""
    server = await start(stack, None, None)
    lobby = server.rooms["lobby"]["id"]
    code = (
        "from django.contrib.auth.models import User; from chat import services;"
        f"services.post_message(services.Draft({lobby}, User.objects.get(username='ann'), 'from a shell'))"
    )
    async with tabs(server, bob=0) as (bob,):
        await asyncio.to_thread(server.run, code)
        await bob.shows("from a shell", TICK_SECONDS)
        await check(server, bob)


async def a_faulty_layer(stack: ExitStack) -> None:
    """Hints lost, doubled and late never show; a lost last message is found by the tick."""
    redis = stack.enter_context(private_redis())
    faults = {"DJANGO_SETTINGS_MODULE": "tests.settings_faulty", "FAULTY_SEED": "7"}
    server = await start(stack, private_postgres().url, redis.url, processes=2, **faults)
    async with tabs(server, ann=0, bob=0, dan=1, eve=1) as clients:
        typists = [Typist(client) for client in clients]
        await asyncio.gather(*(typist.keep_typing(3, pause=0.3) for typist in typists))
        await check(server, *clients)
        await clients[0].said("lost on the way")
        await clients[1].shows("lost on the way", ACK_SECONDS)
        assert "lost on the way" not in clients[2].bodies()
        await check(server, *clients)
        for client in clients:
            assert client.feed().order == sorted(client.feed().order)
            assert client.feed().skipped == 0, f"{client.name} saw a gap"


SCENARIOS = [
    a_killed_process,
    redis_killed_for_ten_seconds,
    redis_frozen_for_six_seconds,
    redis_restarted_empty,
    redis_flushed,
    an_idle_socket_on_redis,
    a_shell_beside_sqlite,
    a_faulty_layer,
]


async def start(stack: ExitStack, *args: str | None, **options) -> RunningServer:
    server = await asyncio.to_thread(stack.enter_context, running_server(*args, **options))
    return server


async def hints_flow(sender: Client, reader: Client) -> None:
    """The layer carries again: what is said arrives at once, not with the next tick. It may take a moment to connect."""
    for attempt in range(5):
        ack = await sender.said(f"hint {time.monotonic()}")
        try:
            await eventually(lambda ack=ack: reader.feed().rev >= ack["rev"], 1)
        except AssertionError:
            if attempt == 4:
                raise
        else:
            return


def flush(redis: RedisServer) -> None:
    with Redis.from_url(redis.url) as client:
        client.flushall()


@pytest.fixture(scope="module")
def outcomes() -> dict[Callable, BaseException | None]:
    """All scenarios, played at the same time."""

    async def play(scenario) -> None:
        with ExitStack() as stack:
            await scenario(stack)

    async def play_all() -> list[BaseException | None]:
        async with asyncio.timeout(PLAY_SECONDS):
            return await asyncio.gather(*(play(scenario) for scenario in SCENARIOS), return_exceptions=True)

    private_postgres()
    return dict(zip(SCENARIOS, asyncio.run(play_all()), strict=True))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_nothing_is_lost_with(scenario, outcomes):
    if outcomes[scenario]:
        raise outcomes[scenario]


class TwoProcessesTests(IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        redis = cls.enterClassContext(private_redis())
        cls.server = cls.enterClassContext(running_server(private_postgres().url, redis.url, processes=2))

    def tearDown(self):
        self.server.check_logs()

    async def test_a_process_that_is_asked_to_end_says_goodbye(self):
        async with AsyncExitStack() as stack:
            here = [await stack.enter_async_context(Client(self.server, name, at=0)) for name in ("ann", "bob", "cat") * 4]
            dan = await stack.enter_async_context(Client(self.server, "dan", at=1))
            await eventually(lambda: {"ann", "bob", "cat"} <= dan.people())
            typist = Typist(here[0])
            typing = asyncio.create_task(typist.keep_typing(3, pause=0.4))
            status = await asyncio.to_thread(self.server.terminate, 0)
            self.assertEqual(status, 0)
            processes = self.server.rows("SELECT pid FROM realtime_process")
            self.assertEqual(processes, [(self.server.pids[1],)], "its lease and its people are gone at once")
            await typing
            await check(self.server, *here, dan)
            for client in here:
                self.assertEqual(client.closes, [4012])
                self.assertEqual(client.heard("realtime.bye")["code"], 4012)
            self.assertEqual(dan.closes, [])
            await asyncio.to_thread(self.server.restart, 0)

    async def test_an_ack_that_is_lost_does_not_double_a_message(self):
        async with Proxy(self.server.urls[0]) as network, Client(self.server, "eve", urls=[network.url]) as eve:
            network.is_deaf = True
            client_id = eve.say("once")
            (stored,) = await eventually(lambda: [row for row in rows_of(self.server) if row[3] == "once"])
            await eventually(lambda: network.swallowed)
            self.assertEqual(eve.acks, {})
            network.is_deaf = False
            network.cut()
            ack = await eve.acked(client_id)
            self.assertEqual((ack["id"], ack["rev"]), (stored[0], stored[2]))
            self.assertEqual((eve.closes, eve.opened), ([1006], 2))
            await check(self.server, eve)

    async def test_a_database_that_restarts_costs_no_socket_and_no_message(self):
        async with tabs(self.server, fay=0, gus=1) as clients:
            typists = [Typist(client) for client in clients]
            typing = [asyncio.create_task(typist.keep_typing(5)) for typist in typists]
            await asyncio.to_thread(private_postgres().restart, immediate=True)
            async with Client(self.server, "hal") as hal:  # a page that is opened right after
                await asyncio.gather(*typing)
                await check(self.server, *clients, hal)
            for client in clients:
                self.assertEqual(client.closes, [])
                self.assertLessEqual({error["code"] for error in client.errors}, {"retry_later", "rate_limited"})
