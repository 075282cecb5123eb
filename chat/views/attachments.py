import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.core.files import File
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from django.utils.http import content_disposition_header
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.models import Attachment, Room
from realtime.protocol import Refusal, encode

CHUNK = 65_536  # bytes


@require_POST
def attachment_create(request: HttpRequest, room_id: int) -> HttpResponse:
    """Take a multipart `file`, answer with JSON. A message carries it afterwards, by its id."""
    try:
        if not request.user.is_authenticated:
            raise Refusal("not_logged_in", _("Log in first."))
        if len(request.FILES.getlist("file")) != 1:
            raise Refusal("bad_field", "Send one file.", field="file")
        attachment = services.upload_attachment(request.user, room_id, request.FILES["file"])
    except Refusal as refusal:
        return HttpResponse(encode(refusal.to_event()), content_type="application/json", status=refusal.status)
    facts = {name: getattr(attachment, name) for name in ("id", "name", "size", "content_type", "is_image", "width", "height")}
    return JsonResponse(facts | {"url": attachment.get_absolute_url()}, status=201)


@login_required
@require_safe
def attachment_detail(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The file itself, for whoever may read it at this moment: browsers keep a copy, but ask each time."""
    attachment = get_object_or_404(_readable_by(request), pk=pk)
    etag = f'"{attachment.sha256 or attachment.pk}"'  # a file never changes
    response = get_conditional_response(request, etag=etag) or _file_response(attachment)
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    # Whatever it is, it is not a page of ours: no script, no form, no origin, and no guessing of another type.
    response.headers["Content-Security-Policy"] = "sandbox; default-src 'none'"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def _readable_by(request: HttpRequest) -> QuerySet[Attachment]:
    """Before it is posted a file is its owner's; then it is readable where its message is."""
    rooms = Room.objects.readable_by(request.user)
    posted = Q(message__deleted_at=None, message__room__in=rooms, message__isnull=False)
    return Attachment.objects.filter(Q(message=None, owner=request.user, room__in=rooms) | posted)


def _file_response(attachment: Attachment) -> HttpResponseBase:
    charset = "; charset=utf-8" if attachment.content_type.startswith("text/") else ""
    try:
        file = attachment.file.open("rb")
    except FileNotFoundError:  # deleted since its row was read
        return HttpResponse(gettext("Gone."), status=404, content_type="text/plain")
    response = StreamingHttpResponse(Chunks(file), content_type=attachment.content_type + charset)
    response.headers["Content-Length"] = str(attachment.size)
    if attachment.sha256:  # RFC 9530: whoever downloads can tell whether all of it came
        digest = b64encode(bytes.fromhex(attachment.sha256)).decode()
        response.headers["Repr-Digest"] = f"sha-256=:{digest}:"
    # Only images are shown in place: they are of our own making (chat/files.py).
    disposition = content_disposition_header(as_attachment=not attachment.is_image, filename=attachment.name)
    response.headers["Content-Disposition"] = str(disposition)
    return response


class Chunks:
    """Reads off the event loop, a piece at a time. A sync iterator would be read whole before the first byte is sent.

    The response closes it, even if nobody ever asks for the first piece.
    """

    def __init__(self, file: File):
        self.close = file.close
        self._file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while chunk := await asyncio.to_thread(self._file.read, CHUNK):
            yield chunk
