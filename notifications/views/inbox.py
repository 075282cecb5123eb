"""The inbox itself. It reads and works with scripts off; with them it is live."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from notifications import services
from notifications.events import MARKED_AT_ONCE
from notifications.kinds import kinds
from notifications.models import Notification, NotificationQuerySet
from realtime.protocol import Refusal

PAGE, LATEST = 30, 8  # notifications
FOLDERS = {"all": _("All"), "unread": _("Unread"), "saved": _("Saved"), "done": _("Done")}


@dataclass(frozen=True)
class InboxPage:
    """Some notifications, the latest first. `raised_rev` never repeats in an inbox, so it is where a page begins."""

    notifications: list[Notification]
    before: int | None  # where the next page begins; None if this is the last


@login_required
@require_safe
def inbox(request: HttpRequest) -> HttpResponse:
    own = services.inbox_of(request.user)  # with its revision, read before the rows: what happens between comes by the feed
    folder = request.GET.get("folder", "all")
    folder = folder if folder in FOLDERS else "all"
    kind = request.GET.get("kind", "").replace("\x00", "")  # PostgreSQL refuses it
    rows = Notification.objects.of(request.user).shown_in(folder)
    if kind:
        rows = rows.filter(kind=kind)
    before = number(request.GET.get("before", ""))
    context = {
        "inbox": own,
        "page": read_page(rows, before, number(request.GET.get("at", ""))),
        "folder": folder,
        "folders": [(name, label, query(folder=name, kind=kind)) for name, label in FOLDERS.items()],
        "kind": kind,
        "kinds": kinds().values(),
        "is_first_page": before is None,
        "query": query(folder=folder, kind=kind),
    }
    return render(request, "notifications/inbox.html", context)


@login_required
@require_safe
def latest(request: HttpRequest) -> HttpResponse:
    """What the bell shows when it is opened."""
    rows = Notification.objects.of(request.user).shown_in("all").for_display()[:LATEST]
    return render(request, "notifications/_latest.html", {"notifications": rows})


@login_required
@require_POST
def mark(request: HttpRequest) -> HttpResponse:
    """`mark=read:17` marks one; `mark=read` those with a tick; `mark=all:read` everything."""
    word, _colon, rest = request.POST.get("mark", "").partition(":")
    try:
        if word == "all":
            services.clear_all(request.user) if rest == "done" else services.read_all(request.user)
        else:
            chosen = [number(text) for text in ([rest] if rest else request.POST.getlist("id"))]
            ids = [pk for pk in chosen if pk is not None][:MARKED_AT_ONCE]
            services.mark(request.user, ids, word)
            if not ids:
                notes.info(request, _("Tick some notifications first."))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(next_url(request))


def read_page(rows: NotificationQuerySet, before: int | None, at: int | None = None) -> InboxPage:
    """The `PAGE` notifications raised before revision `before` (None: the last), or from notification `at` on."""
    if before is not None:
        rows = rows.filter(raised_rev__lt=before)
    elif at is not None and (chosen := rows.filter(pk=at).first()):
        rows = rows.filter(raised_rev__lte=chosen.raised_rev)
    found = list(rows.for_display()[: PAGE + 1])
    return InboxPage(found[:PAGE], found[PAGE - 1].raised_rev if len(found) > PAGE else None)


def query(**facts: Any) -> str:
    return urlencode({name: value for name, value in facts.items() if value and value != "all"})


def number(text: str) -> int | None:
    """A number that a page was asked with; nonsense counts as not given."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else None


def next_url(request: HttpRequest) -> str:
    """Back to where the form was, if that is on this site."""
    url = request.POST.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours and url.startswith("/") else reverse("notifications:inbox")
