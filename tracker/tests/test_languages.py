"""The tracker in the reader's language; what is data stays as it is."""

import json
import re
from uuid import uuid4

from asgiref.sync import sync_to_async
from django.core.files.uploadedfile import SimpleUploadedFile
from django.template import Context
from django.template.loader import get_template
from django.utils import translation

from realtime import jobs
from realtime.signals import user_notified
from realtime.testing import Browser, RealtimeTestCase
from tests.languages import PSEUDO, leftovers, pseudo_language
from tracker import services
from tracker.frames import MAP
from tracker.models import Incident, Run, Severity
from tracker.observations import Observation
from tracker.tests.people import change, draw, person, report, square

GERMAN = {"Accept-Language": "de"}
CSV = b"name,lat,lon,severity\na,1,2,3\n,1,2,3\nb,99,2,3\nc,1,2,9\n"
NAMES = ["ann", "sam", "Harbour", "Belt", "Flood", "Fire", "Quake", "Gauge", "Over", "a.csv", "b.json", "usgs", "tracker:read"]
CODES = ["geojson", "GeoJSON", "csv", "CSV", "prog", "France", "Nigeria", "UTC", "Natural Earth"]


class PageCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.enterContext(translation.override("en-gb"))  # a request leaves its language to the thread
        self.ann, self.sam = person("ann"), person("sam", is_staff=True)

    def fill(self):
        """Rows of each kind."""
        self.mine = draw(self.ann, severity=Severity.HIGH)
        self.shared = draw(self.sam, square(1, 1), name="Belt", is_shared=True, is_active=False, severity=Severity.URGENT)
        draw(self.ann, square(-40, -40, 3.5), name="Belt", is_active=False)
        self.incident = report(self.ann, 2.35, 48.86, severity=Severity.LOW)
        change(self.ann, self.incident, severity=Severity.URGENT)
        change(self.sam, self.incident, severity=Severity.HIGH, name="Fire", lon=2.5, description="Smoke", closed=True)
        change(self.sam, self.incident, closed=False)
        self.visitors = report(None, 5.5, 5.5, name="Gauge", address="192.0.2.1")
        self.over = report(self.sam, 6, 6, name="Over", severity=Severity.HIGH)
        change(self.sam, self.over, closed=True)
        said = Observation("Quake", 3.5, 3.5, Severity.URGENT, url="https://usgs.example/", external_id="1")
        services.ingest(self.ann, "usgs", [said])
        self.client.force_login(self.ann)
        for name, content, facts in (("a.csv", CSV, {}), ("b.json", b"{}", {"is_dry_run": "on"})):
            self.send(name, content, **facts)
        jobs.run_due()
        asked = {"kind": "severity", "value": "2", "state": "open"}
        self.client.post("/tracker/incidents/bulk/", asked, headers=PSEUDO)
        self.client.post("/tracker/programs/", {"name": "prog", "scopes": ["tracker:read"]})

    def send(self, name, content, **facts):
        facts = {"file": SimpleUploadedFile(name, content), "format": "", "source": "", **facts}
        return self.client.post("/tracker/runs/", facts, headers=PSEUDO)

    def pages(self):
        yield "/tracker/"
        for place in ("?state=all", "?q=Fire&severity=2", "?q=nothing", "?hours=x", "?page=2"):
            yield f"/tracker/incidents/{place}"
        for place in ("areas/", "areas/new/", "runs/", "programs/", "report/"):
            yield f"/tracker/{place}"
        for incident in Incident.objects.all():
            yield incident.get_absolute_url()
        for thing in (self.incident, self.mine, self.shared):
            yield from (f"{thing.get_absolute_url()}{page}" for page in ("", "edit/", "delete/"))
        for run in Run.objects.all():
            yield run.get_absolute_url()


