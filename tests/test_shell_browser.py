"""What the shell does in a real browser."""

import pytest
from django.contrib.staticfiles.testing import StaticLiveServerTestCase

from realtime.tests.browser import Watch, chromium

pytestmark = pytest.mark.browser

STATUS_ELEMENT = """async () => {
  const { socket } = await import("/static/realtime/socket.js");
  await import("/static/js/connection-status.js");
  const element = document.createElement("connection-status");
  element.innerHTML = '<span class="connection__text"></span>';
  document.querySelector("main").append(element);
  return ["live", "reconnecting", "offline"].map((status) => {
    socket.dispatchEvent(new CustomEvent("status", { detail: status }));
    return [element.dataset.state, element.textContent, document.documentElement.dataset.connection];
  });
}"""


class ShellInABrowserTests(StaticLiveServerTestCase):
    def setUp(self):
        # Closed before the database is flushed: while it runs, Django takes this thread for an asynchronous one.
        self.browser = self.enterContext(chromium())

    def open(self, path="/", **options):
        page = self.browser.new_page(**options)
        page.goto(self.live_server_url + path)
        return page

    def test_a_chosen_theme_holds_from_the_first_paint_of_the_next_page(self):
        page = self.open(color_scheme="light")
        page.click("[popovertarget=user-menu]")
        page.click("theme-toggle [value=dark]")
        # Before any module has run, which is after the first paint.
        page.route("**/*-toggle.js", lambda route: route.abort())
        page.reload(wait_until="domcontentloaded")
        self.assertEqual(page.evaluate("document.documentElement.dataset.theme"), "dark")
        self.assertEqual(page.evaluate("getComputedStyle(document.documentElement).colorScheme"), "dark")

    def test_system_takes_the_choice_back(self):
        page = self.open(color_scheme="light")
        page.click("[popovertarget=user-menu]")
        page.click("theme-toggle [value=dark]")
        page.click("theme-toggle [value=system]")
        self.assertEqual(page.get_attribute("theme-toggle [value=system]", "aria-pressed"), "true")
        page.reload()
        self.assertFalse(page.evaluate("'theme' in document.documentElement.dataset"))

    def test_a_toast_shows_text_as_text_and_can_be_dismissed(self):
        page = self.open()
        page.evaluate("document.querySelector('toast-area').show('<b>Not saved</b>', 'error')")
        toast = page.locator(".toast")
        self.assertEqual(toast.locator("p").text_content(), "<b>Not saved</b>")
        toast.get_by_role("button", name="Dismiss").click()
        self.assertEqual(toast.count(), 0)

    def test_a_partial_request_that_fails_leaves_the_page_and_says_so(self):
        page = self.open()
        page.evaluate("htmx.ajax('GET', '/no-such-page/', 'main')")
        page.locator(".toast[data-level=error]").wait_for()
        self.assertEqual(page.locator(".hero").count(), 1)

    def test_the_connection_is_told_in_words_and_to_stylesheets(self):
        expected = [
            ["live", "Live", "live"],
            ["reconnecting", "Reconnecting…", "reconnecting"],
            ["offline", "Offline", "offline"],
        ]
        self.assertEqual(self.open().evaluate(STATUS_ELEMENT), expected)

    def test_the_apps_are_behind_a_button_in_a_narrow_window_and_in_the_header_of_a_wide_one(self):
        narrow = self.open(viewport={"width": 320, "height": 640})
        app = narrow.locator("#site-nav a").first
        self.assertFalse(app.is_visible())
        narrow.get_by_role("button", name="Apps").click()
        self.assertTrue(app.is_visible())
        self.assertTrue(self.open(viewport={"width": 1280, "height": 640}).locator("#site-nav a").first.is_visible())

    def test_the_pages_fit_the_narrowest_window_and_complain_of_nothing(self):
        for scheme in ["light", "dark"]:
            for path in ["/", "/accounts/login/", "/accounts/sign-up/"]:
                page = self.browser.new_page(viewport={"width": 320, "height": 640}, color_scheme=scheme)
                watch = Watch(page)
                page.goto(self.live_server_url + path)
                wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                with self.subTest(path, scheme=scheme):
                    self.assertEqual(wide, 0)
                    self.assertEqual(watch.unexpected, [])
