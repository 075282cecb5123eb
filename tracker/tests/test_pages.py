"""The pages of the tracker: who may see and do what, how many queries they take, and what they say when nothing is there."""

import json
import subprocess
import sys
from uuid import uuid4

from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from realtime.testing import RealtimeTestCase
from tracker.geo.countries import country_at
from tracker.models import AreaOfInterest, Incident, Run, Severity
from tracker.tests.people import change, draw, person, report, square


class PageCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann, self.bob, self.sam = person("ann"), person("bob"), person("sam", is_staff=True)

    def get(self, path, user=None, status=200):
        self.client.force_login(user or self.ann)
        answer = self.client.get(path)
        self.assertEqual(answer.status_code, status, path)
        return answer


class RightsTests(PageCase):
    def test_who_may_change_an_incident(self):
        incident = report(self.ann)
        base = f"/tracker/incidents/{incident.pk}/"
        for user, status in ((self.bob, 404), (self.ann, 200), (self.sam, 200)):
            self.get(f"{base}edit/", user, status)
            self.get(f"{base}delete/", user, status)
            self.assertEqual("data-act" in self.get(base, user).content.decode(), status == 200)
        self.client.force_login(self.bob)
        self.client.post(f"{base}close/")
        self.assertEqual(self.client.post(f"{base}delete/").status_code, 404)
        incident.refresh_from_db()
        self.assertFalse(incident.closed)

    def test_who_may_see_and_change_an_area(self):
        mine, shared = draw(self.ann), draw(self.sam, is_shared=True)
        for area, user, seen, changed in (
            (mine, self.ann, 200, 200),
            (mine, self.bob, 404, 404),
            (mine, self.sam, 404, 404),
            (shared, self.ann, 200, 404),
            (shared, self.sam, 200, 200),
        ):
            self.get(f"/tracker/areas/{area.pk}/", user, seen)
            for page in ("edit", "delete"):
                self.get(f"/tracker/areas/{area.pk}/{page}/", user, changed)

    def test_somebody_elses_import_does_not_exist(self):
        run = Run.objects.create(owner=self.ann, name="a.csv", format="csv", source="csv")
        self.get(f"/tracker/runs/{run.pk}/", self.bob, 404)
        self.assertEqual(self.client.post(f"/tracker/runs/{run.pk}/cancel/").status_code, 404)

    def test_a_visitor_may_report_but_not_without_a_csrf_token_nor_all_day(self):
        facts = {"name": "Smoke", "lat": "5", "lon": "5", "severity": 2, "description": ""}
        client = self.client_class(enforce_csrf_checks=True)
        self.assertEqual(client.post("/tracker/report/", facts).status_code, 403)
        for number in range(7):
            answer = self.client.post("/tracker/report/", facts | {"client_id": str(uuid4())})
            self.assertEqual(answer.status_code, 302 if number < 6 else 429)
        self.assertEqual(Incident.objects.filter(reporter=None).count(), 6)

    def test_a_form_that_is_sent_twice_is_one_report(self):
        for reporter in (None, self.ann):
            if reporter:
                self.client.force_login(reporter)
            facts = {"name": "Smoke", "lat": "5", "lon": "5", "severity": 2, "description": "", "client_id": str(uuid4())}
            for _ in range(2):
                self.assertEqual(self.client.post("/tracker/report/", facts).status_code, 302)
            self.assertEqual(Incident.objects.filter(reporter=reporter).count(), 1)


class FormTests(PageCase):
    def test_what_is_refused_is_said_in_the_form(self):
        self.client.force_login(self.ann)
        good = {"name": "x", "severity": 1, "geometry": json.dumps(square(0, 0)), "is_active": "on"}
        for wrong, saying in (
            ({"geometry": "{"}, "not JSON"),
            ({"geometry": '{"type": "Point", "coordinates": [0, 0]}'}, "Polygon or MultiPolygon"),
            (
                {"geometry": json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]})},
                "Self-inter",
            ),
            ({"name": ""}, "required"),
            ({"severity": "9"}, "valid choice"),
        ):
            answer = self.client.post("/tracker/areas/new/", good | wrong)
            self.assertContains(answer, saying, status_code=422)
        self.assertFalse(AreaOfInterest.objects.exists())
        feature = {"type": "Feature", "properties": {}, "geometry": square(0, 0)}
        self.assertEqual(self.client.post("/tracker/areas/new/", good | {"geometry": json.dumps(feature)}).status_code, 302)

    def test_an_incident_is_changed_and_its_history_says_how(self):
        incident = report(self.ann, severity=Severity.LOW)
        self.client.force_login(self.ann)
        facts = {"name": "Flood, rising", "lat": "6", "lon": "5", "severity": 1, "description": "Quick"}
        self.client.post(f"/tracker/incidents/{incident.pk}/edit/", facts)
        page = self.get(f"/tracker/incidents/{incident.pk}/")
        self.assertContains(page, "ann raised it from Low to Urgent, renamed it from “Flood”, moved it, changed the details")

    def test_a_list_that_is_asked_nonsense_says_so(self):
        self.assertContains(self.get("/tracker/incidents/?hours=x", status=400), "Hours are a number", status_code=400)


