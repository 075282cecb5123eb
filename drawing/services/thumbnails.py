"""Small pictures of boards, drawn by a worker some seconds after somebody drew."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from drawing import picture
from drawing.elements import decode
from drawing.frames import board_event
from drawing.models import Board, Element, Thumbnail
from realtime.broadcast import broadcast
from realtime.jobs import enqueue

TOMBSTONES = 20_000  # of a board; who draws and erases without end must not fill the disk
PAUSE = timedelta(seconds=3)  # so that a minute of drawing is a dozen pictures and not a thousand


def thumbnail_soon(board: Board) -> None:
    """Have the board, which is held, drawn small. Its caller stores `is_thumbnail_due`."""
    if not board.is_thumbnail_due:
        board.is_thumbnail_due = True
        key = f"drawing.thumbnail.{board.pk}"
        enqueue("drawing.thumbnail", {"board": board.pk}, run_after=timezone.now() + PAUSE, key=key)


def draw_thumbnail(board_id: int) -> None:
    """Draw it as it is now, and show it in the lists. What is drawn from here on gets a job of its own."""
    Board.objects.filter(pk=board_id).update(is_thumbnail_due=False)
    board = Board.objects.filter(pk=board_id, deleted_at=None).first()
    if board is None:
        return
    rows = Element.objects.on(board).alive().order_by("number").values_list("data", flat=True)
    png = picture.draw(lambda: (decode(bytes(data)) for data in rows.iterator()))
    with transaction.atomic():
        board = Board.objects.lock(pk=board_id)
        _trim(board)
        Thumbnail.objects.update_or_create(board=board, defaults={"png": png})
        board.advance(1, settings_rev=board.rev + 1, thumbnail_rev=board.rev + 1)
        broadcast(board.group, board_event(board), head=board.head())


def _trim(board: Board) -> None:
    """Forget what was erased longest ago. Whoever has not heard of it yet starts afresh."""
    erased = Element.objects.on(board).filter(is_erased=True).order_by("-rev")
    last = erased.values_list("rev", flat=True)[TOMBSTONES : TOMBSTONES + 1].first()
    if last is not None:
        Element.objects.on(board).filter(is_erased=True, rev__lte=last).delete()
        board.advance(0, purged_rev=max(board.purged_rev, last))
