"""The dashboard as staff use it, in a browser beside a real server."""

import json

import pytest
from django.test import SimpleTestCase

from dashboard.tests.running import PATHS, STAFF
from realtime.tests.browser import Watch, chromium, wait_for
from tests.axe import violations
from tests.server import running_server

pytestmark = pytest.mark.browser

SCHEMES = ["light", "dark"]
LEFT = "ERR_ABORTED"  # a stream that ends because its page was left

# Ten minutes of ticks and live parts, as fast as the page takes them. Returns how much of everything there is before and after.
TEN_MINUTES = """async () => {
  const measure = () => ({
    nodes: document.querySelectorAll("*").length,
    points: Math.max(...[...document.querySelectorAll("live-chart")].map((chart) => chart.length)),
    canvases: document.querySelectorAll("canvas").length,
  });
  const live = document.getElementById("live");
  const page = document.querySelector("live-page");
  const start = Math.floor(Date.now() / 1000) + 1000;
  const html = live.innerHTML;
  const tick = async (second) => {
    const point = { t: start + second, sent: second % 7, delivered: second % 11, lost: 0, connections: 5, p50: 1, p95: 2 };
    document.dispatchEvent(new CustomEvent("dashboard:tick", { detail: { point } }));
    page.show(html);
    if (second % 20 === 0) await new Promise(requestAnimationFrame);
  };
  for (let second = 0; second < 350; second++) await tick(second);
  const before = measure();
  for (let second = 350; second < 950; second++) await tick(second);
  return [before, measure()];
}"""

TWO_TICKS_WITH_A_MARK = """() => {
  const t = Math.floor(Date.now() / 1000) + 5;
  const marks = [{ t, kind: "lost", text: "Process daphne 7 on h was lost" }];
  for (const point of [{ t }, { t: t + 1 }])
    document.dispatchEvent(new CustomEvent("dashboard:tick", { detail: { point, marks } }));
}"""


class DashboardTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(running_server())
        cls.session = cls.server.run(STAFF).split()[-1]
        cls.browser = cls.enterClassContext(chromium())

    def open(self, path="", session="", **options):
        context = self.browser.new_context(**{"viewport": {"width": 1280, "height": 800}} | options)
        self.addCleanup(context.close)
        context.add_cookies([{"name": "sessionid", "value": session or self.session, "url": self.server.url}])
        page = context.new_page()
        page.watch = Watch(page, expected=[LEFT])
        self.addCleanup(lambda: self.assertEqual(page.watch.unexpected, []))
        page.goto(f"{self.server.url}/dashboard/{path}")
        page.evaluate("document.querySelectorAll('[id^=djDebug]').forEach((part) => part.remove())")
        page.watch.complaints.clear()  # the toolbar misses its parts
        return page

    def live(self, page):
        page.locator("live-page[data-state=live]").wait_for()
        return page

    def test_the_overview_is_live_and_shows_who_is_here(self):
        page = self.live(self.open())
        page.locator("#tile-connections .tile__value").filter(has_text="1").wait_for()
        before = page.locator(".sentence__age").text_content()
        wait_for(page, f"document.querySelector('.sentence__age').textContent !== {json.dumps(before)}", 10)
        self.assertEqual(page.locator("live-chart canvas").count(), 4)
        wait_for(page, "document.querySelector('live-chart').getAttribute('aria-label').includes('Now:')")

    def test_in_german_what_comes_and_the_charts_are_german_too(self):
        page = self.live(self.open(locale="de-DE"))
        self.assertEqual(page.locator(".stream-state__pause").text_content(), "Pause")
        before = page.locator(".sentence__age").text_content()
        wait_for(page, f"document.querySelector('.sentence__age').textContent !== {json.dumps(before)}", 10)
        self.assertRegex(page.locator(".sentence__age").text_content(), r"melde[nt] sich, \d,\d s alt")
        wait_for(
            page, "document.querySelector('live-chart').getAttribute('aria-label').startsWith('Diagramm. Jetzt: Zugestellt ')"
        )
        page.get_by_role("button", name="Pause").click()
        page.get_by_role("button", name="Fortsetzen").wait_for()
        self.assertEqual(page.locator(".stream-state__text").text_content(), "Pausiert")

    def test_every_page_fits_the_narrowest_window_and_is_accessible(self):
        for number, path in enumerate(PATHS):
            with self.subTest(path):
                # A button's colours take a moment to change; axe would measure on the way.
                looks = {"color_scheme": SCHEMES[number % 2], "reduced_motion": "reduce"}
                page = self.live(self.open(path, viewport={"width": 320, "height": 640}, **looks))
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                self.assertEqual(wide, 0)
                page.watch.check()
                self.assertEqual(violations(page), [])
                page.emulate_media(color_scheme=SCHEMES[(number + 1) % 2])
                self.assertEqual(violations(page), [])
                page.watch.complaints.clear()  # axe tries a style of its own

    def test_everything_can_be_done_with_the_keyboard(self):
        page = self.live(self.open("groups/"))
        page.keyboard.press("/")
        self.assertEqual(page.evaluate("document.activeElement.id"), "search")
        page.keyboard.type("realtime")
        page.keyboard.press("Enter")
        page.wait_for_url("**/groups/?q=realtime**")
        self.live(page).locator("#group-rows a").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_url("**/groups/realtime.user.*/")

    def test_a_focused_row_and_an_open_explanation_stay_while_the_page_changes(self):
        page = self.live(self.open())
        page.locator("#tile-sent .why").click()
        age = page.locator(".sentence__age").text_content()
        wait_for(page, f"document.querySelector('.sentence__age').textContent !== {json.dumps(age)}", 10)
        self.assertTrue(page.locator("#why-sent").is_visible())
        page.keyboard.press("Escape")
        self.assertEqual(page.evaluate("document.activeElement.closest('.tile').id"), "tile-sent")

    def test_a_hidden_page_has_no_stream_and_one_that_is_shown_again_has(self):
        page = self.live(self.open())
        hide = "(is) => { Object.defineProperty(document, 'hidden', { value: is, configurable: true }); %s }"
        say = "document.dispatchEvent(new Event('visibilitychange'))"
        page.evaluate(hide % say, True)
        self.assertFalse(page.evaluate("document.querySelector('live-page').isFollowing"))
        page.evaluate(hide % say, False)
        self.assertTrue(page.evaluate("document.querySelector('live-page').isFollowing"))

    def test_pause_stops_it_and_go_on_goes_on(self):
        page = self.live(self.open())
        page.get_by_role("button", name="Pause").click()
        page.locator("live-page[data-state=paused]").wait_for()
        self.assertFalse(page.evaluate("document.querySelector('live-page').isFollowing"))
        page.get_by_role("button", name="Go on").click()
        self.live(page)

    def test_ten_minutes_of_ticks_leave_the_page_as_big_as_it_was(self):
        page = self.live(self.open())
        wait_for(page, "[...document.querySelectorAll('live-chart')].every((chart) => chart.length)", 10)
        page.get_by_role("button", name="Pause").click()
        before, after = page.evaluate(TEN_MINUTES)
        self.assertEqual(after, before)
        self.assertEqual(after["points"], 300)

    def test_what_happens_while_somebody_looks_is_marked_once_in_the_charts(self):
        page = self.live(self.open())
        wait_for(page, "[...document.querySelectorAll('live-chart')].every((chart) => chart.length)", 10)
        page.get_by_role("button", name="Pause").click()
        page.evaluate(TWO_TICKS_WITH_A_MARK)
        chart = page.locator("live-chart").first
        wait_for(page, "document.querySelector('live-chart').getAttribute('aria-label').includes('was lost')")
        self.assertEqual(chart.get_attribute("aria-label").count("Process daphne 7 on h was lost"), 1)

    def test_a_history_that_cannot_be_read_says_so_and_offers_to_try_again(self):
        page = self.open()
        page.watch.expected.append("503")
        page.route("**/history/points/*", lambda route: route.fulfill(status=503, json={"away": "gone"}))
        page.goto(f"{self.server.url}/dashboard/history/")
        page.get_by_text("The history could not be read").wait_for()
        page.unroute("**/history/points/*")
        page.get_by_role("button", name="Try again").click()
        page.locator("live-chart canvas").nth(5).wait_for()
        self.assertFalse(page.get_by_text("The history could not be read").is_visible())

    def test_with_reduced_motion_nothing_moves_by_itself(self):
        page = self.live(self.open(reduced_motion="reduce"))
        moving = "document.getAnimations().filter((one) => one.effect.getComputedTiming().duration > 10).length"
        self.assertEqual(page.evaluate(moving), 0)

    def test_without_scripts_the_pages_can_be_read(self):
        context = self.browser.new_context(java_script_enabled=False)
        self.addCleanup(context.close)
        context.add_cookies([{"name": "sessionid", "value": self.session, "url": self.server.url}])
        page = context.new_page()
        page.goto(f"{self.server.url}/dashboard/groups/")
        self.assertTrue(page.locator("#live").is_visible())
        self.assertTrue(page.get_by_text("Not live: reload").is_visible())

    def test_a_tap_shows_what_is_sent_and_a_socket_is_disconnected(self):
        page = self.live(self.open("groups/"))
        name = page.locator("#group-rows a", has_text="realtime.user.").first.text_content()
        page.goto(f"{self.server.url}/dashboard/groups/{name}/")
        self.live(page).get_by_role("button", name="Show shapes").click()
        page.get_by_text("The next messages are shown here").first.wait_for()
        page.get_by_text("Send a message to all members").click()
        page.get_by_label("Message (JSON").fill('{"type": "realtime.nothing", "text": "hello"}')
        page.get_by_role("button", name="Send", exact=True).click()
        page.get_by_text("Sent to").first.wait_for()
        page.locator(".tapped pre").filter(has_text="text, 5").first.wait_for()
        page.goto(f"{self.server.url}/dashboard/audit/")
        self.assertEqual(page.locator("tbody tr").filter(has_text="boss").count(), 2)
