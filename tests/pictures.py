"""Takes the pictures of the README anew: `.venv/bin/python -m tests.pictures http://127.0.0.1:8000` beside a running demo."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page

from realtime.tests.browser import chromium

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
SIZE = {"width": 1280, "height": 720}

DASHBOARD = {
    "": "overview",
    "groups/": "groups",
    "groups/chat.room.1/": "group",
    "connections/": "connections",
    "processes/": "processes",
    "channels/": "channels",
    "ledger/": "ledger",
    "redis/": "redis",
    "history/": "history",
    "doctor/": "doctor",
    "audit/": "audit",
}


def main(site: str) -> None:
    with chromium() as browser:
        for scheme, name in (("light", "chat.png"), ("dark", "chat-dark.png")):
            with somebody(browser, site, "ann", scheme) as ann, somebody(browser, site, "bob", scheme) as bob:
                for page in (ann, bob):
                    page.goto(f"{site}/chat/")
                    page.get_by_role("link", name="lobby").first.click()
                    page.get_by_role("textbox", name="Message lobby").wait_for()
                bob.locator("people-here .avatar").first.wait_for()  # ann's: the socket has joined
                ann.get_by_role("textbox", name="Message lobby").press_sequentially("On my ", delay=50)
                bob.locator("typing-names:has-text('typing')").wait_for()
                _take(bob, name)
        for scheme, suffix in (("light", ""), ("dark", "-dark")):
            with somebody(browser, site, "ann", scheme) as ann:
                ann.goto(f"{site}/tracker/")
                ann.locator(".incident-list li").first.wait_for()
                _take(ann, f"tracker{suffix}.png")
                ann.goto(f"{site}/drawing/")
                ann.get_by_role("link", name="How a stroke travels").first.click()
                ann.get_by_text("Saved", exact=True).wait_for()
                _take(ann, f"drawing{suffix}.png")
        with somebody(browser, site, "sam", "light") as sam, somebody(browser, site, "ann", "light") as ann:
            ann.goto(f"{site}/tracker/")  # somebody to be seen
            for path, name in DASHBOARD.items():
                sam.goto(f"{site}/dashboard/{path}")
                sam.locator("live-page[data-state=live]").wait_for()
                _take(sam, f"dashboard-{name}.png")


def _take(page: Page, name: str) -> None:
    page.wait_for_timeout(1_500)  # for maps, boards and charts to be drawn
    page.evaluate("document.querySelectorAll('[id^=djDebug]').forEach((part) => part.remove())")
    page.screenshot(path=IMAGES / name)


@contextmanager
def somebody(browser: Browser, site: str, name: str, scheme: str) -> Iterator[Page]:
    context = browser.new_context(viewport=SIZE, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(site)
    page.get_by_role("button", name=name).first.click()
    yield page
    context.close()


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"))
