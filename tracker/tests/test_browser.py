"""The map as people use it: two of them, in two browsers, on a real server."""

import json
from urllib.request import Request, urlopen
from uuid import uuid4

import pytest
from django.test import SimpleTestCase

from realtime.tests.browser import chromium, wait_for
from tests.axe import violations
from tests.server import running_server

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from tracker.tests.people import square
from tracker.tests.tabs import MapTab

pytestmark = pytest.mark.browser

TOKENS = """
import json
from django.contrib.auth.models import User
from realtime.models import AccessToken
people = User.objects.all()
print(json.dumps({user.username: AccessToken.issue(user, "test", "tracker:read tracker:write")[1] for user in people}))
"""

LIES_IN = """(() => {{
    const [outer, inner] = [...document.querySelectorAll('{}, {}')].map((one) => one.getBoundingClientRect());
    const [x, y] = [inner.x + inner.width / 2, inner.y + inner.height / 2];
    return outer.left < x && x < outer.right && outer.top < y && y < outer.bottom;
}})()"""


class MapCase(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(running_server(RATE_LIMITS="off"))
        cls.tokens = json.loads(cls.server.run(TOKENS))
        cls.browser = cls.enterClassContext(chromium())

    def setUp(self):
        self.tabs = []

    def tearDown(self):
        for tab in self.tabs:
            tab.close()
        for tab in self.tabs:
            self.assertEqual(tab.watch.unexpected, [])

    def tab(self, person, path="/tracker/#map=6/50/10", **options):
        tab = MapTab(self.browser, self.server, person, **options)
        self.tabs.append(tab)
        return tab.open(path)

    def command(self, user, type, feed, **facts):
        """Somebody does something elsewhere: by a program, on the same server."""
        body = {"type": type, "client_id": str(uuid4()), "feed": feed, **facts}
        headers = {"Authorization": f"Bearer {self.tokens[user]}", "Content-Type": "application/json"}
        with urlopen(Request(f"{self.server.url}/commands/", json.dumps(body).encode(), headers), timeout=20) as answer:
            return json.load(answer)["id"]

    def report(self, name, lon, lat, severity=3, user="sam", description=""):
        facts = {"name": name, "lon": lon, "lat": lat, "severity": severity, "description": description}
        return self.command(user, "tracker.incident.report", "tracker.map.1", **facts)

    def draw(self, name, user, west, south, side):
        feed = f"tracker.watch.{self.server.people[user]['id']}"
        return self.command(user, "tracker.area.save", feed, name=name, severity=5, geometry=square(west, south, side))

    def clean(self, tab):
        tab.watch.expected.append("Applying inline style")  # axe parses elements again, with the places that scripts gave them
        self.assertEqual(violations(tab.page), [])


class LiveTests(MapCase):
    def test_what_one_reports_the_other_sees_at_once_and_its_end_too(self):
        ann, bob = self.tab("ann"), self.tab("bob")
        ann.report("Fire on the pier", "Urgent", at=(700, 450))
        ann.toast("It is on the map.")
        bob.sees("Fire on the pier")
        expect(bob.row("Fire on the pier").locator('[data-fact="severity"]')).to_have_text("Urgent")
        details = ann.choose("Fire on the pier")
        details.locator('[data-act="edit-incident"]').click()
        form = ann.panel("incident")
        form.locator(".severity-choice__one", has_text="Low").click()
        form.locator("[data-submit]").click()
        expect(bob.row("Fire on the pier").locator('[data-fact="severity"]')).to_have_text("Low")
        details = ann.choose("Fire on the pier")
        expect(details.locator(".history__list")).to_contain_text("ann lowered it from Urgent to Low")
        details.locator('[data-act="close-incident"]').click()
        bob.misses("Fire on the pier")
        ann.misses("Fire on the pier")
        expect(details.locator('[data-act="reopen-incident"]')).to_be_visible()
        details.locator('[data-act="reopen-incident"]').click()
        bob.sees("Fire on the pier")

    def test_what_the_map_does_not_show_is_not_told_until_it_does(self):
        bob = self.tab("bob", "/tracker/#map=9/50/10")
        frames = []
        bob.page.on("websocket", lambda socket: socket.on("framereceived", lambda frame: frames.append(str(frame))))
        bob.page.reload()
        bob.is_ready()
        ann = self.tab("ann", "/tracker/#map=9/-20/-50")
        ann.report("Far away")
        ann.sees("Far away")
        ann.page.goto(f"{self.server.url}/tracker/#map=9/50/10")
        ann.page.reload()
        ann.is_ready()
        ann.report("Close by")
        bob.sees("Close by")
        self.assertEqual([frame for frame in frames if "Far away" in frame], [])
        bob.page.evaluate("location.assign('#map=9/-20/-50')")
        bob.sees("Far away")

    def test_panning_and_zooming_show_what_is_there(self):
        self.report("East of here", 30, 50)
        tab = self.tab("bob", "/tracker/#map=6/50/-20")
        tab.misses("East of here")
        tab.page.locator(".map").focus()
        for _ in range(3):
            tab.act("zoom-out")
        tab.sees("East of here")

    def test_what_is_reported_while_away_goes_out_once_and_what_was_missed_is_there(self):
        ann, bob = self.tab("ann"), self.tab("bob")
        with ann.away():
            ann.report("Made in a tunnel")
            ann.toast("You are offline")
            self.report("While you were out", 11, 50)
            bob.sees("While you were out")
            bob.misses("Made in a tunnel")
        ann.sees("While you were out")
        bob.sees("Made in a tunnel")
        ann.sees("Made in a tunnel")

    def test_what_the_server_refuses_comes_back_into_the_form(self):
        ann = self.tab("ann")
        ann.act("report")
        form = ann.panel("incident")
        form.locator("[data-submit]").click()
        expect(form.locator("[data-errors]")).to_have_text("Say in a few words what has happened.")
        form.locator('[name="name"]').fill("Somewhere")
        form.locator('[name="lat"]').fill("123")
        form.locator("[data-submit]").click()
        expect(form.locator('[name="lat"]')).to_be_focused()

    def test_the_owner_of_an_area_is_alerted_on_the_map_and_anywhere_else(self):
        self.draw("Quay", "ann", 20, 40, 2)
        on_map, elsewhere = self.tab("ann", "/tracker/#map=7/41/21"), self.tab("ann", "/chat/")
        bob = self.tab("bob", "/tracker/#map=7/41/21")
        expect(elsewhere.page.locator("connection-status")).to_have_attribute("data-state", "live")
        self.report("Oil spill", 21, 41, severity=1)
        toast = on_map.toast("Urgent: Oil spill")
        expect(on_map.page.locator(".mark[data-alert]")).to_have_count(1)
        expect(on_map.row("Oil spill")).to_have_attribute("data-alert", "")
        expect(elsewhere.page.locator(".toast").filter(has_text="Oil spill")).to_have_count(1)
        expect(bob.page.locator(".mark[data-alert]")).to_have_count(0)
        on_map.page.evaluate("window.isSamePage = true")
        toast.get_by_role("link").click()
        expect(on_map.panel("details").locator(".incident__name")).to_have_text("Oil spill")
        expect(toast).to_have_count(0)
        self.assertTrue(on_map.page.evaluate("window.isSamePage"))
        expect(on_map.page.locator(".mark[data-alert]")).to_have_count(0)
        inbox = self.tab("ann", "/notifications/")
        expect(inbox.page.locator("main")).to_contain_text("Urgent: Oil spill")

    def test_the_notification_leads_to_the_incident_and_is_gone_when_it_is_over(self):
        self.draw("Bay", "bob", -40, 30, 2)
        incident = self.report("Wreck", -39, 31, severity=2)
        bob = self.tab("bob", "/notifications/")
        line = bob.page.locator("main a").filter(has_text="High: Wreck")
        expect(line).to_have_count(1)
        line.click()
        expect(bob.panel("details").locator(".incident__name")).to_have_text("Wreck")
        bob.sees("Wreck")
        inbox = self.tab("bob", "/notifications/?folder=all")
        expect(inbox.page.locator("main")).to_contain_text("Wreck")
        self.server.run(
            f"from tracker.models import Incident\nit = Incident.objects.get(pk={incident})\nit.closed = True\nit.save()"
        )
        bob.page.reload()
        inbox.page.reload()
        expect(inbox.page.locator("main")).not_to_contain_text("Wreck")

    def test_an_area_is_drawn_by_mouse_changed_and_deleted_and_had_back(self):
        ann = self.tab("ann", "/tracker/#map=6/10/60")
        ann.draw((600, 300), (800, 300), (800, 450), (600, 450))
        ann.save_area("Strait")
        areas = ann.page.locator("path[data-area]")
        expect(areas).to_have_count(1)
        ann.page.mouse.click(700, 380)
        expect(ann.panel("area").locator('[name="name"]')).to_have_value("Strait")
        ann.panel("area").locator('[name="name"]').fill("The strait")
        ann.panel("area").locator("[data-submit]").click()
        ann.toast("“The strait” is watched.")
        ann.page.mouse.click(700, 380)
        ann.act("delete-area")
        expect(areas).to_have_count(0)
        ann.toast("“The strait” is no longer watched.").get_by_role("button", name="Undo").click()
        expect(areas).to_have_count(1)
        shapes = self.server.rows("SELECT name, geometry FROM tracker_areaofinterest WHERE name = 'The strait'")
        self.assertEqual(len(shapes), 1)

    def test_an_area_is_drawn_and_changed_by_keyboard(self):
        bob = self.tab("bob", "/tracker/#map=5/-20/80")
        bob.act("draw")
        expect(bob.page.locator("[data-draw-bar]")).to_be_visible()
        for key in ("Space", "ArrowRight", "ArrowRight", "Space", "ArrowDown", "ArrowDown", "Space"):
            before = bob.page.url
            bob.page.keyboard.press(key)
            if key != "Space":
                bob.page.wait_for_url(lambda url, before=before: url != before)
        bob.page.keyboard.press("Enter")
        expect(bob.panel("area")).to_be_visible()
        bob.save_area("By hand")
        area = bob.page.locator("path[data-area]")
        expect(area).to_have_count(1)
        [(drawn,)] = self.server.rows("SELECT geometry FROM tracker_areaofinterest WHERE name = 'By hand'")
        area.focus()
        bob.page.keyboard.press("Enter")
        hint = bob.page.locator("[data-hint]")
        expect(hint).to_contain_text("[ and ] choose one")
        bob.panel("area").locator('[name="name"]').fill("Bent by hand")
        bob.panel("area").get_by_role("button", name="Next corner").press("Enter")
        expect(hint).to_contain_text("Corner 1 of 3")
        for key, told in (("+", "2 of 4"), ("Shift+ArrowUp", "2 of 4"), ("]", "3 of 4"), ("Delete", "3 of 3")):
            bob.page.keyboard.press(key)
            expect(hint).to_contain_text(told)
        bob.page.keyboard.press("Delete")
        expect(hint).to_contain_text("of 3")
        bob.page.keyboard.press("Enter")
        expect(bob.panel("area")).to_be_hidden()
        bob.toast("“Bent by hand” is watched.")
        [(changed,)] = self.server.rows("SELECT geometry FROM tracker_areaofinterest WHERE name = 'Bent by hand'")
        before, after = ([tuple(at) for at in json.loads(shape)["coordinates"][0]] for shape in (drawn, changed))
        self.assertEqual(len(after), 4)
        self.assertEqual(len(set(before) & set(after)), 2)

    def test_an_area_is_drawn_by_touch(self):
        cat = self.tab("cat", "/tracker/#map=6/-40/60", has_touch=True)
        cat.act("draw")
        expect(cat.page.locator("[data-draw-bar]")).to_be_visible()
        for corner in ((600, 300), (800, 300), (700, 450), (600, 300)):
            cat.page.touchscreen.tap(*corner)
        expect(cat.panel("area")).to_be_visible()
        cat.save_area("By finger")
        expect(cat.page.locator("path[data-area]")).to_have_count(1)

    def test_a_corner_is_dragged_by_mouse(self):
        area = self.draw("Dragged", "dan", 60, 10, 2)
        dan = self.tab("dan", "/tracker/#map=7/11/61")
        path = dan.page.locator(f'[data-area="{area}"]')
        box = path.bounding_box()
        x, y = box["x"] + 1, box["y"] + 1  # the corner in the north-west; the line is two pixels wide
        path.click()
        expect(dan.page.locator("[data-hint]")).to_contain_text("Drag the corners")
        dan.page.mouse.move(x, y)
        dan.page.mouse.down()
        dan.page.mouse.move(x - 60, y - 30, steps=5)
        dan.page.mouse.up()
        dan.panel("area").locator("[data-submit]").click()
        dan.toast("“Dragged” is watched.")
        [(shape,)] = self.server.rows("SELECT geometry FROM tracker_areaofinterest WHERE name = 'Dragged'")
        corners = {tuple(at) for at in json.loads(shape)["coordinates"][0]}
        self.assertEqual(len(corners & {(60, 10), (62, 10), (62, 12), (60, 12)}), 3)
        self.assertNotIn((60, 12), corners)

    def test_what_is_drawn_while_the_page_asks_for_the_areas_is_not_lost(self):
        earlier = self.draw("Earlier", "dan", 9, 49, 1)
        held = []
        dan = self.tab("dan", "/tracker/")
        dan.page.route("**/tracker/areas.geojson", lambda route: held.append((route, route.fetch())))
        dan.page.reload()
        dan.is_ready()
        later = self.draw("Later", "dan", 11, 49, 1)
        expect(dan.page.locator(f'[data-area="{later}"]')).to_have_count(1)
        [(route, answer)] = held
        route.fulfill(response=answer)
        expect(dan.page.locator(f'[data-area="{earlier}"]')).to_have_count(1)
        expect(dan.page.locator(f'[data-area="{later}"]')).to_have_count(1)

    def test_only_what_is_in_ones_own_areas(self):
        area = self.draw("Mine", "eve", 100, 20, 4)
        self.draw("Hers", "fay", 106, 20, 4)
        for name, lon in (("In mine", 102), ("In hers", 108), ("In none", 112)):
            self.report(name, lon, 22)
        eve = self.tab("eve", "/tracker/#map=6/22/106")
        for name in ("In mine", "In hers", "In none"):
            eve.sees(name)
        shown = eve.page.locator("path[data-area]").evaluate_all("paths => paths.map((path) => Number(path.dataset.area))")
        self.assertEqual(set(shown), {area})
        eve.page.get_by_label("In my areas").check()
        eve.sees("In mine")
        eve.misses("In hers")
        eve.misses("In none")
        eve.page.evaluate("location.hash = '#map=3/22/-185'")  # on the other side of the antimeridian they stay together
        wait_for(eve.page, LIES_IN.format(f'[data-area="{area}"]', '.mark[title="In mine"]'))


class PageTests(MapCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls("setUp")
        cls.fire = case.report("Fire in the docks", 10, 50, severity=1, user="ann", description="Smoke over the whole quarter")
        case.report("Parade", 11, 50.5, severity=5)
        case.report('<img src=x onerror="document.title=1">', 9, 49.5, severity=4)
        cls.area = case.draw("<b>Docks</b>", "ann", 8, 49, 3)

    def test_filters_by_severity_and_words(self):
        tab = self.tab("bob")
        tab.page.locator(".severity-chip", has_text="Info").click()
        tab.misses("Parade")
        tab.sees("Fire in the docks")
        tab.page.locator(".severity-chip", has_text="Info").click()
        tab.page.locator('[data-filters] [name="q"]').fill("smoke quarter")
        tab.misses("Parade")
        tab.sees("Fire in the docks")
        tab.page.locator('[data-filters] [name="q"]').fill("")
        tab.sees("Parade")

    def test_by_age_and_to_where_one_is(self):
        code = "from datetime import timedelta\nfrom tracker.models import Incident\nit = Incident.objects.get(name='Parade')"
        self.server.run(f"{code}\nit.created_at -= timedelta(hours=2)\nit.save()")
        place = {"latitude": 50.4, "longitude": 10.9}
        tab = self.tab("bob", permissions=["geolocation"], geolocation=place)
        tab.page.get_by_label("Reported", exact=True).select_option("1")
        tab.misses("Parade")
        tab.sees("Fire in the docks")
        tab.act("locate")
        tab.page.wait_for_url("**/tracker/#map=10/50.4000/10.9000")

    def test_the_address_leads_back_to_the_view_and_the_incident(self):
        tab = self.tab("bob", "/tracker/#map=7/50/10")
        tab.choose("Fire in the docks")
        tab.page.wait_for_url(f"**?incident={self.fire}#map=7/**")
        again = self.tab("ann", f"/tracker/?incident={self.fire}#map=7/50/10")
        expect(again.panel("details").locator(".incident__name")).to_have_text("Fire in the docks")
        expect(again.page.locator(".mark[data-selected]")).to_have_count(1)
        bare = self.tab("ann", f"/tracker/?incident={self.fire}")
        bare.is_ready()
        bare.sees("Fire in the docks")

    def test_escape_closes_the_details_and_focus_goes_back(self):
        tab = self.tab("bob")
        tab.row("Parade").locator("a").focus()
        tab.page.keyboard.press("Enter")
        expect(tab.panel("details").locator("h2")).to_be_focused()
        tab.page.keyboard.press("Escape")
        expect(tab.panel("details")).to_be_hidden()
        expect(tab.row("Parade").locator("a")).to_be_focused()
        tab.page.keyboard.press("ArrowUp")
        expect(tab.row("Parade").locator("a")).not_to_be_focused()

    def test_names_are_text_everywhere(self):
        tab = self.tab("ann")
        tab.choose('<img src=x onerror="document.title=1">')
        for path in ("/tracker/incidents/", "/tracker/areas/", f"/tracker/areas/{self.area}/"):
            self.tab("ann", path)
        for tab in self.tabs:
            expect(tab.page.locator("main img[src=x]")).to_have_count(0)
            self.assertNotEqual(tab.page.title(), "1")
        expect(self.tabs[-1].page.locator("h1")).to_have_text("<b>Docks</b>")

    def test_a_phone_shows_the_map_or_the_list(self):
        tab = self.tab("bob", viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
        expect(tab.page.locator(".panes__side")).to_be_hidden()
        tab.page.get_by_role("button", name="Show the list").click()
        expect(tab.page.locator(".map")).to_be_hidden()
        tab.row("Fire in the docks").locator("a").click()
        expect(tab.panel("details")).to_be_visible()
        bottom, top = (
            f"document.querySelector('{part}').getBoundingClientRect()"
            for part in (".mark[data-selected]", "[data-panel=details]")
        )
        wait_for(tab.page, f"{bottom}.bottom < {top}.top")
        self.assertEqual(tab.page.evaluate("document.documentElement.scrollWidth"), 320)

    def test_nothing_is_wrong_for_assistive_technology(self):
        for scheme in ("light", "dark"):
            tab = self.tab("ann", color_scheme=scheme)
            self.clean(tab)
            tab.choose("Fire in the docks")
            self.clean(tab)
            tab.act("report")
            self.clean(tab)
        for path in (
            "/tracker/incidents/",
            f"/tracker/incidents/{self.fire}/",
            f"/tracker/incidents/{self.fire}/edit/",
            f"/tracker/incidents/{self.fire}/delete/",
            "/tracker/report/",
            "/tracker/areas/",
            f"/tracker/areas/{self.area}/",
            f"/tracker/areas/{self.area}/edit/",
            "/tracker/areas/new/",
            "/tracker/runs/",
            "/tracker/programs/",
        ):
            with self.subTest(path):
                self.clean(self.tab("ann", path))

    def test_without_scripts_one_can_report_read_change_and_watch(self):
        tab = self.tab("cat", "/tracker/", java_script_enabled=False)
        page = tab.page
        expect(page.locator(".tracker__map noscript")).to_be_visible()
        page.get_by_role("link", name="reporting one").click()
        page.fill("[name=name]", "Without scripts")
        page.fill("[name=lat]", "1.5")
        page.fill("[name=lon]", "2.5")
        page.locator("main form button").last.click()
        expect(page.locator(".incident__name")).to_have_text("Without scripts")
        page.get_by_role("button", name="Close").click()
        expect(page.locator(".incident__tags")).to_contain_text("Closed")
        page.goto(f"{self.server.url}/tracker/areas/new/")
        page.fill("[name=name]", "By text")
        page.fill("[name=geometry]", '{"type": "Polygon", "coordinates": [[[0,0],[5,0],[5,5],[0,0]]]}')
        page.locator("main form button").last.click()
        expect(page.locator("h1")).to_have_text("By text")

    def test_an_import_shows_how_far_it_is(self):
        tab = self.tab("dan", "/tracker/runs/")
        rows = "name,lat,lon,id\n" + "".join(f"Row {n},{n % 80},{n % 170},{n}\n" for n in range(600)) + "Bad,99,0,bad\n"
        tab.page.set_input_files("[name=file]", {"name": "rows.csv", "mimeType": "text/csv", "buffer": rows.encode()})
        tab.page.get_by_role("button", name="Import").click()
        run = tab.page.locator("run-progress")
        expect(run.locator('[data-fact="status"]')).to_have_text("done", timeout=20_000)
        expect(tab.page.locator(".failures")).to_contain_text("latitude")
        expect(run.locator('[data-fact="created"]')).to_have_text("600")


class LanguageTests(MapCase):
    def test_what_comes_live_is_said_in_the_language_of_the_page(self):
        tab = self.tab("bob", "/tracker/#map=6/-45/100", locale="de-DE")
        self.report("Heute neu", 100, -45, severity=1)
        row = tab.sees("Heute neu")
        expect(row.locator('[data-fact="severity"]')).to_have_text("Dringend")
        expect(tab.page.locator("[data-count]")).to_have_text("1 Vorfall")
        expect(tab.page.locator("[data-scope]")).to_have_text("in diesem Teil der Karte")
        expect(tab.mark("Heute neu")).to_have_attribute("aria-label", "Dringend: Heute neu")
        tab.report("Hier", severity="Hoch")
        tab.toast("Es ist auf der Karte.")
        expect(tab.panel("details").locator(".severity-tag")).to_contain_text("Hoch")
