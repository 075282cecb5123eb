"""The map across processes, on Redis and PostgreSQL: reported on one, shown and alerted on the other, whatever dies."""

from contextlib import AsyncExitStack
from unittest import IsolatedAsyncioTestCase

import pytest
from asgiref.sync import sync_to_async

from tests.clients import Client, Feed, eventually
from tests.server import Worker, private_postgres, private_redis, running_server
from tracker.tests.people import square

pytestmark = pytest.mark.services

HINT_SECONDS = 2  # far below the tick of a hub: what takes longer was not told, but found
MAP, CHANGED = "tracker.map.1", "tracker.map.changed"
INCIDENTS = "SELECT id, name FROM tracker_incident ORDER BY id"
SENSOR = """
from asgiref.sync import async_to_sync
from channels.layers import channel_layers
from tracker.sensors import CHANNEL, LAYER
reading = {"type": "tracker.reading", "source": "gauges", "external_id": "g-7", "name": "From a sensor", "lon": 81, "lat": 1}
async_to_sync(channel_layers[LAYER].send)(CHANNEL, reading)
"""


class MapScreen(Feed):
    """The map as a tab has it that looks at all of it."""

    def __init__(self, facts):
        super().__init__(facts)
        self.incidents = {}

    def _show(self, frame):
        if frame["rev"] > self.rev:
            for event in frame["events"]:
                facts = event["feature"]["properties"]
                if event["type"] == "post_save":
                    self.incidents[facts["pk"]] = facts["name"]
                else:
                    self.incidents.pop(facts["pk"], None)
        super()._show(frame)


class MapProcessesTests(IsolatedAsyncioTestCase):
    @classmethod
    def setUpClass(cls):
        cls.redis = cls.enterClassContext(private_redis())
        cls.server = cls.enterClassContext(running_server(private_postgres().url, cls.redis.url, processes=2, RATE_LIMITS="off"))
        cls.server.rooms["map"] = {"feed": MAP, "rev": 0, "epoch": ""}
        for name, person in cls.server.people.items():
            cls.server.rooms[f"watch of {name}"] = {"feed": f"tracker.watch.{person['id']}", "rev": 0, "epoch": ""}

    def tab(self, name, at):
        client = Client(self.server, name, rooms=[], at=at)
        watch = self.server.rooms[f"watch of {name}"]
        client.feeds = {MAP: MapScreen(self.server.rooms["map"]), watch["feed"]: Feed(watch)}
        return client

    async def report(self, tab, name, lon=1.0, lat=1.0, severity=3):
        facts = {"name": name, "severity": severity, "lon": lon, "lat": lat}
        return (await tab.acked(tab.post("tracker.incident.report", "map", **facts)))["id"]

    async def all_agree(self, *tabs, seconds=HINT_SECONDS):
        await eventually(lambda: all(tab.feed("map").incidents == dict(self.server.rows(INCIDENTS)) for tab in tabs), seconds)

    def alerts(self, tab):
        frames = [frame for frame in tab.frames if frame["type"] == "tracker.watch.changed"]
        events = [event for frame in frames for event in frame["events"]]
        return [event["feature"]["properties"]["name"] for event in events if event["type"] == "alert"]

    async def draw(self, tab, geometry):
        facts = {"name": "Here", "severity": 5, "geometry": geometry}
        await tab.acked(tab.post("tracker.area.save", f"watch of {tab.name}", **facts))

    async def test_what_is_reported_on_one_process_is_shown_and_alerted_on_the_other(self):
        await self.prepare("eve")
        async with self.tab("ann", 0) as ann, self.tab("eve", 1) as eve:
            await self.draw(eve, square(20, 0))
            pk = await self.report(ann, "Fire", lon=25.0, lat=5.0)
            await eventually(lambda: self.alerts(eve) == ["Fire"], HINT_SECONDS)
            await self.all_agree(ann, eve)
            await ann.acked(ann.post("tracker.incident.change", "map", id=pk, name="Fire, out"))
            await ann.acked(ann.post("tracker.incident.delete", "map", id=pk))
            await self.all_agree(ann, eve)
            self.assertEqual(self.alerts(ann), [])

    async def test_a_killed_process_costs_nobody_an_incident_or_an_alert(self):
        await self.prepare("fay")
        async with AsyncExitStack() as stack:
            ann, fay = [await stack.enter_async_context(self.tab(name, at)) for name, at in (("ann", 0), ("fay", 1))]
            await self.draw(fay, square(40, 0))
            await eventually(lambda: any(frame["type"] == "tracker.watch.changed" for frame in fay.frames))
            self.server.kill(1)
            for number in range(12):
                await self.report(ann, f"Number {number}", lon=45.0, lat=5.0)
            await fay.live()
            await self.all_agree(ann, fay, seconds=10)
            self.assertEqual(sorted(self.alerts(fay)), sorted(f"Number {number}" for number in range(12)))
            self.assertEqual((fay.feed("map").skipped, fay.feed("map").repeated), (0, 0))
            await sync_to_async(self.server.restart, thread_sensitive=False)(1)

    async def test_a_reading_of_a_sensor_goes_through_a_worker_to_every_process(self):
        await self.prepare("gus")
        worker = Worker(self.server.environment)
        self.addCleanup(worker.close)
        worker.start()
        async with self.tab("ann", 0) as ann, self.tab("gus", 1) as gus:
            await self.draw(gus, square(80, 0))
            await sync_to_async(self.server.run, thread_sensitive=False)(SENSOR)
            await eventually(lambda: self.alerts(gus) == ["From a sensor"], HINT_SECONDS)
            await self.all_agree(ann, gus)

    async def prepare(self, name):
        """Somebody's own feed is made when they first look at the map."""
        ids = [self.server.people[who]["id"] for who in ("ann", name)]
        code = f"from tracker.models import Watch\nfor pk in {ids}: Watch.objects.get_or_create(user_id=pk)"
        await sync_to_async(self.server.run, thread_sensitive=False)(code)
