"""Who may what. Staff may look; for everything that does something, there is a permission of its own."""

from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.shortcuts import resolve_url
from django.urls import NoReverseMatch, Resolver404, resolve, reverse

ACTIONS = ("view", "peek", "broadcast", "disconnect", "drain", "reap")


def may(user: Any, action: str) -> bool:
    """May this person do it, now? Nobody who may not look may do anything."""
    if not user.is_authenticated or not user.is_active:
        return False
    if not (user.is_staff or user.has_perm("dashboard.view")):
        return False
    return action == "view" or user.has_perm(f"dashboard.{action}")


def rights_of(user: Any) -> frozenset[str]:
    """All that this person may do, now."""
    return frozenset(action for action in ACTIONS if may(user, action))


def login_url() -> str:
    """The project's own, or the admin's where there is none."""
    url = resolve_url(settings.LOGIN_URL)
    try:
        resolve(url)
    except Resolver404:
        with suppress(NoReverseMatch):
            return reverse("admin:login")
    return url


def requires(action: str) -> Callable[[Callable[..., HttpResponseBase]], Callable[..., HttpResponseBase]]:
    """For views: the log-in page for strangers, 403 for those who may not."""

    def decorate(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
        @wraps(view)
        def checked(request: HttpRequest, *args: Any, **details: Any) -> HttpResponseBase:
            if not request.user.is_authenticated:
                return redirect_to_login(request.get_full_path(), login_url())
            if not may(request.user, action):
                raise PermissionDenied
            return view(request, *args, **details)

        return checked

    return decorate
