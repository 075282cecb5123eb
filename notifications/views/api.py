"""The inbox for programs, as JSON with a token. Whatever is on the socket can also be POSTed to /commands/."""

from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_POST, require_safe

from notifications import services
from notifications.events import MARKED_AT_ONCE, Mark
from notifications.models import Notification
from notifications.services.webhooks import describe
from notifications.views.inbox import FOLDERS, number, read_page
from realtime.protocol import Refusal
from realtime.tokens import require_token


class MarkRequest(msgspec.Struct, forbid_unknown_fields=True):
    ids: list[int]
    mark: Mark


class NoteRequest(msgspec.Struct, forbid_unknown_fields=True):
    text: str
    url: str = ""
    key: str = ""


@require_safe
@require_token("notifications:read")
def item_list(request: HttpRequest) -> HttpResponse:
    """`?folder=unread` (all, unread, saved, done), `?before=` the `before` of the last answer."""
    folder = request.GET.get("folder", "all")
    if folder not in FOLDERS:
        raise Refusal("bad_field", "A folder is all, unread, saved or done.", field="folder")
    inbox = services.inbox_of(request.user)
    page = read_page(Notification.objects.of(request.user).shown_in(folder), number(request.GET.get("before", "")))
    items = [describe(notification) for notification in page.notifications]
    return json({"unread": inbox.unread_count, "feed": inbox.group, "rev": inbox.rev, "before": page.before, "items": items})


@require_POST
@require_token("notifications:write")
def item_mark(request: HttpRequest) -> HttpResponse:
    """`{"ids": [17], "mark": "read"}`"""
    asked = body(request, MarkRequest)
    if len(asked.ids) > MARKED_AT_ONCE:
        raise Refusal("too_long", f"{MARKED_AT_ONCE} at once.", field="ids")
    done = services.mark(request.user, asked.ids, asked.mark)
    return json({"rev": done.rev, "unread": services.inbox_of(request.user).unread_count})


@require_POST
@require_token("notifications:write")
def note_create(request: HttpRequest) -> HttpResponse:
    """`{"text": "The build is done", "url": "https://…", "key": "build-17"}`: a note to oneself; the same key only once."""
    asked = body(request, NoteRequest)
    key = f"note.{asked.key}" if asked.key else ""
    note = services.notify(request.user, "notifications.note", asked.text, url=asked.url, dedupe_key=key)
    return json({"id": note.pk if note else None})


def body(request: HttpRequest, kind: type) -> Any:
    try:
        return msgspec.json.decode(request.body, type=kind)
    except msgspec.ValidationError as error:
        raise Refusal("bad_field", str(error)) from None
    except (msgspec.DecodeError, UnicodeError):
        raise Refusal("bad_json", "This is not JSON.") from None


def json(answer: dict[str, Any]) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")
