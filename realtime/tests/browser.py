"""Chromium for tests: `with chromium() as browser`, and `Watch`, which collects what a page complains about.

Playwright runs an event loop in the thread that started it, and Django refuses synchronous queries in a thread with a
running loop. Keep the browser in a module-scoped fixture, so that the loop is gone when the next module's tests run, and
the server in a process or thread of its own.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from realtime.backing import find_chromium

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

PATIENCE_SECONDS = 15  # for what a page is to show: much more than it takes, for a machine that does other things too
FLAGS = [
    "--no-sandbox",  # tests also run as root, in containers
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium(*, back_forward_cache: bool = False) -> Iterator["Browser"]:
    """A headless browser. Mark the tests `browser`: where there is no Chromium they are then skipped, with the reason."""
    playwright_api = pytest.importorskip("playwright.sync_api")
    playwright_api.expect.set_options(timeout=PATIENCE_SECONDS * 1000)
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=find_chromium(),
            args=FLAGS,
            # Playwright switches it off, but people have it.
            ignore_default_args=["--disable-back-forward-cache"] if back_forward_cache else None,
        )
        yield browser
        browser.close()


def wait_for(page: "Page", condition: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Until the JavaScript `condition` holds. Playwright's own wait_for_function evals, which our policy forbids."""
    page.evaluate(f"""new Promise((resolve, reject) => {{
        const deadline = Date.now() + {seconds * 1000};
        const look = () => {{
            if ({condition}) resolve(true);
            else if (Date.now() > deadline) reject(new Error("Waited in vain for " + {json.dumps(condition)}));
            else setTimeout(look, 5);
        }};
        look();
    }})""")


class Watch:
    """What `page` complains about: console errors, uncaught exceptions, failed requests and answers from 400 up.

    Expected complaints are named by a part of their text, e.g. `Watch(page, expected=["ERR_INTERNET_DISCONNECTED"])`.
    """

    def __init__(self, page: "Page", expected: list[str] | None = None):
        self.expected = list(expected or [])
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"exception: {error}"))
        page.on("requestfailed", lambda request: self.complaints.append(f"failed: {request.url} ({request.failure})"))
        page.on("response", self._answered)

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def _answered(self, response: Any) -> None:
        if response.status >= 400:
            self.complaints.append(f"HTTP {response.status}: {response.request.method} {response.url}")

    @property
    def unexpected(self) -> list[str]:
        return [line for line in self.complaints if not any(part in line for part in self.expected)]

    def check(self) -> None:
        assert not self.unexpected, "\n".join(self.unexpected)
