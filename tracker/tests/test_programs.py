"""What runs without a browser: sensors on the layer, the simulator, the demo's visitor and seed, the worker's jobs."""

import asyncio
import io
import json
import random
import re
import shlex
from contextlib import suppress
from unittest import mock
from urllib.parse import urlsplit

from asgiref.sync import sync_to_async
from channels.testing import ApplicationCommunicator
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase

from realtime import registry
from realtime.models import AccessToken
from realtime.testing import RealtimeTestCase
from tracker import life, sensors
from tracker.demo import AREAS, INCIDENTS
from tracker.formats import geojson
from tracker.management.commands import tracker_simulate
from tracker.models import Alert, AreaCell, AreaOfInterest, Incident, IncidentChange, Severity
from tracker.robots import robot
from tracker.simulation import World, area_around
from tracker.templatetags.tracker import history_line
from tracker.tests.people import draw, person


class SensorTests(RealtimeTestCase):
    async def send(self, *readings):
        consumer = registry.channels()[sensors.CHANNEL]
        communicator = ApplicationCommunicator(consumer, {"type": "channel", "channel": sensors.CHANNEL})
        for reading in readings:
            await communicator.send_input({"type": "tracker.reading", **reading})
        await communicator.wait(1)  # a consumer of a channel never ends by itself

    async def read(self, *readings):
        with suppress(TimeoutError, asyncio.CancelledError):
            await self.send(*readings)

    async def test_a_reading_becomes_an_incident_and_alerts(self):
        await sync_to_async(draw)(person_ann := await sync_to_async(person)("ann"))
        reading = {"source": "gauges", "external_id": "g-7", "name": "River above the mark", "lon": 5, "lat": 5, "severity": 2}
        await self.read(reading, reading, reading | {"severity": "urgent"})
        incident = await Incident.objects.select_related("reporter").aget()
        self.assertEqual((incident.source, incident.severity, incident.reporter.username), ("gauges", 1, "sensors@tracker"))
        self.assertEqual((await Alert.objects.aget()).owner_id, person_ann.pk)

    def test_nobody_can_sign_up_as_the_sensors(self):
        name = robot(sensors.SENSORS).username
        User.objects.all().delete()
        facts = {"password1": "a long way to the sea", "password2": "a long way to the sea"}
        self.assertEqual(self.client.post("/accounts/sign-up/", {"username": name, **facts}).status_code, 200)
        self.assertFalse(User.objects.exists() or robot(sensors.SENSORS).has_usable_password())

    async def test_a_reading_that_makes_no_sense_is_logged_and_the_next_one_is_taken(self):
        with self.assertLogs("tracker.sensors", "WARNING") as logged:
            await self.read(
                {"name": "No place"},
                {"name": "Bad place", "lon": 0, "lat": float("nan")},
                {"name": "", "lon": 1, "lat": 1},
                {"name": "Good", "lon": 1, "lat": 1},
            )
        self.assertEqual(len(logged.output), 3)
        self.assertEqual((await Incident.objects.aget()).name, "Good")


class WorldTests(SimpleTestCase):
    def test_a_world_is_believable(self):
        world = World(random.Random(5), run="t", at_once=50)
        said = {}
        for _ in range(4_000):
            feature = world.step()
            geojson.observe(feature)  # raises Refusal for what would be refused
            said.setdefault(feature["properties"]["external_id"], []).append(feature)
        closed = [story for story in said.values() if story[-1]["properties"]["closed"]]
        self.assertTrue(30 < len(said) - len(closed) < 90)
        self.assertGreater(len(closed), 200)
        self.assertTrue(any(len({str(one["geometry"]) for one in story}) > 2 for story in said.values()), "none moves")

    def test_the_same_seed_is_the_same_story(self):
        one, other = (World(random.Random(9), run="t") for _ in range(2))
        self.assertEqual([one.step() for _ in range(200)], [other.step() for _ in range(200)])

    def test_areas_are_areas(self):
        chance = random.Random(3)
        for _ in range(200):
            self.assertEqual(area_around(chance)["type"], "Polygon")


