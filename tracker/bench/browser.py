"""The map page in Chromium: how soon its incidents are there, and how smoothly it is dragged. Software rendering, as in CI."""

import time
from importlib.util import find_spec

from realtime.backing import Missing, find_chromium
from realtime.bench.modes import Metrics
from realtime.bench.site import Site

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
DRAG_STEPS = 90
TIMEOUT_MS = 60_000
COUNT_FRAMES = """() => {
  window.benchFrames = [];
  const note = (time) => (window.benchFrames.push(time), requestAnimationFrame(note));
  requestAnimationFrame(note);
}"""


def measure(site: Site) -> Metrics:
    """Raises `Missing` where there is no Chromium, or nothing to drive it."""
    if not find_spec("playwright"):
        raise Missing("playwright is not installed.")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        context = browser.new_context(viewport={"width": 1280, "height": 800})
        context.add_cookies([{"name": "sessionid", "value": site.cookies[0], "url": site.urls[0]}])
        page = context.new_page()
        page.goto(f"{site.urls[0]}/tracker/#map=3/25/10")  # once, so that the scripts are in the cache
        page.wait_for_selector(".cluster, .mark", timeout=TIMEOUT_MS)
        started = time.perf_counter()
        page.reload(wait_until="commit")
        page.wait_for_selector(".cluster, .mark", timeout=TIMEOUT_MS)
        opened = time.perf_counter() - started
        page.evaluate(COUNT_FRAMES)
        page.mouse.move(900, 500)
        page.mouse.down()
        since = time.perf_counter()
        for step in range(DRAG_STEPS):
            page.mouse.move(900 - 5 * step, 500 - 2 * step)
        page.mouse.up()
        frames, took = page.evaluate("window.benchFrames.length"), time.perf_counter() - since
        browser.close()
    return {"open_seconds": opened, "frames_per_second": frames / took}
