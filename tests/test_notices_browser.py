"""Being told of something while elsewhere: two people, several tabs, a real server."""

import re

import pytest
from django.test import SimpleTestCase
from django.utils import timezone

from notifications.frames import raised_event
from notifications.models import Inbox, Notification
from realtime.protocol import encode
from realtime.tests.browser import chromium, wait_for
from tests.axe import violations
from tests.server import running_server

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from chat.tests.tabs import Tab

pytestmark = pytest.mark.browser

EMPTY = "from notifications.models import *; Notification.objects.all().delete(); Inbox.objects.all().delete()"
TELL = """
from django.contrib.auth.models import User
from notifications import services
for n in range({count}):
    services.notify(User.objects.get(username="ann"), "notifications.note", f"{text} {{n}}", url="/chat/")
"""
OUT_OF_SIGHT = """
window.shown = [];
window.Notification = class extends EventTarget {
  static permission = "granted";
  constructor(title, options) { super(); window.shown.push({ title, ...options }); }
};
Object.defineProperty(Document.prototype, "hidden", { get: () => true });
"""
PERSONAL_ICON = "document.querySelector('link[rel=icon]').href.startsWith('data:image/png')"


class NoticesTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.enterClassContext(running_server())
        cls.browser = cls.enterClassContext(chromium())

    def setUp(self):
        self.server.run(EMPTY)
        self.tabs = []

    def tearDown(self):
        for tab in self.tabs:
            tab.close()

    def tab(self, person, path, **options):
        tab = Tab(self.browser, self.server, person, **options)
        self.tabs.append(tab)
        return tab.open(path)

    def page_of(self, person, path):
        """A page that does not show whether it is live."""
        tab = Tab(self.browser, self.server, person)
        self.tabs.append(tab)
        return tab.open(path, live=False).page

    def beside(self, tab, path):
        """Another tab of the same window."""
        page = tab.context.new_page()
        page.goto(self.server.url + path)
        return page

    def count(self, page):
        return page.locator(".bell__count")

    def test_a_mention_in_a_closed_tabs_room_rings_in_another_page_and_reading_it_once_is_enough(self):
        lobby = self.server.rooms["lobby"]["id"]
        ann = self.tab("ann", f"/chat/{lobby}/")
        ann.page.close()
        inbox, studio = self.beside(ann, "/notifications/"), self.beside(ann, f"/chat/{self.server.rooms['studio']['id']}/")
        for page in (inbox, studio):
            expect(page.locator("connection-status")).to_have_attribute("data-state", "live")
        bob = self.tab("bob", f"/chat/{lobby}/")
        bob.say("@ann please look at <b this")

        for page in (inbox, studio):
            expect(self.count(page)).to_have_text("1")
            expect(page).to_have_title(page.title() if page.title().startswith("(1) ") else "(1) " + page.title())
            wait_for(page, PERSONAL_ICON)
        toast = inbox.locator("toast-area .toast")
        expect(toast).to_contain_text("bob mentioned you in Lobby")
        expect(toast).to_contain_text("please look at <b this")
        line = inbox.locator(".inbox .notification")
        expect(line).to_have_count(1)
        expect(line).to_have_attribute("data-unread", "")

        line.hover()
        line.get_by_role("button", name="Mark read").click()
        for page in (inbox, studio):
            expect(self.count(page)).to_be_hidden()
        wait_for(inbox, f"!{PERSONAL_ICON}")
        self.assertFalse(inbox.title().startswith("("))
        self.assertTrue(studio.title().startswith("(1) "))  # the message itself, which chat counts, is not read yet
        self.assertEqual(self.server.rows("SELECT unread_count FROM notifications_inbox WHERE unread_count > 0"), [])

    def test_reading_the_message_reads_the_notification_and_deleting_it_takes_it_away(self):
        lobby = self.server.rooms["lobby"]["id"]
        ann = self.tab("ann", "/notifications/")
        bob = self.tab("bob", f"/chat/{lobby}/")
        bob.say("@ann one")
        expect(self.count(ann.page)).to_have_text("1")
        reading = self.beside(ann, f"/chat/{lobby}/")
        expect(self.count(ann.page)).to_be_hidden()
        reading.close()
        bob.say("@ann two")
        expect(ann.page.locator(".inbox .notification")).to_have_count(2)
        toast = ann.page.locator("toast-area .toast").filter(has_text="two")
        expect(toast).to_have_count(1)
        bob.act("@ann two", "Delete")
        bob.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(ann.page.locator(".inbox .notification")).to_have_count(1)
        expect(toast).to_have_count(0)
        expect(self.count(ann.page)).to_be_hidden()

    def test_what_one_looks_at_makes_no_toast(self):
        lobby = self.server.rooms["lobby"]["id"]
        ann, bob = self.tab("ann", f"/chat/{lobby}/"), self.tab("bob", f"/chat/{lobby}/")
        bob.say("@ann here I am")
        ann.sees("here I am")
        expect(self.count(ann.page)).to_be_hidden()
        expect(ann.page.locator("toast-area .toast")).to_have_count(0)

    def test_the_keys(self):
        self.server.run(TELL.format(count=3, text="note"))
        ann = self.tab("ann", "/notifications/").page
        lines, keys = ann.locator(".inbox .notification"), ann.keyboard
        expect(self.count(ann)).to_have_text("3")
        keys.press("j")
        keys.press("j")
        expect(lines.nth(1)).to_have_attribute("aria-current", "true")
        keys.press("r")
        expect(self.count(ann)).to_have_text("2")
        keys.press("s")
        expect(lines.nth(1)).to_have_attribute("data-saved", "")
        expect(lines.nth(1)).to_be_focused()
        keys.press("k")
        keys.press("e")
        expect(lines).to_have_count(2)
        expect(lines.nth(0)).to_have_attribute("aria-current", "true")
        keys.press("Shift+R")
        expect(self.count(ann)).to_be_hidden()

    def test_the_bell_opens_on_the_latest_and_calms_down(self):
        self.server.run(TELL.format(count=12, text="<b>note</b>"))
        ann = self.page_of("ann", "/notifications/settings/")
        bell = ann.locator("notification-bell")
        expect(bell).to_have_attribute("data-unseen", "")
        ann.locator(".bell__button").click()
        expect(ann.locator(".bell__latest .notification")).to_have_count(8)
        expect(bell).not_to_have_attribute("data-unseen", "")
        expect(ann.locator(".bell__latest .notification b")).to_have_count(0)
        self.assertEqual(violations(ann), [])
        ann.get_by_role("button", name="Mark all read").click()
        expect(self.count(ann)).to_be_hidden()

    def test_what_comes_while_the_bell_opens_is_in_it_and_a_line_that_is_raised_again_is_one_toast(self):
        tab = Tab(self.browser, self.server, "ann")
        self.tabs.append(tab)
        sockets = []
        tab.page.route_web_socket(re.compile("/ws/$"), lambda socket: sockets.append((socket, socket.connect_to_server())))
        page = tab.open("/chat/").page

        def raise_it(rev):
            line = Notification(pk=7, rev=rev, raised_rev=rev, kind="notifications.note", text=f"{rev} builds")
            inbox = Inbox(user_id=self.server.people["ann"]["id"], unread_count=1)
            sockets[-1][0].send(encode(raised_event(inbox, line, now=timezone.now(), browser=False)).decode())

        raise_it(1)
        raise_it(2)
        expect(page.locator("toast-area .toast")).to_have_text(re.compile("2 builds"))
        page.route("**/notifications/latest/", lambda route: (raise_it(3), route.continue_()))
        page.locator(".bell__button").click()
        expect(page.locator(".bell__latest .notification")).to_contain_text("3 builds")

    def test_the_browser_itself_tells_while_no_tab_is_in_sight_if_it_may(self):
        tab = Tab(self.browser, self.server, "ann")
        self.tabs.append(tab)
        tab.page.add_init_script(OUT_OF_SIGHT)
        page = tab.open("/notifications/").page
        self.server.run(TELL.format(count=1, text="Ahoy"))
        wait_for(page, "window.shown.length === 1", 25)  # a shell beside SQLite is heard at the next tick
        self.assertEqual(page.evaluate("window.shown[0].title"), "Ahoy 0")
        expect(page.locator("toast-area .toast")).to_have_count(0)

    def test_without_scripts_it_reads_marks_and_pages(self):
        self.server.run(TELL.format(count=35, text="note"))
        context = self.browser.new_context(java_script_enabled=False)
        context.add_cookies([{"name": "sessionid", "value": self.server.people["ann"]["session"], "url": self.server.url}])
        page = context.new_page()
        page.goto(self.server.url + "/notifications/")
        page.get_by_role("button", name="Mark read: note 34").click()
        expect(self.count(page)).to_have_text("34")
        page.get_by_role("checkbox", name="Choose: note 33").check()
        page.get_by_role("checkbox", name="Choose: note 32").check()
        page.get_by_role("button", name="Done", exact=True).click()
        expect(page.locator(".inbox .notification")).to_have_count(30)
        page.get_by_role("link", name="Earlier").click()
        expect(page.locator(".inbox .notification")).to_have_count(3)
        page.locator(".bell__button").click()
        expect(page.get_by_role("link", name="Open the inbox")).to_be_visible()
        context.close()

    def test_the_pages_are_accessible_fit_a_narrow_window_and_complain_of_nothing(self):
        self.server.run(TELL.format(count=2, text="a-very-long-word" * 9))
        for scheme in ("light", "dark"):
            for path in ("/notifications/", "/notifications/?folder=done", "/notifications/settings/"):
                tab = Tab(self.browser, self.server, "ann", viewport={"width": 320, "height": 640}, color_scheme=scheme)
                self.tabs.append(tab)
                page = tab.open(path, live=False).page
                with self.subTest(path, scheme=scheme):
                    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    self.assertEqual(wide, 0)
                    tab.watch.check()
                    self.assertEqual(violations(page), [])  # last: axe itself tries inline styles
