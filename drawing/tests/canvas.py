"""Somebody at a board in a browser, for tests of what drawing does on screen."""

import json
from typing import Any

from playwright.sync_api import expect

from realtime.tests.browser import Watch, wait_for

PATIENCE = 20  # seconds; the machine may be busy
expect.set_options(timeout=PATIENCE * 1000)

GONE = ["WebSocket connection to", "ERR_INTERNET_DISCONNECTED", "ERR_CONNECTION_REFUSED", "could not be fetched"]
PICTURE = """async () => {
  const board = document.querySelector("drawing-board");
  board.view.show(board.zoom.contents, { margin: 40 });
  board.painter.repaint();
  await new Promise((done) => {
    const look = () => (board.dataset.settled ? done() : setTimeout(look, 10));
    setTimeout(look, 30);
  });
  const canvas = board.querySelector(".board__lower");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
  return [Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""), data.some((byte) => byte > 0)];
}"""
DRAWN = """() => document.querySelector("drawing-board").sheet.shown.map(({ number, shape }) =>
  [number, Array.from(shape.data, (byte) => byte.toString(16).padStart(2, "0")).join("")])"""


class Artist:
    """One person's tab. Everything waits for what it needs; nothing waits for time to pass."""

    def __init__(self, browser: Any, server: Any, person: str | None, **options: Any):
        options = {"viewport": {"width": 1280, "height": 800}, "reduced_motion": "reduce"} | options
        self.server, self.person = server, person
        self.context = browser.new_context(**options)
        if person:
            session = server.people[person]["session"]
            self.context.add_cookies([{"name": "sessionid", "value": session, "url": server.url}])
        self.page = self.context.new_page()
        self.watch = Watch(self.page)

    def open(self, slug: str) -> "Artist":
        self.page.goto(f"{self.server.url}/drawing/b/{slug}/")
        self.is_ready()
        self.is_saved()
        return self

    def is_ready(self) -> None:
        expect(self.page.locator("drawing-board")).to_have_attribute("data-ready", "")

    @property
    def status(self) -> Any:
        return self.page.locator(".board-status")

    def is_saved(self) -> None:
        expect(self.status).to_have_text("Saved")

    def tool(self, name: str) -> None:
        button = self.page.locator(f'button[data-tool="{name}"]')
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")

    def drag(self, *points: tuple[float, float], steps: int = 4, ends: bool = True) -> None:
        """With the tool that is chosen, from one point of the stage to the next."""
        box = self.page.locator(".board__stage").bounding_box()
        (x, y), *rest = points
        self.page.mouse.move(box["x"] + x, box["y"] + y)
        self.page.mouse.down()
        for x, y in rest:
            self.page.mouse.move(box["x"] + x, box["y"] + y, steps=steps)
        if ends:
            self.page.mouse.up()

    def has(self, count: int) -> None:
        """So many elements are on this screen."""
        wait_for(self.page, f"document.querySelector('drawing-board').sheet.shown.length === {count}", PATIENCE)

    def holds(self, condition: str, seconds: float = PATIENCE) -> None:
        """`board` is the element of the page."""
        wait_for(self.page, f"((board) => {condition})(document.querySelector('drawing-board'))", seconds)

    def shows(self, rows: list[list]) -> None:
        """Exactly these, soon: (number, bytes as hex)."""
        wait_for(self.page, f"JSON.stringify(({DRAWN})()) === {json.dumps(json.dumps(rows, separators=(',', ':')))}", PATIENCE)

    def drawn(self) -> list[list]:
        return self.page.evaluate(DRAWN)

    def picture(self) -> str:
        digest, is_something = self.page.evaluate(PICTURE)
        assert is_something, "the canvas is empty"
        return digest

    def close(self) -> None:
        self.context.close()
