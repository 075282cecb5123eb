"""The suite's settings for servers that `manage.py faults` runs: a layer that can be made bad, and what the workloads bring."""

from config.settings import *  # noqa: F403
from config.settings import CHANNEL_LAYERS, INSTALLED_APPS, REDIS_URL

if REDIS_URL:
    CHANNEL_LAYERS["default"]["BACKEND"] = "tests.faults.layer.SwitchedLayer"
INSTALLED_APPS = [*INSTALLED_APPS, "tests.faults.apps.FaultsConfig"]
