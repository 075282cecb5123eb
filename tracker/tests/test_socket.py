"""The map on the socket: what is told, to whom, and that nothing in sight is lost."""

import asyncio
from unittest import mock
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.db.backends.utils import CursorWrapper

from realtime.hub import Hub
from realtime.models import AccessToken
from realtime.testing import Browser, RealtimeTestCase, forget_limits
from tracker import viewports
from tracker.frames import MAP
from tracker.models import AreaOfInterest, Incident, Map, Severity
from tracker.tests.people import change, draw, person, report, square

EUROPE = [-10, 35, 30, 70]


class MapCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann, self.bob, self.sam = person("ann"), person("bob"), person("sam", is_staff=True)

    async def open(self, user, bbox=None, rev=None):
        browser = await Browser.open(user)
        await browser.resume(tracker_map_1=rev)
        if bbox:
            await self.look(browser, bbox)
        return browser

    async def look(self, browser, bbox):
        await browser.send({"type": "tracker.viewport.set", "feed": MAP, "bbox": bbox})
        return await browser.expect("tracker.viewport.changed")

    async def report(self, **facts):
        return await sync_to_async(report)(self.sam, **facts)

    async def change(self, incident, **wanted):
        return await sync_to_async(change)(self.sam, incident, **wanted)

    async def events(self, browser, number=1):
        """The next so many events of the map, in however many envelopes they come."""
        events = []
        while len(events) < number:
            events += (await browser.expect("tracker.map.changed"))["events"]
        return events


class TellingTests(MapCase):
    async def test_the_events_of_the_seed_come_in_an_envelope_with_the_revision(self):
        async with await self.open(self.ann) as browser:
            incident = await self.report(name="Flood", severity=Severity.HIGH)
            frame = await browser.expect("tracker.map.changed")
            self.assertEqual(frame["rev"], incident.rev)
            [event] = frame["events"]
            self.assertEqual((event["type"], event["created"]), ("post_save", True))
            feature = event["feature"]
            self.assertEqual(feature["id"], f"Incident:{incident.pk}")
            self.assertEqual(feature["geometry"], {"type": "Point", "coordinates": [5.0, 5.0]})
            seeds = {"name", "description", "severity", "created", "closed", "model", "pk", "url"}
            self.assertLessEqual(seeds, feature["properties"].keys())
            await self.change(incident, closed=True)
            [event] = await self.events(browser)
            self.assertEqual((event["created"], event["feature"]["properties"]["closed"]), (False, True))
            await sync_to_async(incident.delete)()
            [event] = await self.events(browser)
            self.assertEqual((event["type"], event["feature"]["id"]), ("post_delete", feature["id"]))

    async def test_a_row_saved_in_a_shell_is_told_once(self):
        async with await self.open(self.ann) as browser:
            incident = await Incident.objects.acreate(name="By hand", lon=1, lat=2)
            self.assertEqual(len(await self.events(browser)), 1)
            incident.severity = Severity.LOW
            await incident.asave(update_fields=["severity"])
            [event] = await self.events(browser)
            self.assertEqual(event["feature"]["properties"]["severity"], Severity.LOW)
            await browser.nothing("tracker.map.changed")
            await incident.arefresh_from_db()
            self.assertEqual(incident.rev, (await Map.objects.aget()).rev)

    async def test_nobody_who_is_not_logged_in_hears_of_it(self):
        browser = await Browser.connect(None)
        self.assertEqual((await browser.next())["code"], 4401)
        await browser.close()

    async def test_alerts_go_to_the_owner_of_the_area_only(self):
        await sync_to_async(draw)(self.ann)
        async with await Browser.open(self.ann) as ann, await Browser.open(self.bob) as bob:
            await ann.resume(**{f"tracker_watch_{self.ann.pk}": None})
            await bob.resume(**{f"tracker_watch_{self.ann.pk}": None})
            self.assertEqual(bob.frames[-1]["type"], "realtime.feed.refused")
            incident = await self.report()
            [alert] = (await ann.expect("tracker.watch.changed"))["events"]
            self.assertEqual((alert["type"], alert["reason"]), ("alert", "reported"))
            self.assertEqual(alert["feature"]["properties"]["pk"], incident.pk)
            area = await AreaOfInterest.objects.aget()
            expected = {"id": area.pk, "name": "Harbour", "severity": area.severity, "url": area.get_absolute_url()}
            self.assertEqual(alert["areas_of_interest"], [expected])
            await bob.nothing("tracker.watch.changed")

    async def test_an_area_is_told_to_its_owner_and_shared_to_everybody(self):
        async with await self.open(self.ann) as ann, await self.open(self.bob) as bob:
            await sync_to_async(draw)(self.ann)
            await ann.nothing("tracker.map.changed")
            area = await sync_to_async(draw)(self.sam, is_shared=True)
            self.assertEqual((await self.events(bob))[0]["feature"]["id"], f"AreaOfInterest:{area.pk}")
            area.is_shared = False
            await area.asave()
            self.assertEqual((await self.events(bob))[0]["type"], "post_delete")


