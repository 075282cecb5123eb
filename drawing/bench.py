"""What `manage.py bench drawing` measures: many people on one board, some of whom draw; and how long a large board takes to open.

Each of them draws as a hand with a stylus does: 120 points a second with pressure, four in a frame, half a second to a stroke.
Everything is on that is on in life: each point is checked, each stroke is committed.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from math import cos, pi, sin
from time import perf_counter
from typing import Any

from drawing import elements
from drawing.bench_load import Job, Outcome
from drawing.elements import Kind, Shape
from drawing.models import Board, Element, Participant
from realtime.backing import Missing, find_chromium
from realtime.bench.machine import cores
from realtime.bench.modes import Metrics, Options, OwnMode
from realtime.bench.runner import run_client
from realtime.bench.site import Backing, Site, running_site, suite_program

DRAWING_SHARE = 0.4  # of all who are there: 20 of 50
POINTS_PER_SECOND, POINTS_PER_FRAME, POINTS_PER_STROKE = 120, 4, 60
LARGE_STROKES, LARGE_POINTS = 8_000, 40

UNITS = {
    "bytes_up": "bytes per point up, with frames",
    "bytes_down": "bytes per point down, with frames",
    "us_per_point": "CPU µs per point delivered",
    "cpu_percent": "CPU % of the server",
    "p50_ms": "latency p50, ms",
    "p95_ms": "latency p95, ms",
    "ack_p95_ms": "pen up to ack, p95, ms",
    "lost": "points not delivered",
    "client_load": "CPU of the client (1 = full)",
    "open_ms": "open 8,000 strokes: fetch, decode, draw, ms",
    "open_fetch_ms": "of which until it is fetched and decoded",
}


def measure(options: Options, backing: Backing, tell: Callable[[str], None]) -> dict[str, list[Metrics]]:
    """The metrics of each round. All sockets are on the first board; the second one is large."""
    rounds: list[Metrics] = []
    with running_site(
        suite_program("drawing.bench"),
        server=backing.server,
        processes=backing.processes,
        cores=cores()[0],
        database=backing.database,
        redis=backing.redis,
        rooms=2,
        people=options.clients,
    ) as site:
        site.manage("collectstatic", "--noinput")
        site.restart()  # it reads the list of static files when it starts
        for number in range(options.rounds):
            tell(f"Round {number + 1} of {options.rounds}: {options.clients} people, of whom {drawers(options)} draw.")
            metrics = read(run_load(site, options), options)
            tell("A board of 8,000 strokes is opened.")
            rounds.append(metrics | open_large(site))
    return {"drawing": rounds}


def drawers(options: Options) -> int:
    return max(1, round(options.clients * DRAWING_SHARE))


def run_load(site: Site, options: Options) -> Outcome:
    chance = random.Random(7)
    job = Job(
        urls=site.urls,
        pids=site.pids,
        cookies=site.cookies,
        slug=site.rooms[0],
        strokes=[handwriting(chance).hex() for _ in range(20)],
        drawers=drawers(options),
        seconds=options.seconds,
        points_per_frame=POINTS_PER_FRAME,
        frames_per_second=POINTS_PER_SECOND / POINTS_PER_FRAME,
        core=cores()[1],
    )
    return run_client("drawing.bench_load", job, Outcome)


def read(outcome: Outcome, options: Options) -> Metrics:
    delivered = outcome.points_sent * (options.clients - 1) - outcome.lost * options.clients
    return {
        "bytes_up": outcome.bytes_up / outcome.points_sent,
        "bytes_down": outcome.bytes_down / max(delivered, 1),
        "us_per_point": outcome.cpu * 1e6 / max(delivered, 1),
        "cpu_percent": 100 * outcome.cpu / outcome.seconds,
        "p50_ms": outcome.latencies[0],
        "p95_ms": outcome.latencies[1],
        "ack_p95_ms": outcome.acks[1],
        "lost": outcome.lost,
        "client_load": outcome.client_cpu / outcome.seconds,
    }


def open_large(site: Site) -> Metrics:
    """In a real browser, from the first request for the ink to the picture. NaN where there is no browser."""
    with browser_page() as page:
        if page is None:
            return {"open_ms": float("nan"), "open_fetch_ms": float("nan")}
        page.context.add_cookies([{"name": "sessionid", "value": site.cookies[0], "url": site.urls[0]}])
        page.goto(f"{site.urls[0]}/drawing/b/{site.rooms[1]}/")
        deadline = perf_counter() + 60
        while not (marks := page.evaluate(MARKS)) and perf_counter() < deadline:
            page.wait_for_timeout(50)
        fetch, decoded, painted = marks
        return {"open_ms": painted - fetch, "open_fetch_ms": decoded - fetch}


MARKS = """() => {
  const at = (name) => performance.getEntriesByName(`drawing:${name}`)[0]?.startTime;
  return at("painted") ? [at("fetch"), at("decoded"), at("painted")] : null;
}"""


@contextmanager
def browser_page() -> Iterator[Any]:
    try:
        from playwright.sync_api import sync_playwright

        chromium = find_chromium()
    except (ImportError, Missing):
        yield None
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-dev-shm-usage"])
        yield browser.new_page(viewport={"width": 1280, "height": 800})
        browser.close()


def make_rooms(people: Sequence[Any], number: int) -> list[str]:
    """Boards on which everybody may draw, the last of them large. Returns their slugs."""
    boards = [
        Board.objects.create(title=f"Bench {n}", owner=people[0], participant_count=len(people), background="plain")
        for n in range(number)
    ]
    for board in boards:
        places = [
            Participant(board=board, number=n, user=person, role="editor" if n > 1 else "owner")
            for n, person in enumerate(people, 1)
        ]
        Participant.objects.bulk_create(places, batch_size=500)
    _fill(boards[-1])
    return [board.slug for board in boards]


def _fill(board: Board) -> None:
    author, chance = board.participants.first(), random.Random(7)
    drawn = [handwriting(chance, LARGE_POINTS, (n % 100 * 60, n // 100 * 60)) for n in range(LARGE_STROKES)]
    rows = [Element(board=board, number=n, rev=n, author=author, key=n, data=data) for n, data in enumerate(drawn, 1)]
    Element.objects.bulk_create(rows, batch_size=500)
    size = sum(map(len, drawn))
    Board.objects.filter(pk=board.pk).update(rev=len(rows), element_count=len(rows), byte_count=size)


def handwriting(chance: random.Random, points: int = POINTS_PER_STROKE, at: tuple[float, float] = (0, 0)) -> bytes:
    """A stroke as somebody writes: loops of some 12 pixels, three or four in a second, pressed more on the way down."""
    pace, size, turn = chance.uniform(3, 4.5), chance.uniform(8, 14), chance.uniform(0, 2 * pi)
    path = []
    for n in range(points):
        t = n / POINTS_PER_SECOND
        angle = turn + 2 * pi * pace * t
        x, y = at[0] + t * 90 + size * cos(angle), at[1] + size * 1.3 * sin(angle)
        path.append((x, y, 0.5 + 0.3 * sin(angle + 1) + chance.uniform(-0.02, 0.02)))
    return elements.encode(Shape(Kind.PEN, (31, 31, 28), 3, path))


OWN_MODE = OwnMode(Options(clients=50, rooms=1, in_flight=1, seconds=8, rounds=3), UNITS, measure)
