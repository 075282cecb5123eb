"""Every setting of the suite, in one file, driven by the environment."""

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from config.layers import channel_layers

BASE_DIR = Path(__file__).resolve().parent.parent
STATE_DIR = Path(os.environ.get("STATE_DIR", BASE_DIR / "var"))  # what a run leaves behind; git ignores it
STATE_DIR.mkdir(parents=True, exist_ok=True)

# Ours. Delete a line and the folder, and the app is gone.
SUITE_APPS = ["chat", "notifications", "tracker", "drawing", "dashboard"]


ON, OFF = {"1", "true", "yes", "on"}, {"0", "false", "no", "off"}


def flag(name: str, default: bool = False) -> bool:
    return (os.environ.get(name) or str(default)).lower() in ON


def words(name: str) -> list[str]:
    return [word.strip() for word in os.environ.get(name, "").split(",") if word.strip()]


def required(name: str, why: str) -> str:
    if (value := os.environ.get(name, "")).strip(" ,"):
        return value
    raise ImproperlyConfigured(f"Set {name}: {why} (or set DEBUG=1 on a laptop).")


def count(name: str, default: int = 0) -> int:
    """A number; `on` and the like mean one."""
    value = os.environ.get(name, "").strip().lower()
    if not value:
        return default
    if value in ON | OFF:
        return int(value in ON)
    if not value.isdigit():
        raise ImproperlyConfigured(f"Set {name} to a number: it is {value!r}.")
    return int(value)


TESTING = "pytest" in sys.modules
DEBUG = flag("DEBUG")
LOCAL = DEBUG or TESTING  # an open laptop, not a deployment

# Names that platforms give the site by themselves.
PLATFORM_HOSTS = [host for name in ("RENDER_EXTERNAL_HOSTNAME", "HEROKU_APP_DEFAULT_DOMAIN_NAME") for host in words(name)]

if LOCAL:
    SECRET_KEY = os.environ.get("SECRET_KEY", "insecure-key-for-a-laptop-only")
    ALLOWED_HOSTS = words("ALLOWED_HOSTS") or ["localhost", "127.0.0.1", "[::1]", "testserver"]
else:
    SECRET_KEY = required("SECRET_KEY", "a long random string, the same on every process")
    ALLOWED_HOSTS = words("ALLOWED_HOSTS") or PLATFORM_HOSTS
    if not ALLOWED_HOSTS:
        required("ALLOWED_HOSTS", "the host names of the site, comma-separated")
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")

# The demo's people and rows though DEBUG is off: `docker compose up` on a laptop, a review app. Their passwords are their
# names, which everybody knows (config/checks.py refuses that on a public host), unless DEMO_PASSWORD is set.
DEMO = flag("DEMO")
DEMO_PASSWORD = os.environ.get("DEMO_PASSWORD", "")

SITE_NAME = os.environ.get("SITE_NAME", "Backchannel")
SITE_URL = os.environ.get("SITE_URL", "").rstrip("/")  # how links in e-mails begin: https://chat.example.org

INSTALLED_APPS = [
    "daphne",  # first: it gives `runserver` its ASGI server
    "config",
    *SUITE_APPS,
    "realtime",
    "csp",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.humanize",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "config.middleware.security_headers",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
WSGI_APPLICATION = "config.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "config.context.shell",
            ],
        },
    },
]

# Databases. SQLite needs no server; IMMEDIATE and WAL let writers queue instead of failing with "database is locked".
try:
    DATABASES = {"default": dj_database_url.parse(os.environ.get("DATABASE_URL") or f"sqlite:///{STATE_DIR / 'db.sqlite3'}")}
except ValueError as error:
    raise ImproperlyConfigured(f"Set DATABASE_URL to the address of a database: {error}") from None
DATABASE = DATABASES["default"]
DATABASE["CONN_HEALTH_CHECKS"] = True
if DATABASE["ENGINE"].endswith("sqlite3"):
    DATABASE["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,  # seconds
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",
    }
else:
    # Under ASGI persistent connections (CONN_MAX_AGE) pile up, one per thread; a pool does not.
    DATABASE["CONN_MAX_AGE"] = 0
    DATABASE.setdefault("OPTIONS", {}).update(
        pool={"min_size": 1, "max_size": count("DATABASE_POOL", default=12), "timeout": 5},
        options="-c statement_timeout=5000 -c lock_timeout=3000 -c idle_in_transaction_session_timeout=10000",  # ms
    )
# Off for load tests, whose clients are a few very fast people; the buckets are kept, and let everything pass.
RATE_LIMITS = flag("RATE_LIMITS", default=True)
# Threads that do the database work of sockets, in each process. 0 runs it on the caller's thread, as tests need.
DATABASE_THREADS = count("DATABASE_THREADS", default=0 if TESTING else 8)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# How many processes, web and worker, share the database: checks compare their pools with what the server allows.
PROCESSES = count("PROCESSES", default=1)

REDIS_URL = os.environ.get("REDIS_URL", "")
CHANNEL_LAYERS = channel_layers(os.environ)

# The dashboard looks like the suite. Its agents rest in tests, so that each test reports when it wants to.
DASHBOARD = {
    "BASE_TEMPLATE": "base.html",
    "WATCH": flag("DASHBOARD_WATCH", default=True),
    "AGENT": not TESTING,
    "METRICS_TOKEN": os.environ.get("METRICS_TOKEN", ""),
    # Heroku and Render say which commit they run, Heroku with `heroku labs:enable runtime-dyno-metadata`.
    "VERSION": next(filter(None, map(os.environ.get, ("RELEASE", "HEROKU_SLUG_COMMIT", "RENDER_GIT_COMMIT"))), "")[:20],
}