class ViewportTests(MapCase):
    async def test_a_socket_is_told_of_what_its_window_shows(self):
        async with await self.open(self.ann, EUROPE) as europe, await self.open(self.bob) as world:
            await self.report(lon=-100, lat=40, name="Far")
            near = await self.report(lon=5, lat=50, name="Near")
            [event] = await self.events(europe)
            self.assertEqual(event["feature"]["properties"]["pk"], near.pk)
            await europe.nothing("tracker.map.changed")
            self.assertEqual(len(await self.events(world, 2)), 2)

    async def test_what_moves_out_is_told_to_those_it_leaves(self):
        incident = await self.report(lon=5, lat=50)
        async with await self.open(self.ann, EUROPE) as browser:
            await self.change(incident, lon=-100.0)
            [event] = await self.events(browser)
            self.assertEqual(event["feature"]["geometry"]["coordinates"], [-100.0, 50.0])
            await self.change(incident, name="Elsewhere")
            await browser.nothing("tracker.map.changed")

    async def test_a_window_across_the_antimeridian_sees_both_sides(self):
        for bbox in ([170, -30, 190, 0], [-190, -30, -170, 0], [530, -30, 550, 0]):
            async with await self.open(self.ann, bbox) as browser:
                await self.report(lon=179, lat=-17)
                await self.report(lon=-179, lat=-17)
                await self.report(lon=0, lat=-17)
                self.assertEqual(len(await self.events(browser, 2)), 2)
                await browser.nothing("tracker.map.changed")

    async def test_what_comes_in_a_quarter_of_a_second_comes_together_and_the_last_of_each(self):
        async with await self.open(self.ann, EUROPE) as browser:
            first = await self.report(lon=5, lat=50)
            await self.events(browser)
            for name in ("one", "two", "three"):
                await self.change(first, name=name)
            await self.report(lon=6, lat=50, name="other")
            frame = await browser.expect("tracker.map.changed")
            names = [event["feature"]["properties"]["name"] for event in frame["events"]]
            self.assertEqual(names, ["three", "other"])
            self.assertEqual(frame["rev"], (await Map.objects.aget()).rev)

    async def test_a_flood_becomes_a_reset(self):
        with mock.patch.object(viewports, "MOST", 3):
            async with await self.open(self.ann, EUROPE) as browser:
                await self.report(lon=5, lat=50)
                await self.events(browser)
                for number in range(5):
                    await self.report(lon=5, lat=50, name=f"{number}")
                frame = await browser.expect("realtime.feed.reset")
                self.assertEqual(frame["rev"], (await Map.objects.aget()).rev)
                last = await self.report(lon=5, lat=50)
                self.assertEqual((await self.events(browser))[0]["feature"]["properties"]["pk"], last.pk)

    async def test_who_sees_nothing_does_not_fall_behind(self):
        with mock.patch.object(viewports, "PROGRESS_SECONDS", 0.05):
            async with await self.open(self.ann, EUROPE) as browser:
                far = await self.report(lon=-100, lat=40)
                frame = await browser.expect("tracker.map.changed")
                self.assertEqual((frame["rev"], frame["events"]), (far.rev, []))

    async def test_coming_back_loses_nothing_that_is_in_sight(self):
        incident = await self.report(lon=5, lat=50)
        async with await self.open(self.ann, EUROPE) as browser:
            pass
        await self.change(incident, name="While away")
        deleted = await self.report(lon=7, lat=50)
        await sync_to_async(deleted.delete)()
        async with await self.open(self.ann, rev=incident.rev - 1) as browser:
            events = [event for frame in browser.frames if frame["type"] == "tracker.map.changed" for event in frame["events"]]
            self.assertEqual([event["type"] for event in events], ["post_save", "post_delete"])
            self.assertEqual(events[0]["feature"]["properties"]["name"], "While away")

    async def test_a_lost_hint_is_found_although_nobody_says_where_it_was(self):
        async with await self.open(self.ann, EUROPE) as browser:
            with mock.patch.object(Hub, "publish"):
                lost = await self.report(lon=5, lat=50)
            await Hub.here().check()
            [event] = await self.events(browser)
            self.assertEqual(event["feature"]["properties"]["pk"], lost.pk)

    async def test_panning_costs_neither_queries_nor_messages(self):
        async with await self.open(self.ann, EUROPE) as browser:
            layer = Hub.here().layer
            with mock.patch.object(layer, "send") as sent, mock.patch.object(CursorWrapper, "execute") as queries:
                for west in range(-180, 180, 20):
                    await self.look(browser, [west, -10, west + 25, 10])
            self.assertEqual((queries.call_count, sent.call_count), (0, 0))

    async def test_a_viewport_needs_the_map_and_makes_sense(self):
        async with await Browser.open(self.ann) as browser:
            await browser.send({"type": "tracker.viewport.set", "feed": MAP, "bbox": EUROPE})
            self.assertEqual((await browser.expect("realtime.error"))["code"], "not_found")
            await browser.resume(tracker_map_1=None)
            for bbox in ([0, 10, 5, -10], [0, 0, 1, 91], [0, 0, 1], "0,0,1,1", [0, 0, None, 1]):
                await browser.send({"type": "tracker.viewport.set", "feed": MAP, "bbox": bbox})
                self.assertEqual((await browser.expect("realtime.error"))["code"], "bad_field")

    async def test_a_viewport_over_http_has_no_socket(self):
        _, secret = await sync_to_async(AccessToken.issue)(self.ann, "t", "tracker:read")
        async with await Browser.open(self.ann) as browser:
            body = {"type": "tracker.viewport.set", "feed": MAP, "bbox": EUROPE}
            headers = {"authorization": f"Bearer {secret}"}
            response = await browser.http.post("/commands/", body, content_type="application/json", headers=headers)
            self.assertEqual((response.status_code, response.json()["code"]), (403, "not_allowed"))

    async def test_a_closed_socket_leaves_nothing_behind(self):
        async with await self.open(self.bob), await self.open(self.ann, EUROPE) as browser:
            audience = Hub.here().topics[MAP].audience
            await self.report(lon=5, lat=50)
            await browser.close()
            await asyncio.sleep(0)
            for kept in (audience._boxes, audience._keys, audience._by_cell, audience._waiting, audience._told):
                self.assertEqual(len(kept), 0)


