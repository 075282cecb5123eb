"""One scale after the other: a site with so many areas, measured in every way."""

from collections.abc import Callable

from realtime.backing import Missing
from realtime.bench.machine import cores
from realtime.bench.modes import Metrics, Options, OwnMode
from realtime.bench.site import Backing, Site, running_site, suite_program
from tracker.bench import browser, live, match

UNITS = {
    "match_p50_ms": "match one incident, p50, ms",
    "match_p95_ms": "match one incident, p95, ms",
    "areas_found": "areas that it is in",
    "incidents_per_second": "incidents/s by the API",
    "alerts_per_incident": "alerts for each, told or due",
    "times_fewer": "times fewer deliveries by viewports",
    "open_seconds": "map opens, s",
    "frames_per_second": "frames/s while dragged",
}
Tell = Callable[[str], None]


def measure(options: Options, backing: Backing, tell: Tell) -> dict[str, list[Metrics]]:
    """By scale: "1k areas", "10k areas"..."""
    scales = [scale for scale in (1, 10, 100, 1_000) if scale <= options.rooms] or [options.rooms]
    return {f"{scale}k areas": _measure_scale(scale, options, backing, tell) for scale in scales}


def _measure_scale(scale: int, options: Options, backing: Backing, tell: Tell) -> list[Metrics]:
    tell(f"Making {scale},000 areas.")
    site = running_site(
        suite_program("tracker.bench"),
        server=backing.server,
        processes=backing.processes,
        cores=cores()[0],
        database=backing.database,
        redis=backing.redis,
        rooms=scale,
        people=options.clients,
    )
    with site as running:
        running.manage("collectstatic", "--noinput")
        running.restart()  # a server looks for static files when it starts
        rounds = []
        for number in range(options.rounds):
            tell(f"Round {number + 1} of {options.rounds} with {scale},000 areas.")
            metrics = match.measure(running, options.seconds) | live.measure(running, options, run=f"{scale}-{number}")
            rounds.append(metrics | _browse(running, tell))
        return rounds


def _browse(site: Site, tell: Tell) -> Metrics:
    try:
        return browser.measure(site)
    except Missing as missing:
        tell(f"Without a browser: {missing}")
        return {"open_seconds": 0.0, "frames_per_second": 0.0}


OWN_MODE = OwnMode(Options(clients=100, rooms=100, in_flight=1, seconds=5, rounds=3), UNITS, measure)
