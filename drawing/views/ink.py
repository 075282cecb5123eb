"""What was drawn, in bulk: the first thing a board's page fetches, its replay, and its small picture."""

import gzip
from collections.abc import Callable, Iterable

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from drawing import wire
from drawing.frames import row_change
from drawing.models import Board, Element
from drawing.views.boards import seat_or_404
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.tokens import refusal_response

MAGIC = b"BCI1"
GZIP_LEVEL = 1  # a third smaller for a twentieth of a second; more buys little
KEPT_SECONDS = 365 * 24 * 3600

fetches_per_person = Limit("boards fetched", burst=60, per_second=1)  # guests by their address; a classroom comes from one


@require_safe
def board_ink(request: HttpRequest, slug: str) -> HttpResponse:
    """Every element, or (`?since=17&epoch=...`) what changed after that revision, however much it is.

    `MAGIC`, revision, where it begins (0: everything), length of the epoch, epoch; then each CHANGE with its length before it.
    The revision was read before the rows: what is newer comes again by the feed, and does no harm.
    """
    board = seat_or_404(request, slug).board
    since = _since(request, board)
    rows = Element.objects.on(board).order_by("number")
    rows = rows.filter(rev__gt=since) if since else rows.alive()
    return _answer(request, board, f"{since}", lambda: pack(board, since, map(row_change, rows.rows())))


@require_safe
def board_history(request: HttpRequest, slug: str) -> HttpResponse:
    """Everything that was ever drawn, as far as it is kept, in the order in which it was: for the replay.

    As above, but instead of a CHANGE: number, author, revision at which it was erased (0: it is there), element.
    """
    board = seat_or_404(request, slug).board
    rows = Element.objects.on(board).order_by("number").rows()
    return _answer(request, board, "history", lambda: pack(board, 0, map(history_entry, rows.iterator())))


@require_safe
def board_thumbnail(request: HttpRequest, slug: str) -> HttpResponse:
    board = seat_or_404(request, slug).board
    if not hasattr(board, "thumbnail"):
        raise Http404
    response = HttpResponse(bytes(board.thumbnail.png), content_type="image/png")
    response["Cache-Control"] = f"private, max-age={KEPT_SECONDS}, immutable"
    return response


def _since(request: HttpRequest, board: Board) -> int:
    text = request.GET.get("since", "")
    since = int(text) if text.isdecimal() and len(text) < 16 else 0
    is_known = request.GET.get("epoch") == board.epoch and board.purged_rev <= since <= board.rev
    return since if is_known else 0


def history_entry(row: tuple[int, int, int, int | None, bool, bytes]) -> bytes:
    rev, number, author, _, is_erased, data = row
    return wire.varints(number, author, rev if is_erased else 0) + bytes(data)


def pack(board: Board, since: int, entries: Iterable[bytes]) -> bytes:
    epoch = board.epoch.encode()
    pieces = [MAGIC, wire.varints(board.rev, since, len(epoch)), epoch]
    for entry in entries:
        pieces += (wire.varint(len(entry)), entry)
    return b"".join(pieces)


def _answer(request: HttpRequest, board: Board, what: str, pack: Callable[[], bytes]) -> HttpResponse:
    """Not sent again when the browser has it: a reload of a board that nobody changed costs nothing."""
    tag = f'"{board.epoch}-{board.rev}-{what}"'
    if request.headers.get("If-None-Match") == tag:
        return HttpResponse(status=304, headers={"ETag": tag})
    try:
        fetches_per_person.spend(request.user.pk or request.META.get("REMOTE_ADDR", ""))
    except Refusal as refusal:
        return refusal_response(refusal)
    body = pack()
    response = HttpResponse(content_type="application/octet-stream", headers={"ETag": tag, "Vary": "Accept-Encoding, Cookie"})
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        body = gzip.compress(body, GZIP_LEVEL, mtime=0)
        response["Content-Encoding"] = "gzip"
    response.content = body
    response["Cache-Control"] = "private, no-cache"
    return response
