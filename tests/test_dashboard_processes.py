"""The dashboard beside real processes that are stopped and killed: who is there, what was lost, and that it all adds up."""

import os
from contextlib import AsyncExitStack
from unittest import IsolatedAsyncioTestCase

import pytest

from dashboard.queries.groups import Query, group, groups
from dashboard.queries.ledger import ledger
from dashboard.queries.processes import processes
from dashboard.store.shared import SharedStore
from tests.clients import Client, eventually
from tests.server import private_postgres, private_redis, running_server

pytestmark = pytest.mark.services

PREFIX = f"{{{os.environ.get('REDIS_PREFIX', 'backchannel')}-dashboard}}:"  # as the servers have it
REPORT_SECONDS = 5  # a beat, and some for a busy machine
LOST_SECONDS = 15  # the lease is ten; a neighbour on the same machine sees it sooner
SETTLED_SECONDS = 20  # the ledger closes the part of a process six seconds after its end


class StaffWatches(IsolatedAsyncioTestCase):
    def setUp(self):
        self.redis = self.enterContext(private_redis())
        self.server = self.enterContext(running_server(private_postgres().url, self.redis.url, processes=3))
        self.store = SharedStore(self.redis.url, PREFIX)
        self.addCleanup(self.store.close)
        self.feed = self.server.rooms["lobby"]["feed"]

    def states(self):
        return {row["pid"]: row["state"] for row in processes(self.store)}

    def leader(self):
        """The pid of the server that leads: of the first, or of whoever took over."""
        pids = {row["boot"]: row["pid"] for row in self.store.processes()}
        return pids.get(self.store.redis.get(f"{PREFIX}leader"))

    def members(self):
        return {process["name"]: process["members"] for process in group(self.store, self.feed)["by_process"]}

    def entry(self):
        return next(entry for entry in ledger(self.store)["layers"] if entry["alias"] == "default")

    def all_hear_themselves(self):
        heard = [row["layers"]["default"]["canary"] for row in self.store.processes()]
        return [set(ways) for ways in heard] == 3 * [{"send", "group"}] and not any(None in ways.values() for ways in heard)

    async def say(self, *clients):
        for number in range(10):
            for client in clients:
                await client.said(f"{client.name} {number}")

    async def balanced(self, seconds):
        def is_balanced():
            entry = self.entry()
            return entry["unaccounted"] == 0 and entry["received"] == entry["enqueued"] - entry["gone"] + entry["strange"]

        await eventually(is_balanced, seconds, what="the ledger balances")

    async def test_a_process_is_seen_to_stand_still_to_die_and_the_ledger_balances(self):
        names = [("ann", 0), ("bob", 1), ("cat", 1), ("dan", 2)]
        async with AsyncExitStack() as stack:
            ann, *others = [await stack.enter_async_context(Client(self.server, name, at=at)) for name, at in names]
            first, second, third = self.server.pids
            wanted = {f"daphne {first}": 1, f"daphne {second}": 2, f"daphne {third}": 1}
            await eventually(lambda: self.members() == wanted, REPORT_SECONDS, what="members are the live sockets")
            await self.say(ann, *others)
            await eventually(lambda: self.entry()["sent"] >= 40, REPORT_SECONDS, what="all that was said is reported")
            await self.balanced(REPORT_SECONDS)
            self.assertEqual(self.entry()["lost"], 0)
            listed = groups(self.store, Query(search="chat.room"))
            self.assertEqual((listed.answered, listed.asked), (3, 3))
            self.assertEqual(next(row["members"] for row in listed.rows if row["name"] == self.feed), 4)

            await eventually(self.all_hear_themselves, REPORT_SECONDS, what="each process hears its own canary")

            self.server.stop(1)
            await eventually(lambda: self.states()[second] == "stalled", REPORT_SECONDS + 3, what="it is seen to stand still")
            self.server.cont(1)
            await eventually(lambda: self.states()[second] == "live", REPORT_SECONDS, what="it is seen to go on")

            # The one that closes the ledger for others, while everybody talks.
            leader = await eventually(self.leader, REPORT_SECONDS, what="one leads")
            for number in range(20):
                for client in (ann, *others):
                    client.say(f"{client.name} goes on {number}")
            self.server.kill(self.server.pids.index(leader))
            await eventually(lambda: self.states()[leader] == "lost", LOST_SECONDS, what="it is seen to be gone")
            # Those who were on it come back to another.
            await eventually(lambda: sum(self.members().values()) == 4, LOST_SECONDS, what="members are the live sockets again")
            self.assertNotIn(f"daphne {leader}", self.members())
            await self.say(ann)
            await self.balanced(SETTLED_SECONDS)
        await eventually(lambda: not self.members(), REPORT_SECONDS, what="nobody is left")
