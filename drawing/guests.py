"""People without an account: known by a secret in a signed cookie, one per browser, of which the database has a digest."""

import secrets

from django.core import signing
from django.http import HttpRequest, HttpResponse

COOKIE = "drawing_guest"
SALT = "drawing.guest"
YEAR = 365 * 24 * 3600  # seconds


def secret_of(cookie: str) -> str:
    """What a cookie holds; "" if it is not one of ours."""
    try:
        return str(signing.loads(cookie, salt=SALT))
    except signing.BadSignature:
        return ""


def guest_secret(request: HttpRequest) -> str:
    """The secret of this browser, or a new one: give it back with `remember_guest`."""
    return secret_of(request.COOKIES.get(COOKIE, "")) or secrets.token_urlsafe(24)


def remember_guest(response: HttpResponse, secret: str, *, is_secure: bool) -> None:
    cookie = signing.dumps(secret, salt=SALT)
    response.set_cookie(COOKIE, cookie, max_age=YEAR, httponly=True, samesite="Lax", secure=is_secure)