class ListTests(PageCase):
    def test_lists_take_a_fixed_number_of_queries(self):
        for path in ("/tracker/", "/tracker/incidents/?state=all", "/tracker/areas/"):
            counts = []
            for number in range(2):
                for index in range(3):
                    report(self.ann, number, index)
                    draw(self.ann, square(index, 30), name=f"{number} {index}")
                self.get(path)
                with CaptureQueriesContext(connection) as queries:
                    self.client.get(path)
                counts.append(len(queries))
            self.assertEqual(counts[0], counts[1], path)

    def test_pages_have_twenty_five_and_lead_on(self):
        for number in range(27):
            report(self.sam, number, 0, name=f"Number {number}")
        page = self.get("/tracker/incidents/?q=number")
        self.assertEqual(page.content.count(b'class="incident-row"'), 25)
        self.assertContains(page, "?q=number&amp;page=2")
        self.assertEqual(self.get("/tracker/incidents/?q=number&page=2").content.count(b'class="incident-row"'), 2)

    def test_empty_lists_say_what_to_do(self):
        self.assertContains(self.get("/tracker/incidents/"), "Nothing found")
        self.assertContains(self.get("/tracker/areas/"), "You watch no area yet")
        self.assertContains(self.get("/tracker/runs/"), "Nothing imported yet")

    def test_a_page_that_shows_no_alerts_does_not_say_that_it_shows_their_feed(self):
        run = Run.objects.create(owner=self.ann, name="a.csv", format="csv", source="csv")
        for path in ("/tracker/runs/", f"/tracker/runs/{run.pk}/"):
            self.assertNotContains(self.get(path), 'data-feed="tracker.watch')  # or the bell leaves the toast to the page

    def test_an_area_lists_its_alerts_to_its_owner_only(self):
        area = draw(self.sam, is_shared=True)
        over = report(self.ann, name="Over by now")
        report(self.ann, name="Still there")
        change(self.sam, over, closed=True)
        page = self.get(f"/tracker/areas/{area.pk}/", self.sam)
        self.assertContains(page, "Still there")
        self.assertContains(page, "· over")
        self.assertNotContains(self.get(f"/tracker/areas/{area.pk}/", self.ann), "Still there")

    def test_pictures_of_places_are_drawn_anywhere(self):
        for number, (lon, lat) in enumerate([(0, 0), (179.9, -17), (-180, 89.9), (10, -90), (-0.1, 51.5)]):
            incident = report(self.sam, lon, lat, name=f"{number}")
            self.assertContains(self.get(f"/tracker/incidents/{incident.pk}/"), "mini-map__mark")
        for shape in (square(170, 60, 20), square(-180, -90, 180), square(4, 51, 0.01)):
            area = draw(self.ann, shape)
            self.assertContains(self.get(f"/tracker/areas/{area.pk}/"), "mini-map__area")

    def test_the_country_is_named_from_the_base_map(self):
        for lon, lat, name in ((2.35, 48.86, "France"), (-100, 40, "United States of America"), (-30, 30, "")):
            self.assertEqual(country_at(lon, lat), name)
        self.assertContains(self.get(f"/tracker/incidents/{report(self.sam, 2.35, 48.86).pk}/"), "· France")

    def test_changing_all_of_a_list_begins_a_job(self):
        report(self.ann)
        self.assertContains(self.get("/tracker/incidents/"), "Change all 1 of these")
        self.assertNotContains(self.get("/tracker/incidents/", self.bob), "Change all")
        self.client.force_login(self.ann)
        answer = self.client.post("/tracker/incidents/bulk/", {"kind": "close", "state": "open"})
        self.assertRedirects(answer, Run.objects.get().get_absolute_url())


class TileTests(PageCase):
    def policy(self, url):
        code = "from config import settings; print(settings.CONTENT_SECURITY_POLICY['DIRECTIVES']['img-src'])"
        environment = {"DEBUG": "1", "TRACKER_TILE_URL": url, "STATE_DIR": str(settings.STATE_DIR)}
        return subprocess.run(
            [sys.executable, "-c", code], env=environment, cwd=settings.BASE_DIR, capture_output=True, text=True
        )

    def test_the_policy_follows_the_tile_server(self):
        self.assertIn("'https://*.tiles.example.org'", self.policy("https://{s}.tiles.example.org/{z}/{x}/{y}.png").stdout)
        self.assertNotIn("http", self.policy("").stdout)

    def test_an_address_that_is_none_stops_the_start(self):
        self.assertIn("TRACKER_TILE_URL", self.policy("javascript:alert(1)").stderr)