class WordTests(PageCase):
    def check(self, answer):
        """All but the site's header, which is that of other apps, too."""
        before, _, rest = answer.content.decode().partition('<header class="site-header">')
        page = before + "<main" + rest.partition("<main")[2]
        page = re.sub(r"(<textarea[^>]*>)[^<]*", r"\1", page)
        page = re.sub(r"<(/?)option\b", r"<\1p", page)  # which are left out elsewhere
        data = [*NAMES, *CODES, *re.findall(r"bc_\w+", page)]
        self.assertEqual(leftovers(page, data), [], answer.request["PATH_INFO"])

    def test_every_word_of_the_pages_can_be_translated(self):
        with pseudo_language():
            self.fill()
            for user in (self.ann, self.sam):
                self.client.force_login(user)
                for url in self.pages():
                    self.check(self.client.get(url, headers=PSEUDO))
            self.client.logout()
            self.check(self.client.get("/tracker/report/", headers=PSEUDO))

    def test_so_can_empty_pages_and_what_follows_a_form(self):
        bow_tie = json.dumps({"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]})
        with pseudo_language():
            self.client.force_login(self.ann)
            for page in ("", "incidents/", "areas/", "runs/", "programs/"):
                self.check(self.client.get(f"/tracker/{page}", headers=PSEUDO))
            for page, facts in (
                ("areas/new/", {"name": "", "severity": "9", "geometry": "{"}),
                ("areas/new/", {"name": "Harbour", "severity": "1", "geometry": bow_tie}),
                ("report/", {"name": "", "lat": "99", "lon": "x"}),
                ("runs/", {}),
                ("programs/", {"name": "prog"}),
                ("programs/", {"name": "prog", "scopes": ["tracker:read"]}),
                ("incidents/bulk/", {"kind": "close"}),
            ):
                self.check(self.client.post(f"/tracker/{page}", facts, headers=PSEUDO, follow=True))
            incident = report(self.ann)
            for page in ("close/", "delete/"):
                self.check(self.client.post(f"{incident.get_absolute_url()}{page}", headers=PSEUDO, follow=True))
            area = draw(self.ann)
            self.check(self.client.post(f"{area.get_absolute_url()}delete/", headers=PSEUDO, follow=True))
            facts = {"name": "Flood", "lat": "5.5", "lon": "5", "severity": 2, "client_id": str(uuid4())}
            self.check(self.client.post("/tracker/report/", facts, headers=PSEUDO, follow=True))

    def test_a_history_is_told_in_german(self):
        incident = report(self.ann, severity=Severity.LOW)
        change(self.ann, incident, severity=Severity.URGENT, name="Fire")
        self.client.force_login(self.ann)
        page = self.client.get(incident.get_absolute_url(), headers=GERMAN)
        self.assertContains(page, "ann: von Niedrig auf Dringend heraufgestuft, umbenannt, zuvor „Flood“")


class NumberTests(PageCase):
    def test_numbers_for_machines_have_points(self):
        self.fill()
        self.client.force_login(self.ann)
        decimal_comma = re.compile(r"\d,\d")
        for url in self.pages():
            page = self.client.get(url, headers=GERMAN).content.decode()
            for name, value in re.findall(r'\b(data-[\w-]+|value|min|max|step|cx|cy|r|viewBox)="([^"]*)"', page):
                self.assertIsNone(decimal_comma.search(value), (url, name, value))
            # A path is pairs: "M1.5,2L3,4"
            for path in re.findall(r'\bd="(M[^"]*)"', page):
                self.assertRegex(path, r"^(?:[ML]-?[\d.]+,-?[\d.]+|Z)+$|^M[\d .a-zA-Z-]+$")
        page = self.client.get(self.incident.get_absolute_url(), headers=GERMAN)
        self.assertContains(page, 'data-lat="48.86" data-lon="2.5"')
        self.assertContains(page, "48.8600, 2.5000 · Frankreich")
        self.assertRegex(page.content.decode(), r'cx="[\d.]+" cy="[\d.]+"')
        page = self.client.get(f"{self.incident.get_absolute_url()}edit/", headers=GERMAN)
        self.assertContains(page, 'name="lat" value="48.86"')


class ToldTests(PageCase):
    def test_an_alert_is_in_the_language_of_whoever_reads_it(self):
        told = []
        listener = lambda text, detail, **_: told.append((text, detail))  # noqa: E731
        user_notified.connect(listener, weak=False)
        self.addCleanup(user_notified.disconnect, listener)
        draw(self.ann)
        report(self.sam, severity=Severity.URGENT)
        report(self.sam, severity=Severity.LOW)
        draw(self.sam, name="Belt")
        self.assertEqual(told[0], ("Urgent: Flood", "In Harbour"))
        with translation.override("de"):
            self.assertEqual(
                [str(text) for text, _ in told], ["Dringend: Flood", "Niedrig: Flood", "2 offene Vorfälle in „Belt“"]
            )

    def test_several_alerts_in_one_line(self):
        template = get_template("notifications/kinds/tracker.alert.txt").template
        with translation.override("de"):
            facts = {"text": "Dringend: 100 % <Flut>", "count": 3, "area": "Hafen & Bucht"}
            line = template.render(Context(facts, autoescape=False))
        self.assertEqual(line, "Dringend: 100 % <Flut>, und 2 weitere in „Hafen & Bucht“")

    def test_rows_are_refused_in_the_language_of_who_sent_them(self):
        self.client.force_login(self.ann)
        facts = {"file": SimpleUploadedFile("a.csv", CSV), "format": "", "source": ""}
        self.client.post("/tracker/runs/", facts, headers=GERMAN)
        with translation.override("en-gb"):
            jobs.run_due()
        self.assertEqual(Run.objects.get().failures[0]["message"], "Ein Vorfall braucht einen Namen.")

    def test_what_programs_and_maps_read_is_in_no_language(self):
        incident = report(self.ann, 5.25, severity=Severity.HIGH)
        with translation.override("de"):
            feature = incident.geojson_feature
        self.assertEqual((feature["properties"]["severity"], feature["geometry"]["coordinates"]), (2, [5.25, 5.0]))

    async def test_a_refusal_on_the_socket_is_in_german(self):
        incident = await sync_to_async(report)(self.sam)
        async with await Browser.open(self.ann, **{"accept-language": "de"}) as browser:
            await browser.resume(tracker_map_1=None)
            facts = {"feed": MAP, "id": incident.pk, "client_id": str(uuid4()), "closed": True}
            await browser.send({"type": "tracker.incident.change", **facts})
            error = await browser.expect("realtime.error")
        self.assertEqual(error["message"], "Einen Vorfall darf nur ändern, wer ihn gemeldet hat, und das Personal.")
