"""An agent without its thread, for tests that want to say when it reports; and people of every kind."""

from contextlib import contextmanager
from unittest import mock

from django.contrib.auth.models import Permission, User

from dashboard import process
from dashboard.agent import Agent
from dashboard.answers import answer
from dashboard.meter import meters
from dashboard.store.local import LocalStore

# A superuser's session, printed by a project in a process of its own.
STAFF = """
from importlib import import_module
from django.conf import settings
from django.contrib.auth.models import User
boss = User.objects.create_superuser("boss", password="boss")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session["_auth_user_id"], session["_auth_user_hash"] = str(boss.pk), boss.get_session_auth_hash()
session["_auth_user_backend"] = "django.contrib.auth.backends.ModelBackend"
session.save()
print(session.session_key)
"""

PATHS = [
    "",
    "groups/",
    "ghosts/",
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
    for meter in meters.values():  # what other tests did within the last minute is not ours
        meter.recent.clear()
        meter.last.clear()
        meter._taken.clear()
        for shard in meter._shards:
            shard.active = {}
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
