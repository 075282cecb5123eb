"""The tutorial's project. Database and channel layer are configured as the suite's are, so that only the code differs."""

import os

import dj_database_url

SECRET_KEY = os.environ["SECRET_KEY"]
ALLOWED_HOSTS = ["127.0.0.1"]
ASGI_APPLICATION = "realtime.bench.baseline.asgi.application"
INSTALLED_APPS = [
    "daphne",
    "realtime.bench.baseline",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
]
DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"])}
DATABASE = DATABASES["default"]
if DATABASE["ENGINE"].endswith("sqlite3"):
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    DATABASE["OPTIONS"] = {"pool": {"min_size": 1, "max_size": 12, "timeout": 5}}
if redis_url := os.environ.get("REDIS_URL"):
    LAYER = {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        "CONFIG": {"hosts": [{"address": redis_url, "socket_timeout": 5}], "prefix": os.environ["REDIS_PREFIX"]},
    }
else:
    LAYER = {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 100_000}}
CHANNEL_LAYERS = {"default": LAYER}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
