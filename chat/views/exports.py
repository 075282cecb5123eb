from collections.abc import Iterator
from typing import cast

from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from chat import export, own_data
from chat.models import Room
from chat.services import access
from realtime.limits import Limit
from realtime.protocol import Refusal

exports_per_person = Limit("chat exports", burst=5, per_second=1 / 30)


@login_required
@require_safe
def room_export(request: HttpRequest, room_id: int, format: str) -> HttpResponseBase:
    """The whole room as a download, for its members. Streamed: it may be long."""
    if format not in export.FORMATS:
        raise Http404
    room = get_object_or_404(Room.objects.readable_by(request.user), pk=room_id)
    try:
        access.membership_of(request.user, room)
        exports_per_person.spend(request.user.pk)
    except Refusal as refusal:
        return _refused(refusal)
    return _download(export.export(room, format), export.FORMATS[format].content_type, export.file_name(room, format))


@login_required
@require_safe
def person_export(request: HttpRequest) -> HttpResponseBase:
    """All that chat keeps about whoever asks, also from rooms that they have left. Streamed like a room."""
    try:
        exports_per_person.spend(request.user.pk)
    except Refusal as refusal:
        return _refused(refusal)
    person = cast(User, request.user)
    pieces = own_data.own_data(person, request.build_absolute_uri)
    return _download(pieces, "application/x-ndjson", own_data.file_name(person))


def _refused(refusal: Refusal) -> HttpResponse:
    return HttpResponse(refusal.message, status=refusal.status, content_type="text/plain; charset=utf-8")


def _download(pieces: Iterator[str], content_type: str, name: str) -> HttpResponseBase:
    response = StreamingHttpResponse(export.streamed(pieces), content_type=f"{content_type}; charset=utf-8")
    response.headers["Content-Disposition"] = str(content_disposition_header(as_attachment=True, filename=name))
    # Should a browser show it in place after all, then without our origin, and with its own style only.
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'; style-src 'unsafe-inline'"
    response.headers["Cache-Control"] = "private, no-store"
    return response
