"""A person at the map, in a real browser."""

from contextlib import contextmanager
from typing import Any

from playwright.sync_api import expect

from realtime.tests.browser import Watch

# A map that is moved takes back what it asked for a moment ago.
EXPECTED = ["ERR_ABORTED"]
SOCKET = "globalThis[Symbol.for('realtime.socket')]"


class MapTab:
    """Everything waits for what it needs; nothing waits for time to pass."""

    def __init__(self, browser: Any, server: Any, person: str, **options: Any):
        options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options
        self.server, self.person = server, person
        self.context = browser.new_context(**options)
        session = server.people[person]["session"]
        self.context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
        self.page = self.context.new_page()
        self.watch = Watch(self.page, EXPECTED)

    def open(self, path: str = "/tracker/#map=6/50/10") -> "MapTab":
        self.page.goto(self.server.url + path)
        if path.startswith("/tracker/") and "#map" in path:
            self.is_ready()
        return self

    def is_ready(self) -> None:
        expect(self.page.locator("connection-status")).to_have_attribute("data-state", "live")
        expect(self.page.locator("incident-map[data-ready]")).to_have_count(1)

    def row(self, name: str) -> Any:
        return self.page.locator(".incident-row").filter(has_text=name)

    def mark(self, name: str) -> Any:
        return self.page.locator(f'.mark[title="{name}"]')

    def sees(self, name: str) -> Any:
        """In the list and on the map."""
        expect(self.mark(name)).to_have_count(1)
        expect(self.row(name)).to_have_count(1)
        return self.row(name)

    def misses(self, name: str) -> None:
        expect(self.row(name)).to_have_count(0)
        expect(self.mark(name)).to_have_count(0)

    def act(self, name: str) -> None:
        self.page.locator(f'[data-act="{name}"]:visible').first.click()

    def panel(self, name: str) -> Any:
        return self.page.locator(f'[data-panel="{name}"]')

    def report(self, name: str, severity: str = "Medium", at: tuple[int, int] | None = None) -> None:
        self.act("report")
        panel = self.panel("incident")
        expect(panel).to_be_visible()
        if at:
            self.page.mouse.click(*at)
        panel.locator('[name="name"]').fill(name)
        panel.locator(".severity-choice__one", has_text=severity).click()
        panel.locator("[data-submit]").click()
        expect(panel).to_be_hidden()

    def choose(self, name: str) -> Any:
        self.row(name).locator("a").click()
        details = self.panel("details")
        expect(details.locator(".incident__name")).to_have_text(name)
        return details

    def draw(self, *corners: tuple[int, int]) -> None:
        """By mouse."""
        self.act("draw")
        expect(self.page.locator("[data-draw-bar]")).to_be_visible()
        for corner in (*corners, corners[0]):
            self.page.mouse.move(*corner)
            self.page.mouse.click(*corner)
        expect(self.panel("area")).to_be_visible()

    def save_area(self, name: str) -> None:
        panel = self.panel("area")
        panel.locator('[name="name"]').fill(name)
        panel.locator("[data-submit]").click()
        self.toast(f"“{name}” is watched.")

    def toast(self, text: str) -> Any:
        toast = self.page.locator(".toast").filter(has_text=text)
        expect(toast).to_have_count(1)
        return toast

    @contextmanager
    def away(self):
        """The socket is gone, as when a laptop sleeps; and comes back."""
        self.page.evaluate(f"{SOCKET}.suspend()")
        expect(self.page.locator("connection-status")).not_to_have_attribute("data-state", "live")
        yield
        self.page.evaluate(f"{SOCKET}.wake()")

    def close(self) -> None:
        self.context.close()
