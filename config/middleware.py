"""Response headers that Django and django-csp do not set."""

from inspect import iscoroutinefunction
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

# The incident map asks where the reporter is; nothing else is ever asked for.
PERMISSIONS_POLICY = "geolocation=(self), camera=(), microphone=(), display-capture=(), payment=(), usb=(), serial=(), midi=()"

# What a view says of a page that may be kept, since it is shown only after the server has been asked whether it still holds.
ASKED_AGAIN = "private, no-cache"


@sync_and_async_middleware
def security_headers(get_response: Any) -> Any:
    if iscoroutinefunction(get_response):

        async def when_async(request: HttpRequest) -> HttpResponseBase:
            return with_headers(request, await get_response(request))

        return when_async

    def when_sync(request: HttpRequest) -> HttpResponseBase:
        return with_headers(request, get_response(request))

    return when_sync


def with_headers(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    response.headers.setdefault("Permissions-Policy", PERMISSIONS_POLICY)
    response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    if is_personal(request, response) and response.headers.get("Cache-Control") != ASKED_AGAIN:
        # Nothing of a person's pages stays in a shared or a back-button cache after they log out.
        response.headers["Cache-Control"] = "no-store, private"
    return response


def is_personal(request: HttpRequest, response: HttpResponseBase) -> bool:
    """HTML asked for with a session cookie. The cookie decides, because reading the session would cost a query."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    return is_html and settings.SESSION_COOKIE_NAME in request.COOKIES
