"""Both stores, for tests that must hold on each."""

from contextlib import contextmanager
from uuid import uuid4

from django.conf import settings

from dashboard.store.local import LocalStore


@contextmanager
def local_store():
    yield LocalStore()


@contextmanager
def shared_store(url=""):
    """In the Redis of this run, under keys of its own, which go."""
    from dashboard.store.shared import SharedStore

    store = SharedStore(url or settings.REDIS_URL, f"{{test-{uuid4().hex[:8]}}}:")
    yield store
    for key in store.redis.scan_iter(store._prefix + "*"):
        store.redis.delete(key)
    store.close()