# E-mail is printed where the server runs, until there is somebody to hand it to.
EMAIL_HOST = os.environ.get("EMAIL_HOST", "")
EMAIL_PORT = count("EMAIL_PORT", default=587)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = os.environ.get("EMAIL_USER", ""), os.environ.get("EMAIL_PASSWORD", "")
EMAIL_USE_TLS = flag("EMAIL_TLS", default=True)
EMAIL_TIMEOUT = 20  # seconds
EMAIL_BACKEND = f"django.core.mail.backends.{'smtp' if EMAIL_HOST else 'console'}.EmailBackend"
DEFAULT_FROM_EMAIL = os.environ.get("EMAIL_FROM", "backchannel@localhost")

LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "home"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ["UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator"]
]

# Pages are in the reader's language; what is stored for all, and what nobody asked for in particular, is in the site's.
LANGUAGES = [("en-gb", "English"), ("de", "Deutsch")]
LANGUAGE_CODE = os.environ.get("LANGUAGE_CODE") or "en-gb"
if LANGUAGE_CODE not in dict(LANGUAGES):
    raise ImproperlyConfigured(f"Set LANGUAGE_CODE to one of {', '.join(dict(LANGUAGES))}: it is {LANGUAGE_CODE!r}.")
LANGUAGE_COOKIE_AGE = 31_536_000  # seconds
LANGUAGE_COOKIE_SAMESITE = "Lax"
LANGUAGE_COOKIE_HTTPONLY = True
LOCALE_PATHS = [BASE_DIR / "locale"]  # of templates/, static/, config/ and realtime/; each app has its own
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

STATIC_URL = "static/"
STATIC_ROOT = STATE_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns at every start when it is missing
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = Path(os.environ.get("MEDIA_ROOT", STATE_DIR / "media"))
STORAGES = {
    # Another backend where processes share no disk, such as `storages.backends.s3.S3Storage` of django-storages.
    "default": {
        "BACKEND": os.environ.get("MEDIA_STORAGE") or "django.core.files.storage.FileSystemStorage",
        "OPTIONS": json.loads(os.environ.get("MEDIA_STORAGE_OPTIONS") or "{}"),
    },
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage" if LOCAL else "config.storage.SuiteStaticFilesStorage"
    },
}

# Security. No inline script or style anywhere, so the policy needs no nonce and no `unsafe-*`.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    }
}
# The incident map has a base map of its own; tiles of a server are laid over it when its address is given, such as
# https://tiles.example.org/{z}/{x}/{y}.png
TRACKER_TILE_URL = os.environ.get("TRACKER_TILE_URL", "")
TRACKER_TILE_ATTRIBUTION = os.environ.get("TRACKER_TILE_ATTRIBUTION", "")
if TRACKER_TILE_URL:
    tiles = urlsplit(TRACKER_TILE_URL)
    if tiles.scheme not in {"http", "https"} or not tiles.netloc:
        raise ImproperlyConfigured("TRACKER_TILE_URL is an http(s) address with {z}, {x} and {y}.")
    CONTENT_SECURITY_POLICY["DIRECTIVES"]["img-src"].append(f"{tiles.scheme}://{tiles.netloc.replace('{s}', '*')}")
TRUST_PROXY = count("TRUST_PROXY")  # how many proxies of ours stand in front (config/proxy.py)
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # scripts take the token from the page
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if not LOCAL:
    SECURE_SSL_REDIRECT = flag("SECURE_SSL_REDIRECT", default=True)
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = SECURE_SSL_REDIRECT
    SECURE_HSTS_SECONDS = 31_536_000 if SECURE_SSL_REDIRECT else 0
    SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_SSL_REDIRECT
if TRUST_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
DATA_UPLOAD_MAX_MEMORY_SIZE = 1_000_000  # bytes
DATA_UPLOAD_MAX_NUMBER_FIELDS = 200
DATA_UPLOAD_MAX_NUMBER_FILES = 5

LOG_FORMAT = "json" if os.environ.get("LOG_FORMAT") == "json" else "line"
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"},
        "json": {"()": "realtime.logs.JsonFormatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json" if os.environ.get("LOG_FORMAT") == "json" else "line"}
    },
    "filters": {"once_a_minute": {"()": "realtime.logs.OnceAMinute"}},
    # It logs a traceback every second that Redis is away. The hub tells of it too, and the feeds repair what is lost.
    "loggers": {"channels_redis.pubsub": {"filters": ["once_a_minute"]}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("LOG_LEVEL", "INFO")},
}

if DEBUG and not TESTING and flag("DEBUG_TOOLBAR", default=True):
    INSTALLED_APPS.append("debug_toolbar")
    MIDDLEWARE.insert(4, "debug_toolbar.middleware.DebugToolbarMiddleware")
    INTERNAL_IPS = ["127.0.0.1", "::1"]
    if "dashboard" in SUITE_APPS:
        from debug_toolbar.settings import PANELS_DEFAULTS

        DEBUG_TOOLBAR_PANELS = [*PANELS_DEFAULTS, "dashboard.panels.ChannelsPanel"]
    DEBUG_TOOLBAR_CONFIG = {"SHOW_COLLAPSED": True, "UPDATE_ON_FETCH": True, "ROOT_TAG_EXTRA_ATTRS": "hx-preserve"}
