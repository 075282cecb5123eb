"""What one process does for all, once a second: look into Redis, balance the ledger after a death, raise alerts."""

from channels.layers import get_channel_layer
from django.conf import settings

from dashboard import alerts, backlog
from dashboard.queries import ledger
from dashboard.queries.processes import with_inboxes
from dashboard.store import Store

SETTLE_SECONDS = 6.0  # after a process ended, until its part of the ledger is closed,
EXACT_SECONDS = 30.0  # or until it is closed although messages are always on their way
ENDS = {"lost", "stopped"}


def take_care(store: Store) -> None:
    for alias in getattr(settings, "CHANNEL_LAYERS", {}):
        get_channel_layer(alias)  # made now, if this process did not use it so far: others do, and what waits there is to be seen
    rows = store.processes()
    if any(layer["inbox"] for row in rows for layer in row["layers"].values()):
        waiting = backlog.look(rows)
        store.remember(backlog.KEY, waiting)
        rows = with_inboxes(rows, waiting)
    if store.is_shared:
        balance(store)
    alerts.look(store, rows)


def balance(store: Store) -> None:
    """Close the part that ended processes have in the ledger. How far that went is known to the store: the one that ended may be
    the one that led."""
    now, closed = store.now(), store.recall("closed until") or 0
    due = [event["at"] for event in store.events(20) if event["kind"] in ENDS and closed < event["at"] <= now - SETTLE_SECONDS]
    if due and (ledger.settle(store) or min(due) <= now - EXACT_SECONDS):
        store.remember("closed until", max(due))
