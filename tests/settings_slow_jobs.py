"""The suite's settings with a job that takes as long as a test wants (tests/slow_jobs)."""

from config.settings import *  # noqa: F403
from config.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.slow_jobs"]