class CommandTests(MapCase):
    async def test_a_report_by_socket_is_acked_and_made_once(self):
        async with await self.open(self.ann) as browser:
            key = str(uuid4())
            facts = {"name": "Fire", "severity": 1, "lon": 4.2, "lat": 51.9, "client_id": key}
            ack = await browser.post("tracker.incident.report", MAP, **facts)
            again = await browser.post("tracker.incident.report", MAP, **facts)
            self.assertEqual((ack["id"], ack["rev"]), (again["id"], again["rev"]))
            incident = await Incident.objects.aget()
            self.assertEqual((incident.reporter_id, incident.rev), (self.ann.pk, ack["rev"]))

    async def test_its_reporter_and_staff_may_change_it(self):
        incident = await sync_to_async(report)(self.ann)
        for user, code in ((self.bob, "not_allowed"), (self.ann, None), (self.sam, None)):
            async with await Browser.open(user) as browser:
                for type, facts in (
                    ("tracker.incident.change", {"id": incident.pk, "name": user.username}),
                    ("tracker.incident.change", {"id": incident.pk, "closed": user != self.sam}),
                ):
                    answer = await browser.post(type, MAP, **facts)
                    self.assertEqual(answer.get("code"), code, (user, type))
        async with await Browser.open(self.bob) as browser:
            answer = await browser.post("tracker.incident.delete", MAP, id=incident.pk)
            self.assertEqual(answer["code"], "not_allowed")
            answer = await browser.post("tracker.incident.change", MAP, id=incident.pk + 1000, name="x")
            self.assertEqual(answer["code"], "not_found")

    async def test_anothers_area_does_not_exist(self):
        area = await sync_to_async(draw)(self.ann)
        async with await Browser.open(self.bob) as browser:
            own = f"tracker.watch.{self.bob.pk}"
            facts = {"id": area.pk, "name": "Mine now", "severity": 1, "geometry": square(0, 0)}
            self.assertEqual((await browser.post("tracker.area.save", own, **facts))["code"], "not_found")
            self.assertEqual((await browser.post("tracker.area.delete", own, id=area.pk))["code"], "not_found")
            feed = f"tracker.watch.{self.ann.pk}"
            self.assertEqual((await browser.post("tracker.area.delete", feed, id=area.pk))["code"], "not_found")

    async def test_only_staff_share_an_area(self):
        async with await Browser.open(self.bob) as browser:
            facts = {"name": "For all", "severity": 1, "geometry": square(0, 0), "is_shared": True}
            answer = await browser.post("tracker.area.save", f"tracker.watch.{self.bob.pk}", **facts)
            self.assertEqual((answer["code"], answer["field"]), ("not_allowed", "is_shared"))

    async def test_bad_shapes_and_places_are_typed_errors_that_store_nothing(self):
        async with await Browser.open(self.ann) as browser:
            own = f"tracker.watch.{self.ann.pk}"
            for geometry in ({"type": "Polygon", "coordinates": [[[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]]}, {}):
                answer = await browser.post("tracker.area.save", own, name="x", severity=1, geometry=geometry)
                self.assertEqual((answer["code"], answer["field"]), ("invalid_geometry", "geometry"))
            for facts in ({"lat": 91}, {"lon": 181}, {"severity": 6}, {"severity": "1"}, {"name": ""}, {"name": "a\x00"}):
                answer = await browser.post(
                    "tracker.incident.report", MAP, **{"name": "x", "severity": 1, "lon": 0, "lat": 0} | facts
                )
                self.assertEqual(answer["code"], "bad_field", facts)
                forget_limits()  # of bad frames
            answer = await browser.post("tracker.incident.report", MAP, name="   ", severity=1, lon=0, lat=0)
            self.assertEqual((answer["code"], answer["field"]), ("bad_value", "name"))
        self.assertFalse(await Incident.objects.aexists() or await AreaOfInterest.objects.aexists())
