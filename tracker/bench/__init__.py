"""What `manage.py bench tracker` measures, at 1,000, 10,000 ... areas, up to `--rooms` thousand, with as many open incidents
(50,000 at most), on either database:

match       one incident against all areas, through the ORM, as each report does it: milliseconds
ingest      incidents a second by the API of a running server, stored, matched, alerted and fanned out
viewports   how many times fewer deliveries `--clients` sockets get, because each gets what its window shows
browser     the map page with all incidents: seconds until they are there, frames a second while it is dragged
"""

from tracker.bench.mode import OWN_MODE
from tracker.bench.world import make_rooms

__all__ = ["OWN_MODE", "make_rooms"]
