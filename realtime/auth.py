"""Who is at the other end of a socket. Asked at the handshake, and again whenever that may have changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY, get_user_model
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ValidationError
from django.http import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.crypto import constant_time_compare

from realtime.batching import Batcher
from realtime.tokens import token_from_header

Scope = dict[str, Any]
DEFAULT_PORT = {"http": ":80", "https": ":443"}  # browsers leave them out of an Origin


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client shows: the session cookie of a browser, or the Authorization header of a program."""

    session: str = ""
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who it turned out to be. `scopes` is None for people, who may do all that they may."""

    user: Any
    scopes: frozenset[str] | None = None


def credentials_of(scope: Scope) -> Credentials:
    headers = dict(scope["headers"])
    return Credentials(
        session=cookies_of(scope).get(settings.SESSION_COOKIE_NAME, ""),
        authorization=headers.get(b"authorization", b"").decode("latin-1"),
    )


def cookies_of(scope: Scope) -> dict[str, str]:
    """By name, read as leniently as Django reads them: among ours there may be some of others, with names that are none."""
    return parse_cookie(dict(scope["headers"]).get(b"cookie", b"").decode("latin-1"))


def identify_all(batch: Sequence[Credentials]) -> list[Caller]:
    """Who these are, in three queries whatever their number: many sockets come back at once after a deploy."""
    sessions = _read_sessions({shown.session for shown in batch if shown.session and not shown.authorization})
    users = get_user_model()._default_manager.in_bulk({data[SESSION_KEY] for data in sessions.values()})
    return [_identify(shown, sessions, users) for shown in batch]


identify = Batcher(identify_all).submit


def _identify(shown: Credentials, sessions: dict[str, dict], users: dict[Any, Any]) -> Caller:
    if shown.authorization:
        token = token_from_header(shown.authorization)
        return Caller(token.user, frozenset(token.scopes.split())) if token else Caller(AnonymousUser())
    data = sessions.get(shown.session)
    user = users.get(data[SESSION_KEY]) if data else None
    if not data or not user or not user.is_active or not _proves(data, user):
        return Caller(AnonymousUser())
    return Caller(user)


def _proves(session: dict, user: Any) -> bool:
    """A session ends when the password changes, not when the secret key is rotated.

    Channels' own `get_user` ignores SECRET_KEY_FALLBACKS and deletes the session of whoever it then does not know.
    """
    if session.get(BACKEND_SESSION_KEY) not in settings.AUTHENTICATION_BACKENDS:
        return False
    shown = session.get(HASH_SESSION_KEY, "")
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(shown, expected) for expected in hashes)


def _read_sessions(keys: set[str]) -> dict[str, dict]:
    """The data of these sessions that are valid and belong to somebody, with the user id as a number."""
    store = import_module(settings.SESSION_ENGINE).SessionStore
    found = {}
    for key, data in _load(store, keys):
        try:
            data[SESSION_KEY] = get_user_model()._meta.pk.to_python(data[SESSION_KEY])
        except (KeyError, ValidationError):
            continue
        found[key] = data
    return found


def _load(store: Any, keys: set[str]) -> list[tuple[str, dict]]:
    if settings.SESSION_ENGINE != "django.contrib.sessions.backends.db":
        return [(key, store(key).load()) for key in keys]
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    return [(row.session_key, row.get_decoded()) for row in rows]


def is_same_site(scope: Scope) -> bool:
    """Whether a handshake may use the cookie it carries.

    Browsers send cookies with cross-site sockets and let no CSRF token along, so the Origin must be ours to the port.
    Programs have no Origin and no cookie: they bring a token. The Host is checked as Django checks it for pages.
    """
    headers = dict(scope["headers"])
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if not validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS):
        return False
    origin = headers.get(b"origin", b"").decode("latin-1").lower()
    if not origin:
        return b"authorization" in headers
    if origin in (trusted.lower() for trusted in settings.CSRF_TRUSTED_ORIGINS):
        return True
    scheme = _scheme(scope, headers)
    return origin == f"{scheme}://{host.removesuffix(DEFAULT_PORT[scheme])}"


def _scheme(scope: Scope, headers: dict[bytes, bytes]) -> str:
    is_secure = scope.get("scheme") == "wss"
    if settings.TRUST_PROXY:
        is_secure = headers.get(b"x-forwarded-proto") == b"https"
    return "https" if is_secure else "http"
