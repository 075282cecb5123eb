"""The pages: who may see them, what they show, and that nothing anybody wrote is ever code on them."""

import asyncio
import json
import re
from unittest import mock

from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.db import connection
from django.test import AsyncClient, Client, TestCase, override_settings
from django.test.utils import CaptureQueriesContext

from dashboard import jobs, services
from dashboard.layers import observe, observers
from dashboard.meter import meters
from dashboard.permissions import ACTIONS, may
from dashboard.store import Unreachable
from dashboard.tap import open_tap, taps
from dashboard.tests.running import PATHS as LISTED
from dashboard.tests.running import person, reporting
from tests.pages import Page

PATHS = [*LISTED, "groups/chat.room.1/"]
EVIL = "x<script>alert(1)</script>\"'&"


class PageTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.staff = person("sid", is_staff=True)

    def setUp(self):
        meters.pop("pages", None)
        self.addCleanup(observers.pop, "pages", None)
        self.agent = self.enterContext(reporting())
        self.client.force_login(self.staff)

    def get(self, path, **parameters):
        return self.client.get(f"/dashboard/{path}", parameters)

    def with_groups(self, *names):
        """Members in groups of a layer of this process. Names that Channels would refuse go in by the back door."""
        layer = InMemoryChannelLayer()
        observe("pages", layer)
        for number, name in enumerate(names):
            layer.groups[name] = {f"specific.inmemory!{number}{member}": 0.0 for member in range(number + 1)}
        self.agent.beat()

    def test_every_page_is_there_and_has_nothing_inline(self):
        self.with_groups("chat.room.1")
        for path in PATHS:
            with self.subTest(path):
                answer = self.get(path)
                self.assertEqual(answer.status_code, 200)
                self.assertEqual(Page(answer.text).inline(), [])
                self.assertEqual(len(Page(answer.text).all("h1")), 1)

    def test_every_page_is_there_as_json_too(self):
        for path in PATHS:
            with self.subTest(path):
                answer = self.get(path, format="json")
                self.assertIsInstance(answer.json(), dict)

    def test_pages_ask_the_database_only_who_is_looking(self):
        services.record(self.staff, "drain", "daphne 1", "", "done")
        for path in PATHS:
            jobs.forget()
            with self.subTest(path), CaptureQueriesContext(connection) as queries:
                self.get(path)
            tables = [re.search(r'FROM "(\w+)"', query["sql"])[1] for query in queries]
            expected = ["django_session", "auth_user", "auth_permission", "auth_permission"]
            expected += 2 * ["dashboard_staffaction"] if path == "audit/" else []  # how many, and a page of them
            expected += ["realtime_job"] if path in {"channels/", "doctor/"} else []
            self.assertEqual([table for table in tables if table != "notifications_inbox"], expected)  # the shell's bell

    def test_strangers_are_asked_to_log_in_and_members_are_refused(self):
        for path in PATHS:
            with self.subTest(path):
                self.assertEqual(Client().get(f"/dashboard/{path}").status_code, 302)
        self.client.force_login(person("mia"))
        for path in [*PATHS, "history/points/"]:
            with self.subTest(path):
                self.assertEqual(self.get(path).status_code, 403)

    def test_a_member_with_the_permission_may_look(self):
        self.client.force_login(person("vic", "view"))
        self.assertEqual(self.get("").status_code, 200)

    def test_staff_alone_may_look_and_nothing_else(self):
        self.assertEqual([action for action in ACTIONS if may(self.staff, action)], ["view"])

    def test_whoever_may_not_look_may_do_nothing(self):
        self.assertFalse(may(person("dan", "disconnect"), "disconnect"))
        self.assertFalse(may(person("old", "view", "drain", is_staff=True, is_active=False), "drain"))

    def test_members_are_not_shown_the_way(self):
        self.assertContains(self.client.get("/"), 'href="/dashboard/"')
        self.client.force_login(person("mia"))
        self.assertNotContains(self.client.get("/"), 'href="/dashboard/"')

    def test_names_of_groups_are_text(self):
        self.with_groups(EVIL)
        for path in ["", "groups/", f"groups/{EVIL}/"]:
            with self.subTest(path):
                html = self.get(path).text
                self.assertNotIn("<script>alert", html)
                self.assertIn("x&lt;script&gt;alert", html)

    def test_who_disconnects_can_say_why_on_every_page_with_the_button(self):
        self.with_groups("chat.room.1")
        self.client.force_login(person("dan", "disconnect", "drain", is_staff=True))
        forms = {"groups/chat.room.1/": "member-form", "connections/": "socket-form", "processes/": "drain-form"}
        for path, form in forms.items():
            with self.subTest(path):
                self.assertRegex(self.get(path).text, rf'(?s)<form id="{form}"(?:(?!</form>).)*name="reason"')

    def test_what_messages_say_is_text(self):
        self.with_groups("room")
        self.addCleanup(taps.clear)
        open_tap("room", with_values=True)
        taps["room"].take({"type": "x", "text": "<img src=x onerror=alert(1)>"})
        self.client.force_login(person("pat", "peek", is_staff=True))
        html = self.get("groups/room/").text
        self.assertNotIn("<img src=x", html)
        self.assertIn("&lt;img src=x", html)

    def test_values_that_somebody_taps_are_shapes_to_who_may_not_peek(self):
        self.addCleanup(taps.clear)
        open_tap("room", with_values=True)
        taps["room"].take({"type": "x", "text": "our secret plan"})
        for parameters in ({}, {"format": "json"}):
            self.assertNotIn("secret plan", self.get("groups/room/", **parameters).text)
            self.assertIn("text, 15", self.get("groups/room/", **parameters).text)
        self.client.force_login(person("pat", "peek", is_staff=True))
        self.assertIn("our secret plan", self.get("groups/room/").text)

    def test_a_tap_and_a_group_that_is_nothing_but_tapped_are_gone_after_a_minute(self):
        self.addCleanup(taps.clear)
        open_tap("nobody.here", with_values=False)
        self.agent.beat()
        self.assertEqual(self.get("groups/", format="json", q="nobody.here").json()["total"], 1)
        taps["nobody.here"].until = 0
        self.assertIsNone(self.get("groups/nobody.here/", format="json").json()["group"]["tap"])
        open_tap("nobody.here", with_values=False)
        taps["nobody.here"].until = 0
        self.agent.beat()
        self.assertEqual(self.get("groups/", format="json", q="nobody.here").json()["total"], 0)

    def test_groups_are_searched_sorted_and_paged(self):
        self.with_groups(*[f"paged.room.{number}" for number in range(120)], "paged other")
        listing = self.get("groups/", format="json", q="paged").json()
        self.assertEqual(listing["total"], 121)
        self.assertEqual([row["members"] for row in listing["rows"]][:3], [121, 120, 119])
        self.assertEqual(len(listing["rows"]), 50)
        second = self.get("groups/", format="json", q="paged", page=2).json()["rows"]
        self.assertEqual(second[0]["members"], 71)
        found = self.get("groups/", format="json", q="ROOM.11", sort="name").json()
        self.assertEqual([row["name"] for row in found["rows"]][:2], ["paged.room.11", "paged.room.110"])
        self.assertEqual(self.get("groups/", format="json", **{"class": "paged other"}).json()["total"], 1)

    def test_senseless_parameters_mean_the_first_page(self):
        for parameters in [
            {"page": "-3"},
            {"page": "x"},
            {"page": "9" * 30},
            {"sort": "password"},
            {"order": "\0"},
            {"q": "%" * 9},
        ]:
            with self.subTest(parameters):
                self.assertEqual(self.get("groups/", **parameters).status_code, 200)
        self.assertEqual(self.get("history/", range="forever").context["range"], "1h")
        self.assertEqual(self.get("audit/", page="nine").status_code, 200)

    def test_a_store_that_is_away_is_told_on_the_page(self):
        with mock.patch("dashboard.store.local.LocalStore.processes", side_effect=Unreachable("gone")):
            answer = self.get("")
        self.assertContains(answer, "does not answer")

    async def test_the_stream_is_for_those_who_may_look(self):
        client = AsyncClient()
        self.assertEqual((await client.get("/dashboard/stream/", {"page_name": "overview"})).status_code, 403)
        await client.aforce_login(self.staff)
        self.assertEqual((await client.get("/dashboard/stream/", {"page_name": "no such page"})).status_code, 404)
        self.assertRegex((await client.get("/dashboard/")).text, 'data-stream="/dashboard/stream/')

    def test_under_wsgi_there_is_no_stream_and_no_page_asks_for_one(self):
        self.assertEqual(self.get("stream/", page_name="overview").status_code, 204)
        self.assertIn('data-stream=""', self.get("").text)

    def test_a_list_that_is_sorted_is_still_the_same_list(self):
        links = self.get("connections/", user="ann", q="room", process="x", sort="age").context["links"]
        self.assertEqual(links["buffered"], "?q=room&user=ann&process=x&sort=buffered")

    def test_browsers_that_do_not_keep_up_are_counted_beyond_those_that_are_shown(self):
        slow = [{"user": "", "path": "", "consumer": "", "app": "", "age": 9, "buffered": 70_000}] * 130
        with (
            mock.patch("dashboard.answers.all_connections", return_value=slow),
            mock.patch("dashboard.answers.describe", lambda row, _: row),
        ):
            self.assertContains(self.get("connections/"), "130 browsers do not keep up")

    def test_numbers_have_an_explanation(self):
        html = self.get("").text
        self.assertEqual(len(re.findall('class="why"', html)), len(re.findall('class="tile"', html)))


