"""What holds for every test: no ERROR in the log, no skip where nothing may be missing, no files left behind.

Tests are Django `TestCase` classes with `async def` or plain methods, and pytest runs them. Marks: see pyproject.toml.
"""

import logging
import os
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import current_thread, main_thread
from typing import Any
from unittest import mock

import pytest
from django.conf import settings
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.dispatch import receiver
from django.test import override_settings
from django.test.signals import setting_changed
from django.utils import translation

from config.templatetags.shell import icon
from realtime.backing import Missing, find_chromium
from realtime.limits import Limit

REQUIRE_ALL = os.environ.get("REQUIRE_ALL") == "1"  # as in CI: a skip is a failure


@pytest.fixture(scope="session", autouse=True)
def temporary_state() -> Iterator[None]:
    """Uploads, and whatever a command started by a test writes, go where they disappear."""
    with tempfile.TemporaryDirectory(prefix="suite-test-") as name:
        state = Path(name)
        places = {"STATE_DIR": str(state), "MEDIA_ROOT": str(state / "media")}
        with mock.patch.dict(os.environ, places), override_settings(STATE_DIR=state, MEDIA_ROOT=state / "media"):
            yield


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """A good password hash is slow on purpose; the tests make hundreds."""
    with override_settings(PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"]):
        yield


@pytest.fixture(scope="session", autouse=True)
def connections_of_test_transactions_stay_open() -> Iterator[None]:
    """Channels closes old connections around each message. Inside a TestCase's transaction a connection looks old to it, and
    PostgreSQL (not SQLite) then loses the transaction and the test its rows."""

    def close_old_connections(**_: object) -> None:
        for connection in connections.all(initialized_only=True):
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()

    with mock.patch("channels.db.close_old_connections", close_old_connections):
        yield


@pytest.fixture(autouse=True)
def full_buckets() -> None:
    """No test is slowed by what an earlier one spent."""
    for limit in Limit.all:
        limit.clear()


@receiver(setting_changed)
def forget_where_the_icons_are(**_: object) -> None:
    icon.cache_clear()


@pytest.fixture(autouse=True)
def the_sites_language() -> None:
    """No test speaks what an earlier one asked a page in: the test client leaves it active."""
    translation.deactivate()


@pytest.fixture(scope="session")
def django_db_modify_db_settings() -> None:
    """Making and dropping a database waits for a checkpoint, on a busy machine longer than a page may wait for a statement."""
    for connection in connections.all():
        if "options" in (options := connection.settings_dict["OPTIONS"]):
            options["options"] = "-c statement_timeout=60000 -c lock_timeout=3000"  # ms


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Close what other threads left open, before the database is dropped: PostgreSQL drops none that is in use. What still runs
    when the event loop of a test ends does so on a thread of its own, with a connection of its own."""
    strays: list[BaseDatabaseWrapper] = []

    def note(connection: BaseDatabaseWrapper, **_: object) -> None:
        if current_thread() is not main_thread():
            strays.append(connection)

    connection_created.connect(note)
    yield
    connection_created.disconnect(note)
    for stray in strays:
        if stray.vendor == "postgresql" and stray.connection:
            stray.connection.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Fail a test in which somebody logged an ERROR: in production that line would be somebody's problem."""
    with logged_errors() as errors:
        result = yield
    if errors and not item.get_closest_marker("logs_errors"):
        pytest.fail("An ERROR was logged (mark the test with logs_errors if it must be):\n" + "\n".join(errors), pytrace=False)
    return result


@contextmanager
def logged_errors() -> Iterator[list[str]]:
    errors: list[str] = []
    handler = logging.Handler(logging.ERROR)
    handler.setFormatter(logging.Formatter("{name}: {message}", style="{"))
    handler.emit = lambda record: errors.append(handler.format(record))  # type: ignore[method-assign]
    logging.getLogger().addHandler(handler)
    try:
        yield errors
    finally:
        logging.getLogger().removeHandler(handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    leave_out = "leave out the tests with this mark, whatever -m says; may be given more than once"
    parser.addoption("--without", metavar="MARK", action="append", default=[], help=leave_out)
    parser.addoption("--unless", metavar="MARK", default="", help="but not those that have this mark, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not for this run, and skip browser tests where there is no browser."""
    if homeless := [item.nodeid for item in items if is_in_no_run(marks_of(item), needs_of(item))]:
        raise pytest.UsageError("The marks of these tests keep them out of both runs of manage.py test: " + ", ".join(homeless))
    without, unless = set(config.getoption("--without")), config.getoption("--unless")
    if others := [item for item in items if is_left_out(item, without, unless)]:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if item not in others]
    try:
        find_chromium()
    except Missing as missing:
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.skip(reason=str(missing)))


def is_in_no_run(marks: set[str], needs: set[str]) -> bool:
    """`manage.py test` runs all but `services` on SQLite and in memory; the other run is without what needs to run but once."""
    in_first = not needs & {"postgresql", "redis"} and "services" not in marks
    in_second = not needs & {"sqlite", "memory"} and ("services" in marks or not marks & {"browser", "once"})
    return not (in_first or in_second)


def is_left_out(item: pytest.Item, without: set[str], unless: str) -> bool:
    marks = marks_of(item)
    return not needs_of(item) <= in_use() or (bool(marks & without) and unless not in marks)


def needs_of(item: pytest.Item) -> set[str]:
    return {name for only_on in item.iter_markers("only_on") for name in only_on.args}


def marks_of(item: pytest.Item) -> set[str]:
    return {mark.name for mark in item.iter_markers()}


def in_use() -> set[str]:
    """The backends of this run, as `only_on` calls them."""
    layer = settings.CHANNEL_LAYERS["default"]["BACKEND"]
    return {settings.DATABASES["default"]["ENGINE"].rsplit(".")[-1].removesuffix("3"), "redis" if "redis" in layer else "memory"}


if REQUIRE_ALL:

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
        report = yield
        return not_skipped(report)

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, Any, Any]:
        report = yield
        return not_skipped(report)


def not_skipped(report: Any) -> Any:
    """Under REQUIRE_ALL a skip is a failure, also one by importorskip(); an expected failure (xfail) is not a skip."""
    if report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"REQUIRE_ALL=1 allows no skip. {reason}"
    return report
