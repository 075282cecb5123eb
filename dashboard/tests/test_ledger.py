"""The ledger: what went in comes out, waits, is a known loss, or is missing."""

import time
from unittest import IsolatedAsyncioTestCase

import pytest
from channels.layers import InMemoryChannelLayer

from dashboard.layers import observe, observers
from dashboard.meter import meters
from dashboard.queries.leading import balance
from dashboard.queries.ledger import ledger, settle
from dashboard.tests.running import reporting

pytestmark = pytest.mark.once


class LedgerTests(IsolatedAsyncioTestCase):
    def setUp(self):
        meters.pop("test", None)
        self.addCleanup(observers.pop, "test", None)
        self.addCleanup(meters.pop, "test", None)
        self.layer = InMemoryChannelLayer(capacity=5)
        observe("test", self.layer)
        self.agent = self.enterContext(reporting())

    def entry(self, *, later=10):
        self.agent.beat()
        self.agent.store.now = lambda: time.time() + later
        try:
            return next(entry for entry in ledger(self.agent.store)["layers"] if entry["alias"] == "test")
        finally:
            del self.agent.store.now

    async def test_what_waits_is_not_missing_and_what_is_refused_is_a_known_loss(self):
        await self.layer.group_add("room", "specific.inmemory!slow")
        for _ in range(7):
            await self.layer.group_send("room", {"type": "x"})
        await self.layer.receive("specific.inmemory!slow")
        entry = self.entry()
        self.assertEqual((entry["sent"], entry["enqueued"], entry["received"], entry["waiting"]), (7, 5, 1, 4))
        self.assertEqual((entry["losses"], entry["unaccounted"]), ({"full": 2}, 0))

    async def test_what_vanishes_without_a_trace_is_missing_once_it_is_due(self):
        for _ in range(3):
            await self.layer.send("specific.inmemory!gone", {"type": "x"})
        self.layer.channels.clear()  # as when messages expire
        self.assertEqual(self.entry(later=0)["unaccounted"], 0)
        self.assertEqual(self.entry()["unaccounted"], 3)

    async def test_what_a_process_that_ended_took_along_is_put_down_to_it(self):
        await self.layer.send("specific.inmemory!gone", {"type": "x"})
        self.layer.channels.clear()
        self.assertEqual(self.entry()["unaccounted"], 1)
        self.agent.store.now = lambda: time.time() + 10
        settle(self.agent.store)
        del self.agent.store.now
        entry = self.entry()
        self.assertEqual((entry["unaccounted"], entry["gone"], entry["strange"]), (0, 1, 0))

    async def test_what_a_process_takes_along_amid_traffic_is_put_down_to_it_also_when_it_goes_on(self):
        store = self.agent.store
        for number in range(4):
            await self.layer.send(f"specific.inmemory!{number}", {"type": "x"})
        self.agent.beat()
        self.layer.channels.clear()  # gone with the process
        for _ in range(20):
            await self.layer.send("specific.inmemory!busy", {"type": "x"})
            await self.layer.receive("specific.inmemory!busy")
        self.agent.beat()
        self.assertFalse(settle(store))  # of the last seconds nobody can tell
        entry = self.entry()
        self.assertEqual((entry["unaccounted"], entry["gone"], entry["strange"]), (0, 4, 0))

    async def test_the_next_that_leads_closes_the_part_of_the_one_that_led(self):
        await self.layer.send("specific.inmemory!gone", {"type": "x"})
        self.layer.channels.clear()
        self.agent.beat()
        store = self.agent.store
        store.note("lost", boot="the one that led")
        for seconds, unaccounted in ((5, 1), (7, 0)):
            store.now = lambda later=seconds: time.time() + later
            balance(store)
            self.assertEqual(self.entry()["unaccounted"], unaccounted)

    async def test_what_nobody_reported_to_have_sent_is_told_apart(self):
        observers["test"].meter.count("received", 4)
        self.agent.beat()
        settle(self.agent.store)
        entry = self.entry()
        self.assertEqual((entry["unaccounted"], entry["gone"], entry["strange"]), (0, 0, 4))