class StreamTests(TestCase):
    async def test_it_says_how_it_was_how_it_is_and_what_the_page_looks_like(self):
        client = AsyncClient()
        await client.aforce_login(await sync_to_async(person)("sid", is_staff=True))
        with reporting():
            answer = await client.get("/dashboard/stream/", {"page_name": "overview"})
            self.assertEqual(answer["Content-Type"], "text/event-stream")
            events = [event async for event in first_events(answer, 4)]
        self.assertEqual([name for name, _ in events], ["series", "tick", "live", "tick"])
        self.assertEqual(len(events[0][1]["points"]), 300)
        self.assertIn("Connections", events[2][1]["html"])
        self.assertEqual(events[1][1]["point"]["t"] + 1, events[3][1]["point"]["t"])

    async def test_what_happens_while_somebody_looks_is_told_with_the_ticks(self):
        client = AsyncClient()
        await client.aforce_login(await sync_to_async(person)("sid", is_staff=True))
        with reporting() as agent:
            answer = await client.get("/dashboard/stream/", {"page_name": "overview"})
            events = first_events(answer, 2)
            await anext(events)
            agent.store.note("lost", boot="b", who="daphne 7 on h")
            name, tick = await anext(events)
        self.assertEqual(name, "tick")
        self.assertIn("Process daphne 7 on h was lost", [mark["text"] for mark in tick["marks"]])

    async def test_it_ends_with_the_session(self):
        client = AsyncClient()
        await client.aforce_login(await sync_to_async(person)("sid", is_staff=True))
        with reporting(), mock.patch("dashboard.views.stream.RIGHTS_SECONDS", 0):
            answer = await client.get("/dashboard/stream/", {"page_name": "processes"})
            events = aiter(answer.streaming_content)
            await anext(events)
            await client.alogout()
            async with asyncio.timeout(10):
                rest = [event async for event in events]
        self.assertLess(len(rest), 5)

    async def test_it_ends_when_the_right_to_look_does(self):
        client = AsyncClient()
        staff = await sync_to_async(person)("sid", is_staff=True)
        await client.aforce_login(staff)
        with reporting(), mock.patch("dashboard.views.stream.RIGHTS_SECONDS", 0):
            answer = await client.get("/dashboard/stream/", {"page_name": "processes"})
            events = aiter(answer.streaming_content)
            await anext(events)
            staff.is_staff = False
            await staff.asave()
            async with asyncio.timeout(10):
                rest = [event async for event in events]
        self.assertLess(len(rest), 5)

    async def test_a_right_that_is_taken_away_is_gone_from_an_open_page(self):
        client = AsyncClient()
        staff = await sync_to_async(person)("pat", "peek", is_staff=True)
        await client.aforce_login(staff)
        self.addCleanup(taps.clear)
        open_tap("room", with_values=True)
        taps["room"].take({"type": "x", "text": "our secret plan"})
        with reporting(), mock.patch("dashboard.views.stream.RIGHTS_SECONDS", 0):
            answer = await client.get("/dashboard/stream/", {"page_name": "group", "argument_group": "room"})
            pages = (data["html"] async for name, data in first_events(answer, 20) if name == "live")
            self.assertIn("our secret plan", await anext(pages))
            await staff.user_permissions.aclear()
            async with asyncio.timeout(10):
                self.assertNotIn("our secret plan", await anext(pages))