class CommandTests(RealtimeTestCase):
    def test_the_simulator_watches_areas_and_reports_with_a_token_that_ends(self):
        sent = []

        def send(address, secret, features):
            self.assertTrue(AccessToken.objects.usable(secret).exists())
            sent.extend(features)
            return {"created": len(features), "changed": 0, "same": 0, "failed": 0}

        out = io.StringIO()
        with mock.patch.object(tracker_simulate, "send", send), mock.patch.object(tracker_simulate, "PERIOD_SECONDS", 0):
            call_command("tracker_simulate", "--areas", "12", "--rate", "500", "--seconds", "0.2", "--seed", "1", stdout=out)
        self.assertGreater(len(sent), 20)
        self.assertEqual(AreaOfInterest.objects.count(), 12)
        self.assertFalse(AccessToken.objects.filter(revoked_at=None).exists())
        self.assertIn("created", out.getvalue())

    def test_a_server_that_is_not_there_is_a_sentence(self):
        with self.assertRaisesMessage(CommandError, "Nobody answers"):
            call_command(
                "tracker_simulate", "--url", "http://127.0.0.1:9", "--areas", "0", "--seconds", "2", stdout=io.StringIO()
            )

    def test_the_seed_fills_the_map_once(self):
        for _ in range(2):
            call_command("seed_tracker", stdout=io.StringIO())
        self.assertEqual((Incident.objects.count(), AreaOfInterest.objects.count()), (len(INCIDENTS), len(AREAS)))
        surge = Incident.objects.get(name="Storm surge in the harbour")
        self.assertEqual([change.changes for change in surge.history.all()], [{}, {"severity": [2, 1]}])
        self.assertLess(surge.created_at, surge.updated_at)
        self.assertTrue(Alert.objects.filter(owner__username="ann", withdrawn_at=None).exists())

    def test_the_visitor_reports_with_a_token_of_this_run(self):
        user = person(life.PEOPLE[0])
        first, second = life.make_token(user.username), life.make_token(user.username)
        self.assertFalse(AccessToken.objects.usable(first).exists())
        self.assertTrue(AccessToken.objects.usable(second).exists())

    async def test_the_visitor_keeps_its_pace(self):
        await sync_to_async(person)(life.PEOPLE[0])
        told = asyncio.Queue()
        loop = asyncio.get_running_loop()

        def report(url, secret, feature):
            loop.call_soon_threadsafe(told.put_nowait, json.dumps(feature))

        with mock.patch.object(life, "report", report), mock.patch.object(life, "PAUSE_SECONDS", (0, 0)):
            living = asyncio.create_task(life.live("http://127.0.0.1:1/"))
            async with asyncio.timeout(5):
                for _ in range(3):
                    self.assertEqual(json.loads(await told.get())["type"], "Feature")
            living.cancel()
            with suppress(asyncio.CancelledError):
                await living


