"""What one process does for all, once a second."""

from dashboard.store import Store


def take_care(store: Store) -> None: ...
