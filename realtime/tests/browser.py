"""Chromium for tests: `with chromium() as browser`, and `Watch`, which collects what a page complains about.

Playwright runs an event loop in the thread that started it, and Django refuses synchronous queries in a thread with a
running loop. Keep the browser in a module-scoped fixture, so that the loop is gone when the next module's tests run, and
the server in a process or thread of its own.
"""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

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
    """A headless browser. Without Chromium or Playwright the test is skipped; with REQUIRE_ALL=1 it fails."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        _missing("Playwright is not installed")
    path = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not path:
        _missing("Chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=FLAGS,
            # Playwright switches it off, but people have it.
            ignore_default_args=["--disable-back-forward-cache"] if back_forward_cache else None,
        )
        yield browser
        browser.close()


def wait_for(page: "Page", condition: str, seconds: float = 5) -> None:
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


def _missing(reason: str) -> None:
    if os.environ.get("REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


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

    def _heard(self, message) -> None:
        if message.type == "error":
            self.complaints.append(f"console: {message.text}")

    def _answered(self, response) -> None:
        if response.status >= 400:
            self.complaints.append(f"HTTP {response.status}: {response.request.method} {response.url}")

    @property
    def unexpected(self) -> list[str]:
        return [line for line in self.complaints if not any(part in line for part in self.expected)]

    def check(self) -> None:
        assert not self.unexpected, "\n".join(self.unexpected)
