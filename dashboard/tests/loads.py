"""How long the page of groups takes, with very many of them in several processes.

    python -m dashboard.tests.loads REDIS_URL [PROCESSES] [GROUPS] [LOADS]

Cold is for who comes first, when nobody has looked and everything was counted anew; warm for whoever looks on. They take turns,
so that what else the machine does is shared between them.
"""

import os
import sys
import time
from statistics import median
from types import SimpleNamespace

import django

from dashboard.tests.crowd import Crowd


def main(url: str, processes: int = 8, groups: int = 100_000, loads: int = 20) -> None:
    django.setup()
    from django.test import override_settings

    from dashboard.queries import distinct
    from dashboard.report import RARELY_SECONDS
    from dashboard.tests.stores import shared_store
    from dashboard.views import pages

    with shared_store(url) as store, Crowd(store, processes, groups) as crowd, override_settings(DASHBOARD={"AGENT": False}):
        pages.store = lambda: store
        load()  # templates are compiled once
        distinct.wait()
        taken: dict[str, list[tuple[float, float, float]]] = {"cold": [], "warm": []}
        for _ in range(loads):
            time.sleep(RARELY_SECONDS + 1.5)
            distinct._known.clear()
            taken["cold"].append(measured(crowd))
            distinct.wait()
            load()
            taken["warm"].append(measured(crowd))
        for name, found in taken.items():
            wall, own, each = zip(*found, strict=True)
            print(
                f"{name}: {loads} loads, median {median(wall):.0f} ms, worst {max(wall):.0f} ms; "
                f"CPU {median(own):.0f} ms where it is made, {median(each):.1f} ms in each process"
            )
        print("load of the machine: " + " ".join(f"{value:.1f}" for value in os.getloadavg()))


def measured(crowd: Crowd) -> tuple[float, float, float]:
    """Milliseconds: of the page, of CPU here, and of CPU in the median process."""
    before, own, began = crowd.spent(), time.thread_time(), time.perf_counter()
    load()
    wall, own = time.perf_counter() - began, time.thread_time() - own
    each = [now - then for now, then in zip(crowd.spent(), before, strict=True)]
    return 1000 * wall, 1000 * own, 1000 * median(each)


def load() -> None:
    """The whole page, as a browser gets it."""
    from django.contrib.auth import get_user_model
    from django.test import RequestFactory

    from dashboard.views import pages

    request = RequestFactory().get("/dashboard/groups/")
    request.user = get_user_model()(is_staff=True, is_superuser=True)
    request.session = SimpleNamespace(pop=lambda name, default: default)
    response = pages.group_list(request)
    assert response.status_code == 200
    assert b"crowd.room." in response.content


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    os.environ |= {"DEBUG": "1", "REDIS_URL": sys.argv[1]}  # no deployment: it needs neither a key nor hosts
    main(sys.argv[1], *map(int, sys.argv[2:]))