class AdminTests(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.root = person("root", is_staff=True, is_superuser=True)
        self.client.force_login(self.root)

    def save(self, path, **facts):
        inline = {f"history-{name}_FORMS": 0 for name in ("TOTAL", "INITIAL", "MIN_NUM", "MAX_NUM")}
        return self.client.post(path, facts | inline)

    def test_what_the_admin_saves_is_placed_told_and_remembered(self):
        draw(person("ann"))
        facts = {"name": "By staff", "severity": 2, "lat": "5", "lon": "5", "description": "", "url": "", "reporter": ""}
        self.save("/admin/tracker/incident/add/", **facts)
        incident = Incident.objects.get()
        self.assertTrue(incident.cell and incident.rev)
        self.assertEqual(incident.alerts.count(), 1)
        self.save(f"/admin/tracker/incident/{incident.pk}/change/", **facts | {"closed": "on"})
        self.assertEqual(incident.history.last().changes, {"closed": [False, True]})
        self.assertEqual(incident.history.last().actor, self.root)
        self.assertFalse(incident.alerts.filter(withdrawn_at=None).exists())
        self.client.post(
            "/admin/tracker/incident/", {"action": "delete_selected", "_selected_action": incident.pk, "post": "yes"}
        )
        self.assertFalse(Incident.objects.exists() or IncidentChange.objects.exists())

    def test_the_admin_gives_an_incident_to_somebody_else(self):
        incident, ann = Incident.objects.create(name="Nobody's", lon=5, lat=5), person("ann")
        facts = {"name": "Nobody's", "severity": 2, "lat": "5", "lon": "5", "description": "", "url": "", "reporter": ann.pk}
        self.save(f"/admin/tracker/incident/{incident.pk}/change/", **facts)
        incident.refresh_from_db()
        self.assertEqual(incident.reporter, ann)
        self.assertIn("root raised it from Medium to High, gave it to somebody else", history_line(incident.history.last()))

    def test_what_the_services_refuse_is_said_at_the_form(self):
        answer = self.save("/admin/tracker/incident/add/", name="x", severity=2, lat="95", lon="5")
        self.assertContains(answer, "latitude", status_code=200)
        answer = self.client.post(
            "/admin/tracker/areaofinterest/add/",
            {"owner": self.root.pk, "name": "x", "severity": 1, "geometry": '{"type": "Point", "coordinates": [0, 0]}'},
        )
        self.assertContains(answer, "Polygon or MultiPolygon", status_code=200)
        self.assertFalse(Incident.objects.exists() or AreaOfInterest.objects.exists())

    def test_many_are_closed_by_one_action(self):
        for number in range(3):
            Incident.objects.create(name=f"{number}", lon=1, lat=1)
        ids = list(Incident.objects.values_list("pk", flat=True))
        self.client.post("/admin/tracker/incident/", {"action": "close", "_selected_action": ids})
        self.assertFalse(Incident.objects.open().exists())

    def test_every_list_opens(self):
        draw(self.root)
        Incident.objects.create(name="a", lon=5, lat=5, severity=Severity.URGENT)
        for model in (
            "incident",
            "areaofinterest",
            "alert",
            "incidentchange",
            "alias",
            "run",
            "map",
            "watch",
            "areacell",
            "tombstone",
        ):
            self.assertEqual(self.client.get(f"/admin/tracker/{model}/").status_code, 200, model)
        self.assertTrue(AreaCell.objects.exists() and User.objects.exists())


class LessonTests(RealtimeTestCase):
    """What the README says can be typed can be typed."""

    README = (settings.BASE_DIR / "tracker/README.md").read_text()

    def test_every_call_of_the_api_works(self):
        _, secret = AccessToken.issue(person("ann"), "test", "tracker:read tracker:write")
        commands = re.findall(r"(?m)^curl (.*)$", self.README)
        self.assertEqual(len(commands), 3)
        for command in commands:
            words = shlex.split(command.replace("$TOKEN", secret))
            headers = {"authorization": words[words.index("-H") + 1].partition(": ")[2]}
            path = urlsplit(words[-1])
            address = f"{path.path}?{path.query}"
            with self.subTest(command):
                if "-d" in words:
                    body = words[words.index("-d") + 1]
                    answer = self.client.post(address, body, content_type="application/json", headers=headers)
                    self.assertEqual(answer.json()["created"], 1)
                else:
                    self.assertEqual(self.client.get(address, headers=headers).status_code, 200)

    def test_every_command_is_one_of_ours_with_these_options(self):
        person("root", is_superuser=True)
        commands = re.findall(r"(?m)^\.venv/bin/python manage\.py (\w+) ?(.*)$", self.README)
        self.assertEqual([name for name, _ in commands], ["tracker_simulate", "tracker_import", "tracker_import"])
        for name, options in commands:
            with mock.patch.object(tracker_simulate, "run"):
                call_command(name, *shlex.split(options), stdout=io.StringIO(), stderr=io.StringIO())
        self.assertEqual(AreaOfInterest.objects.count(), 200)
        self.assertTrue(Incident.objects.filter(source="usgs").exists())

    def test_every_file_that_it_names_is_there(self):
        for target in re.findall(r"\]\(([^)#:]+)\)", self.README):
            self.assertTrue((settings.BASE_DIR / "tracker" / target).exists(), target)