async def first_events(answer, number):
    async for chunk in answer.streaming_content:
        if chunk.startswith(b"event: "):
            head, data = chunk.decode().strip().split("\n", 1)
            yield head.removeprefix("event: "), json.loads(data.removeprefix("data: "))
            number -= 1
            if not number:
                return


class MetricsTests(TestCase):
    def setUp(self):
        self.agent = self.enterContext(reporting())

    @override_settings(DASHBOARD={"METRICS_TOKEN": "right", "AGENT": False})
    def test_it_is_for_the_token_and_for_staff(self):
        for headers, status in [({}, 401), ({"Authorization": "Bearer wrong"}, 401), ({"Authorization": "Bearer right"}, 200)]:
            self.assertEqual(Client(headers=headers).get("/dashboard/metrics").status_code, status)
        self.client.force_login(person("sid", is_staff=True))
        self.assertEqual(self.client.get("/dashboard/metrics").status_code, 200)

    @override_settings(DASHBOARD={"METRICS_TOKEN": "", "AGENT": False})
    def test_without_a_token_in_the_settings_an_empty_one_opens_nothing(self):
        self.assertEqual(Client(headers={"Authorization": "Bearer "}).get("/dashboard/metrics").status_code, 401)

    def test_it_is_open_metrics(self):
        from dashboard.meter import meter_of

        meter_of("default").add('chat.room.1"\n', 1, 2, 30)
        with mock.patch("dashboard.hubs.counters", return_value={"hints_lost": 3}):
            self.agent.beat()
        self.client.force_login(person("sid", is_staff=True))
        answer = self.client.get("/dashboard/metrics")
        self.assertTrue(answer["Content-Type"].startswith("application/openmetrics-text"))
        lines = answer.text.splitlines()
        self.assertEqual(lines[-1], "# EOF")
        sample = re.compile(r'[a-z_]+(\{[a-z_]+="([^"\\\n]|\\.)*"(,[a-z_]+="([^"\\\n]|\\.)*")*\})? -?[0-9.e+-]+')
        typed = {}
        for line in lines[:-1]:
            if line.startswith("# TYPE "):
                _, _, name, kind = line.split()
                self.assertNotIn(name, typed)
                typed[name] = kind
            elif not line.startswith("# HELP "):
                self.assertRegex(line, f"^{sample.pattern}$")
                name = re.split(r"[ {]", line)[0]
                self.assertTrue(any(name.startswith(family) for family in typed), name)
                if typed.get(name.removesuffix("_total")) == "counter":
                    self.assertTrue(name.endswith("_total"))
        self.assertIn('channels_messages_lost_total{layer="default",kind="hints"} 3\n', answer.text)
        self.assertNotIn("chat.room.1", answer.text)
        self.assertIn('class="chat.room.*', answer.text)
