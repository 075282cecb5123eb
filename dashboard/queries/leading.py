"""What one process does for all, once a second: look into Redis, balance the ledger after a death, raise alerts."""

import logging
import time

from channels.layers import get_channel_layer
from django.conf import settings

from dashboard import alerts, backlog
from dashboard.queries import ledger
from dashboard.store import Store

logger = logging.getLogger(__name__)

SETTLE_SECONDS = 6.0  # after a process ended, until its part of the ledger is closed
ENDS = {"lost", "stopped"}

_seen_until = 0.0
_settle_at: float | None = None


def take_care(store: Store) -> None:
    for alias in getattr(settings, "CHANNEL_LAYERS", {}):
        get_channel_layer(alias)  # made now, if this process did not use it so far: others do, and what waits there is to be seen
    rows = store.processes()
    if any(layer["inbox"] for row in rows for layer in row["layers"].values()):
        store.remember("backlog", backlog.look(rows))
    _balance(store)
    alerts.look(store, rows)


def _balance(store: Store) -> None:
    global _seen_until, _settle_at
    if not store.is_shared:
        return
    ended = [event for event in store.events(20) if event["kind"] in ENDS and event["at"] > _seen_until]
    if ended:
        if _seen_until:
            _settle_at = time.monotonic() + SETTLE_SECONDS
        _seen_until = max(event["at"] for event in ended)
    _seen_until = _seen_until or store.now()
    if _settle_at is not None and time.monotonic() >= _settle_at:
        _settle_at = None
        ledger.settle(store)
