"""The dashboard in the reader's language, which several viewers of one page need not share; rows, logs and metrics in none."""

import asyncio
import json
import re
import time
from contextlib import ExitStack
from io import StringIO
from types import SimpleNamespace
from unittest import mock

from asgiref.sync import sync_to_async
from channels.layers import InMemoryChannelLayer
from django.conf import settings
from django.core.management import call_command
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.test import AsyncClient, TestCase, override_settings
from django.urls import include, path
from django.utils import translation

from dashboard import alerts, services
from dashboard.layers import observe, observers
from dashboard.meter import meter_of, meters
from dashboard.models import StaffAction
from dashboard.queries import (
    channels,
    doctor,
    doctor_jobs,
    doctor_layers,
    doctor_processes,
    doctor_redis,
    groups,
    numbers,
    overview,
)
from dashboard.queries.connections import CODES
from dashboard.services import Refused
from dashboard.store import Unreachable
from dashboard.tap import open_tap, taps
from dashboard.tests.running import PATHS, person, reporting
from dashboard.tests.test_pages import first_events
from dashboard.words import SAID
from tests.languages import PSEUDO, leftovers, outside_of_brackets, pseudo_language
from tests.pages import Page

GERMAN = {"Accept-Language": "de"}
# Names of things, and what stands for a unit in any language.
DATA = [
    "boss",
    "ann",
    "chat.room.1",
    "chat.room.*",
    "crowd.room.",
    "specific.inmemory!",
    "chat",
    "pages",
    "jobs",
    "else",
    "publish",
    "default",
]
UNITS = ["min", "ms", "kB", "MB", "GB", "p50", "p95", "p99"]
ALERTS = {
    "lost": {"rate": 0.25},
    "lag": {"seconds": 1.5},
    "p99": {"milliseconds": 12.5},
    "fill": {"share": 0.95},
    "buffer": {"bytes": 2_000_000},
    "processes": {"stalled": 1, "lost": 2},
}
EVENTS = ["deploy", "started", "stopped", "lost", "returned", "alert ended"]
SOCKET = {
    "channel": "c",
    "consumer": "chat",
    "app": "chat",
    "path": "/ws/",
    "frames_in": 1,
    "frames_out": 2,
    "bytes_out": 3,
    "buffered": 70_000,
}
REDIS = {
    "name": "redis",
    "info": {"redis_version": "7", "uptime_in_seconds": 5000, "used_memory": 1_500_000, "maxmemory": 3, "evicted_keys": 4},
    "memory_share": 12.5,
    "commands": [{"name": "publish", "calls": 1234567, "microseconds": 1.5}],
    "pubsub_clients": [{"name": "redis", "subscribed": 1, "held": 9_000_000}],
    "slow": [{"command": "zadd", "milliseconds": 12.5, "at": 1}],
    "limit": "",
    "own": {"bytes": 1500, "keys": 3},
}
urlpatterns = [
    path("words/", lambda request: HttpResponse(), name="javascript-catalog"),
    path("", include("config.urls")),
]


def a_world(agent):
    """Something of each kind."""
    layer = InMemoryChannelLayer()
    observe("pages", layer)
    names = ["chat.room.1", *(f"crowd.room.{number}" for number in range(60))]
    layer.groups |= {name: {f"specific.inmemory!{name}{member}": 0.0 for member in range(3)} for name in names}
    observers["pages"].named["jobs"] = SimpleNamespace(sent=3, full=1, received=2, waiting=0)
    for kind in [*numbers.LOSSES, "else"]:
        meter_of("pages").count(f"lost.{kind}", 3)
    meter_of("pages").count("nobody")
    meter_of("pages").count("reconnects")
    meter_of("pages").add("chat.room.1", 1, 3, 1500)
    agent.beat()
    store = agent.store
    for kind in EVENTS:
        store.note(kind, boot="jobs", who="jobs", name="jobs", version="7")
    for name, facts in ALERTS.items():
        store.note("alert", name=name, facts=json.dumps(facts))
    store.remember("alerts", {name: {"since": 1.0, "last": 2.0, "facts": facts} for name, facts in ALERTS.items()})
    store.now = lambda: time.time() + 1  # seconds are shown when they are over
    open_tap("chat.room.1", with_values=True)
    taps["chat.room.1"].take({"type": "x", "text": "ann"})


def sockets(*args):
    rows = [{**SOCKET, "id": f"c{number}", "user": "ann" * (number % 2), "age": 1.5, "buffered": 70_000} for number in range(130)]
    return mock.patch.multiple("dashboard.answers", all_connections=lambda: rows, describe=lambda row, now: dict(row))


