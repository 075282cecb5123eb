"""What every page knows of the suite: its name and its apps."""

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True)
class SuiteApp:
    label: str
    name: str
    icon: str  # a symbol of static/icons.svg
    summary: str
    teaches: str
    url: str
    is_current: bool
    header: str  # a template that stands in the header of every page of who is logged in, or ""


def shell(request: HttpRequest) -> dict[str, Any]:
    return {
        "SITE_NAME": settings.SITE_NAME,
        "languages": settings.LANGUAGES,  # each by its own name
        "socket_url": "" if "PAGES_ONLY" in request.META else "/ws/",
        "suite_apps": [suite_app(label, request) for label in settings.SUITE_APPS if is_for(request, label)],
    }


def is_for(request: HttpRequest, label: str) -> bool:
    """An app with `staff_only` in its `apps.py` is shown to the staff. Its own views say who may use it."""
    if not getattr(apps.get_app_config(label), "staff_only", False):
        return True
    return hasattr(request, "user") and request.user.is_staff  # an error page may come before there is a user


def suite_app(label: str, request: HttpRequest) -> SuiteApp:
    """An app describes itself in its `apps.py`; delete it from SUITE_APPS, and no page speaks of it."""
    app = apps.get_app_config(label)
    url = f"{reverse('home')}{label}/"
    return SuiteApp(
        label=label,
        name=str(app.verbose_name),
        icon=getattr(app, "icon", "apps"),
        summary=str(getattr(app, "summary", "")),
        teaches=str(getattr(app, "teaches", "")),
        url=url,
        is_current=request.path.startswith(url),
        header=getattr(app, "header", ""),
    )
