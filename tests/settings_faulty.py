"""The suite's settings with a channel layer that is as bad as a layer may be (tests/faulty.py)."""

from config.settings import *  # noqa: F403
from config.settings import CHANNEL_LAYERS

CHANNEL_LAYERS["default"]["BACKEND"] = "tests.faulty.FaultyRedisLayer"
