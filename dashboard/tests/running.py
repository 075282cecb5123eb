"""An agent without its thread, for tests that want to say when it reports; and people of every kind."""

from contextlib import contextmanager
from unittest import mock

from django.contrib.auth.models import Permission, User

from dashboard import process
from dashboard.agent import Agent
from dashboard.answers import answer
from dashboard.store.local import LocalStore

PATHS = [
    "",
    "groups/",
    "groups/chat.room.1/",
    "connections/",
    "processes/",
    "channels/",
    "ledger/",
    "redis/",
    "history/",
    "doctor/",
    "audit/",
]


@contextmanager
def reporting(store=None):
    """Everything asks this store, which knows what this process reported: `agent.beat()` reports again."""
    store = store or LocalStore()
    agent = Agent(store, {})
    modules = ["views.pages", "views.stream", "views.actions", "views.metrics", "management.commands.channels_top"]
    modules += ["management.commands.channels_doctor"]
    patches = [mock.patch(f"dashboard.{module}.store", lambda: store) for module in modules]
    for patch in patches:
        patch.start()
    try:
        agent.beat()
        store.listen(answer, process.boot_id, 0)
        yield agent
    finally:
        for patch in patches:
            patch.stop()
        store.close()


def person(name, *rights, **fields):
    """A user with these of our permissions."""
    user = User.objects.create_user(name, password=name, **fields)
    user.user_permissions.set(Permission.objects.filter(content_type__app_label="dashboard", codename__in=rights))
    return user