class WordsCase(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.boss = person("boss", is_staff=True, is_superuser=True)

    def setUp(self):
        self.enterContext(translation.override("en-gb"))  # a request leaves its language to the thread
        for kept in (observers, meters, taps):  # of other tests
            self.enterContext(mock.patch.dict(kept, clear=True))
        self.agent = self.enterContext(reporting())
        self.client.force_login(self.boss)

    def get(self, path="", headers=PSEUDO):
        return self.client.get(f"/dashboard/{path}", headers=headers).content.decode()

    def lacking(self, html):
        """What is not translated of a page, without the shell's header, which has words of other apps."""
        before, _, rest = html.partition('<header class="site-header">')
        html = re.sub(r"(?s)<pre>.*?</pre>|(<textarea[^>]*>)[^<]*", r"\1", before + rest.partition("</header>")[2])
        (row,) = self.agent.store.processes()
        names = [row["role"], row["host"], *row["versions"], *row["versions"].values(), row["version"] or "–"]
        return leftovers(html, [*DATA, *UNITS, *names])


class PageTests(WordsCase):
    def test_every_word_of_full_pages_can_be_translated(self):
        a_world(self.agent)
        for action in ("broadcast", "disconnect", "drain", "peek", "tap"):
            for _ in range(11):
                services.record(self.boss, action, "jobs", "", "")
        filters = "connections/?user=ann&app=chat&consumer=chat&process=jobs&q=a"
        more = ["groups/chat.room.1/", "groups/?page=2", "audit/?page=2", "history/?range=7d", filters]
        with pseudo_language(), sockets(), mock.patch("dashboard.queries.redis.facts", return_value=REDIS):
            for place in [*PATHS, *more]:
                with self.subTest(place):
                    html = self.get(place)
                    self.assertIn("⟦", html)
                    self.assertEqual(self.lacking(html), [])

    def test_every_word_of_empty_pages_can_be_translated(self):
        with pseudo_language():
            for place in [*PATHS, "groups/jobs/", "groups/?q=jobs", "connections/?q=jobs"]:
                with self.subTest(place):
                    self.assertEqual(self.lacking(self.get(place)), [])
            with mock.patch("dashboard.store.local.LocalStore.processes", side_effect=Unreachable("jobs")):
                html = self.get()
            self.assertIn("jobs", html)
            self.assertEqual(self.lacking(html), [])

    def test_every_word_about_what_is_seldom_seen_can_be_translated(self):
        layer = {"alias": "jobs", "exactness": "limited", "losses": {}, "capacity": 0}
        layer |= dict.fromkeys(("unaccounted", "gone", "strange", "nobody", "reconnects"), 1)
        layers = [{**layer, "kind": kind} for kind in ("in memory", "Redis, one inbox per process", "Redis pub/sub", "unknown")]
        process = {"name": "jobs", "connections": 2, "rss": None, "layers": {"jobs": layers[-1]}}
        processes = [{**process, "state": state} for state in ("live", "stalled", "lost")]
        sockets = dict.fromkeys(("rate_limited", "repairs", "resets", "bytes_out"), 1)
        group = {"ghosts": 1, "total": 900, "members": [groups.UNKNOWN], "tap": {"seen": 1, "with_values": False, "messages": []}}
        listing = groups.Page(groups.Query(), total=9_000, answered=1, asked=2)
        redis = {**REDIS, "slow": [], "limit": "1 2 3"}
        seldom = [
            ("_processes", {"processes": processes, "rights": {"drain": True}}),
            ("_processes", {}),
            ("_overview", {"processes": processes, "known": 2, "age": 1}),
            ("_overview", {"known": 1}),
            ("_ledger", {"ledger": {"layers": layers, "sockets": sockets}}),
            ("_ledger", {"ledger": {"sockets": sockets}}),
            ("_group", {"group": group}),
            ("_group", {"group": {**group, "tap": {"seen": 0}}}),
            ("_groups", {"listing": listing, "query": listing.query}),
            ("_history", {}),
            ("_redis", {"redis": redis}),
            ("_tally", {"rows": [("", 1)]}),
            ("panel", {}),
            ("panel", {"sends": [{}]}),
        ]
        with pseudo_language(), translation.override("qqx"):
            for template, context in seldom:
                with self.subTest(template):
                    self.assertEqual(self.lacking(render_to_string(f"dashboard/{template}.html", context)), [])
            for code, meaning in CODES.items():
                self.assertEqual((code, leftovers(str(meaning))), (code, []))
            channel = {"workers": 1, "sent": 1, "kind": "", "oldest": 0, "full": 0}
            for facts in [{"workers": 0}, {"workers": 2, "kind": "Redis pub/sub"}, {"oldest": 11}, {"full": 1}]:
                self.assertEqual(leftovers(channels.trouble(channel | facts)), [])

    def test_every_sentence_of_the_overview_can_be_translated(self):
        row = {"name": "jobs", "host": "chat", "state": "live", "age": 9, "lag": 0, "fill": 0, "buffer": 0}
        calm, losing = [(1, {"jobs|sends": 1})], [(1, {"jobs|lost.full": 4})]
        cases = [(calm, {}), ([], {}), (losing, {}), *((calm, {"state": state}) for state in ("stalled", "lost"))]
        cases += [(calm, {"lag": 250}), (calm, {"fill": 80}), (calm, {"buffer": 500_000})]
        with pseudo_language(), translation.override("qqx"):
            for series, facts in cases:
                self.assertEqual(leftovers(overview.sentence(series, [row | facts])["text"]), [])

    @override_settings(DASHBOARD={"BASE_TEMPLATE": "dashboard/standalone.html", "AGENT": False})
    def test_every_word_of_the_page_of_its_own_can_be_translated(self):
        with pseudo_language():
            self.assertEqual(leftovers(self.get("audit/"), ["boss", "Channels"]), [])

    @override_settings(DASHBOARD={"BASE_TEMPLATE": "dashboard/standalone.html", "AGENT": False})
    def test_the_page_of_its_own_needs_neither_a_middleware_nor_a_catalogue(self):
        self.assertIn('<html lang="de">', self.get("audit/", GERMAN))
        self.assertNotIn("<script src", self.get("audit/", GERMAN))
        with override_settings(ROOT_URLCONF=__name__):
            self.assertIn('<script src="/words/"></script>', self.get("audit/", GERMAN))
        middleware = [name for name in settings.MIDDLEWARE if "Locale" not in name]
        for code, language, said in [("fr", "en-GB", "What staff did here"), ("de", "de", "Was das Personal hier getan hat")]:
            with override_settings(MIDDLEWARE=middleware, LANGUAGE_CODE=code), translation.override(code):
                html = self.get("audit/", {})
            self.assertIn(f'<html lang="{language}">', html)  # of what it says, not what the site would like
            self.assertIn(said, html)

    def test_numbers_that_scripts_and_drawings_read_have_no_commas(self):
        a_world(self.agent)
        for place in ["", "processes/", "groups/"]:
            page = Page(self.get(place, GERMAN))
            for facts in (facts for tag, facts in page.tags if tag == "meter"):
                self.assertTrue(all(float(facts[name]) >= 0 for name in ("max", "value", "high")))
            points = [facts["points"] for tag, facts in page.tags if "points" in facts]
            self.assertTrue(all(len(list(map(float, point.split(",")))) == 2 for line in points for point in line.split()))
            data = [value or "" for _, facts in page.tags for name, value in facts.items() if name.startswith("data-")]
            self.assertEqual([value for value in data if re.search(r"\d,\d", value)], [])

    def test_numbers_that_people_read_have(self):
        a_world(self.agent)
        self.assertRegex(self.get("processes/", GERMAN), r"<dd>vor \d,\d s</dd>")
        self.assertRegex(self.get("processes/", {}), r"<dd>\d\.\d s ago</dd>")


class DoctorTests(WordsCase):
    def findings(self):
        """From facts that make each rule speak."""
        layer = {"exactness": "limited", "capacity": 60, "members": 1, "inbox": "", "named": {}}
        kinds = {"jobs": "in memory", "chat": "Redis, one inbox per process", "pages": "Redis pub/sub"}
        row = {
            "name": "jobs",
            "host": "chat",
            "state": "live",
            "age": 9,
            "lag": 250,
            "buffer": 2_000_000,
            "role": "x",
            "offset": 1,
        }
        row |= {"connections": 99, "layers": {alias: {**layer, "kind": kind} for alias, kind in kinds.items()}, "started": 0}
        rows = [{**row, "version": str(number), "gauges": {"ghosts": 2}} for number in range(2)]
        facts = doctor.Facts(SimpleNamespace(is_shared=True, now=time.time))
        facts.__dict__ |= {
            "live": [{**rows[0], "state": "stalled"}, *rows],
            "recent": dict.fromkeys([f"jobs|lost.{kind}" for kind in [*numbers.LOSSES, "else"]], 1),
        }
        facts.ledger = {"layers": [{"alias": "jobs", "unaccounted": 1, "enqueued": 2}], "classes": [{"class": "chat", "lost": 1}]}
        core = SimpleNamespace(hosts=[{"socket_timeout": 2.5}, {}], brpop_timeout=5)
        core.group_expiry = 3600
        seen = {
            "chat": SimpleNamespace(inbox="", layer=core, kind=""),
            "pages": SimpleNamespace(layer=core, kind="Redis pub/sub"),
        }
        listing = groups.Page(groups.Query(), rows=[{"name": "chat", "processes": 1}])
        with ExitStack() as stack:
            for module in (doctor_layers, doctor_redis):
                stack.enter_context(mock.patch.object(module, "observers", seen))
            for name, answer in {
                "redis_queries.facts": REDIS,
                "redis_host": "redis://h/1",
                "groups.groups": listing,
                "_members": (9, 1),
                "_subscribers": {"chat": 2},
            }.items():
                stack.enter_context(mock.patch(f"dashboard.queries.doctor_redis.{name}", return_value=answer))
            troubled = [{"name": "jobs", "trouble": ""}, {"name": "jobs", "trouble": "–"}]
            stack.enter_context(mock.patch.object(doctor_layers, "channels", return_value=troubled))
            late = {"kinds": [{"name": "jobs", "oldest": 99, "waiting": 2}]}
            stack.enter_context(mock.patch("dashboard.jobs.jobs", return_value=late))
            stack.enter_context(override_settings(DEBUG=True, CACHES={"jobs": {"LOCATION": "redis://h/1"}}))
            return [finding for rule in doctor.RULES for finding in rule(facts)]

    def test_every_finding_can_be_translated(self):
        doctor.diagnose(self.agent.store)  # which knows all rules
        with pseudo_language(), translation.override("qqx"):
            found = self.findings()
        self.assertEqual(
            {rule.__module__ for rule in doctor.RULES},
            {m.__name__ for m in (doctor_jobs, doctor_layers, doctor_processes, doctor_redis)},
        )
        self.assertGreaterEqual(len({finding.rule for finding in found}), len(doctor.RULES))
        for finding in found:
            with self.subTest(finding.rule):
                said = [finding.title, finding.evidence, finding.consequence, finding.cure]
                self.assertEqual([text for text in said if leftovers(text, [*DATA, "redis", "h/1"])], [])

    @override_settings(DEBUG=True)
    def test_it_speaks_the_readers_language_on_the_page_and_english_in_the_terminal(self):
        self.assertIn("DEBUG ist an", self.get("doctor/", GERMAN))
        self.assertIn("DEBUG is on", self.get("doctor/", {}))
        with override_settings(LANGUAGE_CODE="de"), translation.override("de"):
            call_command("channels_doctor", stdout=(out := StringIO()))
        self.assertIn("DEBUG is on", out.getvalue())


class AlertTests(WordsCase):
    def test_each_is_told_to_each_in_their_language(self):
        for name, facts in ALERTS.items():
            with (
                self.subTest(name),
                mock.patch("realtime.signals.user_notified.send") as send,
                translation.override("de"),
                self.assertLogs("dashboard.alerts", "WARNING") as log,
            ):
                alerts.tell_staff(name, facts, 1.0)
                text = send.call_args.kwargs["text"]
                german = str(text)
                with translation.override("en-gb"):
                    english = str(text)
                self.assertEqual(log.records[0].getMessage(), f"Dashboard alert: {english}")
                self.assertNotEqual(german, english)

    def test_what_the_one_found_that_leads_is_in_the_language_of_who_looks(self):
        a_world(self.agent)
        for headers, said in [(GERMAN, "0,2 Nachrichten pro Sekunde gehen verloren."), ({}, "0.2 messages a second are lost.")]:
            self.assertIn(said, self.get("", headers))
            self.assertIn(said, self.get("history/", headers))

    def test_one_that_an_older_version_kept_is_shown_as_it_said(self):
        self.agent.store.remember("alerts", {"lag": {"since": 1.0, "last": 2.0, "text": "It is late."}})
        self.agent.store.note("alert", name="lag", text="It is late.")
        self.assertIn("It is late.", self.get("", GERMAN))
        self.assertIn("It is late.", self.get("history/", GERMAN))


class ActionTests(WordsCase):
    def test_everything_that_is_said_about_what_staff_do_can_be_translated(self):
        a_world(self.agent)
        many = {"message": '{"type": "x"}', "confirm": "chat.room.1"}
        done = [
            ("groups/chat.room.1/broadcast/", {"message": "{"}),
            ("groups/chat.room.1/broadcast/", {"message": "[]"}),
            ("groups/chat.room.1/broadcast/", {"message": "{}"}),
            ("groups/chat.room.1/broadcast/", {"message": " " * 70_000}),
            ("groups/chat.room.1/broadcast/", {**many, "dry": "1"}),
            ("groups/chat.room.1/broadcast/", many),
            ("groups/chat.room.1/disconnect/", {}),
            ("groups/chat.room.1/disconnect/", {"confirm": "chat.room.1"}),
            ("connections/disconnect/", {}),
            ("connections/disconnect/", {"socket": "c1"}),
            ("connections/disconnect/", {"socket": f"{self.agent.store.processes()[0]['boot']} c99"}),
            ("connections/disconnect/", {"user": "ann"}),
            ("processes/drain/", {"boot": "x"}),
            ("processes/drain/", {"boot": self.agent.store.processes()[0]["boot"]}),
            *(("groups/chat.room.1/tap/", {"do": what}) for what in ("shapes", "values", "close")),
        ]
        with pseudo_language():
            for place, data in done:
                with self.subTest(place, **data):
                    answer = self.client.post(f"/dashboard/{place}", data, headers={**PSEUDO, "Accept": "application/json"})
                    said = answer.json()["said"]
                    self.assertEqual((said[0], outside_of_brackets(said)[0].strip()), ("⟦", ""))
            self.assertEqual(set(re.findall(r"⟦", "".join(StaffAction.objects.values_list("result", flat=True)))), set())

    def test_refusals_with_facts_can_be_translated(self):
        reached = services.Reach(members=200, processes=1, deaf=2, layers=("nowhere",))
        store = self.agent.store
        with (
            pseudo_language(),
            translation.override("qqx"),
            mock.patch("dashboard.services.reach", return_value=reached) as reach,
        ):
            for deaf, confirmation in [(2, ""), (0, ""), (0, "room")]:
                reach.return_value = services.Reach(200, 1, deaf, ("nowhere",))
                with self.assertRaises(Refused) as refused:
                    services.broadcast(store, self.boss, "room", {"type": "x"}, confirmation=confirmation)
                self.assertEqual(outside_of_brackets(str(refused.exception))[0].strip(), "")

    def test_what_is_written_down_is_in_the_sites_language_and_the_action_in_the_readers(self):
        self.client.post("/dashboard/connections/disconnect/", {"user": "ann"}, headers=GERMAN)
        row = StaffAction.objects.get()
        self.assertEqual((row.action, row.target, row.result), ("disconnect", "person ann", "0 closed"))
        self.assertIn("<td>trennen</td><td>person ann</td>", self.get("audit/", GERMAN))
        with override_settings(LANGUAGE_CODE="de"), translation.override("en-gb"):
            services.disconnect(self.agent.store, self.boss, username="ann")
        self.assertEqual(StaffAction.objects.first().result, "0 geschlossen")

    def test_every_code_has_a_word(self):
        with translation.override("de"):
            same = {code for code, word in SAID.items() if code == str(word)}
        self.assertEqual(same, set())


class StreamTests(TestCase):
    async def test_two_who_look_at_the_same_page_each_read_their_language(self):
        staff = await sync_to_async(person)("sid", is_staff=True)
        parts = {}
        with reporting() as agent:
            await sync_to_async(agent.store.note)("lost", boot="b", who="daphne 7 on h")
            for code in ("de", "en-gb"):
                client = AsyncClient()
                await client.aforce_login(staff)
                answer = await client.get("/dashboard/stream/", {"page_name": "overview"}, headers={"Accept-Language": code})
                with translation.override("fr"):  # whoever goes on with the stream may have another
                    async with asyncio.timeout(10):
                        parts[code] = json.dumps([data async for _, data in first_events(answer, 3)], ensure_ascii=False)
        self.assertIn("Verbin\N{SOFT HYPHEN}dungen", parts["de"])
        self.assertIn("Prozess daphne 7 on h ging verloren", parts["de"])
        self.assertIn("Connections", parts["en-gb"])
        self.assertIn("Process daphne 7 on h was lost", parts["en-gb"])
