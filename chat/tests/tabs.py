"""A person at a browser tab, for tests of what chat does on screen."""

from contextlib import contextmanager
from typing import Any

from playwright.sync_api import expect

from realtime.tests.browser import Watch, wait_for

OFFLINE = ["ERR_INTERNET_DISCONNECTED", "WebSocket connection to"]


class Tab:
    """What somebody sees and does in one tab. Everything waits for what it needs; nothing waits for time to pass."""

    def __init__(self, browser: Any, server: Any, person: str, *, at: int = 0, **options: Any):
        options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options
        self.url, self.person = server.urls[at], person  # that of one of the server's processes
        self.context = browser.new_context(**options)
        self.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=self.url)
        session = server.people[person]["session"]
        self.context.add_cookies([{"name": "sessionid", "value": session, "url": self.url}])
        self.page = self.context.new_page()
        self.watch = Watch(self.page, expected=["ERR_ABORTED"])  # what a page was still loading when it was left

    def open(self, path: str, *, live: bool = True) -> "Tab":
        self.page.goto(self.url + path)
        if live:
            self.is_live()
        return self

    def is_live(self) -> None:
        expect(self.page.locator("connection-status")).to_have_attribute("data-state", "live")
        # The socket may open before the conversation has been arranged; until then its lines are hidden, and have no text.
        expect(self.page.locator("message-log:not([data-ready])")).to_have_count(0)

    @property
    def field(self) -> Any:
        return self.page.locator(".composer__text")

    def say(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def message(self, text: str) -> Any:
        """The canonical message that says so: not the echo of what is on its way."""
        return self.page.locator("#messages > .message").filter(has_text=text)

    def sees(self, text: str) -> Any:
        message = self.message(text)
        expect(message).to_have_count(1)
        return message

    def pending(self) -> Any:
        return self.page.locator("#outbox > .message")

    def act(self, text: str, name: str) -> None:
        """Press a button of the toolbar of a message."""
        self.message(text).hover()
        self.page.locator("message-toolbar").get_by_role("button", name=name, exact=True).click()

    def texts(self) -> list[str]:
        return self.page.locator("#messages .message__body").all_inner_texts()

    def holds(self, condition: str) -> None:
        wait_for(self.page, condition)

    @contextmanager
    def offline(self):
        self.watch.expected += OFFLINE
        self.context.set_offline(True)
        yield
        self.context.set_offline(False)

    def close(self) -> None:
        self.context.close()
