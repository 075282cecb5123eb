"""The commands of the README, the panel of the debug toolbar, and what is not for everybody's eyes."""

from io import StringIO
from types import SimpleNamespace

import pytest
from asgiref.sync import async_to_sync
from channels.layers import InMemoryChannelLayer
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import RequestFactory, SimpleTestCase

from dashboard.layers import observe, observers
from dashboard.meter import meters
from dashboard.tests.running import reporting
from dashboard.tests.stores import shared_store


class CommandTests(SimpleTestCase):
    def test_top_needs_a_store_that_others_can_read(self):
        with reporting(), self.assertRaisesMessage(CommandError, "without Redis"):
            call_command("channels_top", "--once")

    @pytest.mark.only_on("redis")
    def test_top_shows_processes_rates_and_groups(self):
        with shared_store() as store, reporting(store):
            out = StringIO()
            call_command("channels_top", "--once", stdout=out)
        self.assertIn("Connections 0", out.getvalue())
        self.assertIn("live", out.getvalue())

    def test_cost_says_what_it_costs(self):
        out = StringIO()
        call_command("channels_cost", "--seconds", "0", "--fan-out", "2", stdout=out)
        lines = out.getvalue().splitlines()
        self.assertEqual(len(lines), 10)
        self.assertRegex(lines[-1], r"fan-out +2 .* us .* % \(.* to .*\)")


class PanelTests(SimpleTestCase):
    def test_it_lists_what_a_request_sent(self):
        panels = pytest.importorskip("dashboard.panels")
        self.addCleanup(observers.pop, "panel", None)
        self.addCleanup(meters.pop, "panel", None)
        layer = InMemoryChannelLayer()
        observe("panel", layer)

        def view(request):
            async_to_sync(layer.group_send)("chat.room.1", {"type": "chat.said", "text": "<b>"})
            async_to_sync(layer.send)("jobs", {"type": "work"})
            return HttpResponse()

        recorded = {}
        panel = panels.ChannelsPanel(SimpleNamespace(), view)
        panel.record_stats = recorded.update
        request = RequestFactory().get("/")
        panel.generate_stats(request, panel.process_request(request))
        sends = [(send["what"], send["where"], send["type"]) for send in recorded["sends"]]
        self.assertEqual(sends, [("group_send", "chat.room.1", "chat.said"), ("send", "jobs", "work")])
        self.assertTrue(all(send["milliseconds"] >= 0 for send in recorded["sends"]))
        self.assertIn("chat.room.1", render_to_string("dashboard/panel.html", recorded))

        async_to_sync(layer.group_send)("chat.room.1", {"type": "chat.said"})
        self.assertEqual(len(recorded["sends"]), 2)  # not what is sent after the request
