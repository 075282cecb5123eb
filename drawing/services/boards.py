"""Boards themselves: create, change, duplicate, delete, bring back."""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from drawing.frames import board_event
from drawing.models import TITLE_LENGTH, Board, Element, Participant
from drawing.services import access
from drawing.services.lists import touch_lists
from drawing.services.thumbnails import thumbnail_soon
from realtime.broadcast import broadcast, tell_hubs
from realtime.limits import Limit
from realtime.protocol import Refusal

BOARDS_PER_PERSON = 500
KEPT_DAYS = 30  # a deleted board can be brought back for so long; an erased element, too

boards_per_person = Limit("new boards", burst=20, per_second=20 / 3600)


@transaction.atomic
def create_board(user: Any, title: str, access: str = Board.Access.PRIVATE, background: str = Board.Background.DOTS) -> Board:
    """A new board, which belongs to the person."""
    title = _checked_title(title)
    if Board.objects.alive().filter(owner=user.pk).count() >= BOARDS_PER_PERSON:
        raise Refusal("too_long", format_lazy(_("You have {limit} boards. Delete some first."), limit=BOARDS_PER_PERSON))
    boards_per_person.spend(user.pk)
    board = Board.objects.create(
        title=title, owner=user, access=_choice(Board.Access, access), background=_choice(Board.Background, background)
    )
    board = Board.objects.lock(pk=board.pk)
    add_place(board, user=user, role=Participant.Role.OWNER)
    touch_lists(board)
    return board


@transaction.atomic
def change_board(user: Any, board_id: int, **wanted: Any) -> Board:
    """Set `title`, `access`, `background` or `is_locked`. Owners may. Rights change at once, on open boards too."""
    board, _owner = access.owned_board(user, board_id)
    if "title" in wanted:
        wanted["title"] = _checked_title(wanted["title"])
    for field, choices in (("access", Board.Access), ("background", Board.Background)):
        if field in wanted:
            wanted[field] = _choice(choices, wanted[field])
    changes = {field: value for field, value in wanted.items() if value != getattr(board, field)}
    if changes:
        save_settings(board, **changes)
    return board


@transaction.atomic
def duplicate_board(user: Any, board_id: int) -> Board:
    """A board of one's own with the same elements. Whoever may look at a board may copy it."""
    original = Board.objects.filter(pk=board_id).first()  # not held: those who draw on it need not wait for the copy
    if original is None or not access.role_of(original, access.place_of(original, user)):
        raise access.no_such_board()
    copy = create_board(user, _title_of_copy(original.title), background=original.background)
    place = copy.participants.get()
    rows = Element.objects.on(original).alive().order_by("number").values_list("data", flat=True)
    copies = [
        Element(board=copy, number=copy.rev + at, rev=copy.rev + at, author=place, key=at, data=bytes(data))
        for at, data in enumerate(rows, start=1)
    ]
    Element.objects.bulk_create(copies, batch_size=500)
    thumbnail_soon(copy)
    copy.advance(
        len(copies),
        element_count=len(copies),
        byte_count=sum(len(element.data) for element in copies),
        is_thumbnail_due=copy.is_thumbnail_due,
    )
    return copy


@transaction.atomic
def delete_board(user: Any, board_id: int) -> Board:
    """Nobody sees it any more. For 30 days its owner can bring it back."""
    board, _owner = access.owned_board(user, board_id)
    if board.owner_id != user.pk:
        raise Refusal("not_allowed", _("Only the person who made the board may delete it."))
    save_settings(board, deleted_at=timezone.now())
    return board


@transaction.atomic
def restore_board(user: Any, board_id: int) -> Board:
    board, _owner = access.owned_board(user, board_id, is_deleted=True)
    save_settings(board, deleted_at=None)
    return board


@transaction.atomic
def lock_by_staff(user: Any, board_id: int, *, is_locked: bool) -> Board:
    """For the staff of the site. Needs the permission `drawing.change_board`."""
    if not user.has_perm("drawing.change_board"):
        raise Refusal("not_allowed", _("Only staff may do this."))
    board = access.locked_board(board_id)
    if board.is_locked != is_locked:
        save_settings(board, is_locked=is_locked)
    return board


def prune(now: Any = None) -> tuple[int, int]:
    """Remove for good what was deleted or erased long ago. Returns how many boards, and how many elements."""
    before = (now or timezone.now()) - timedelta(days=KEPT_DAYS)
    boards = Board.objects.filter(deleted_at__lt=before)
    board_count = boards.count()
    boards.delete()
    element_count = 0
    for pk in Element.objects.filter(is_erased=True, changed_at__lt=before).order_by().values_list("board", flat=True).distinct():
        with transaction.atomic():
            board = Board.objects.lock(pk=pk)
            gone = Element.objects.on(board).filter(is_erased=True, changed_at__lt=before)
            last = gone.order_by("-rev").values_list("rev", flat=True).first()
            element_count += gone.delete()[0]
            # Who was away since before that is told to start afresh: what they have may be gone without a trace.
            board.advance(0, purged_rev=last)
    return board_count, element_count


def add_place(board: Board, **facts: Any) -> Participant:
    """Somebody new on a board that is held."""
    board.participant_count += 1
    Board.objects.filter(pk=board.pk).update(participant_count=board.participant_count)
    return Participant.objects.create(board=board, number=board.participant_count, **facts)


def save_settings(board: Board, **changes: Any) -> None:
    """Change facts of a board that is held, and tell the board, the lists, and every process that rights may differ."""
    board.advance(1, settings_rev=board.rev + 1, **changes)
    broadcast(board.group, board_event(board), head=board.head())
    touch_lists(board)
    tell_rights(board)


def tell_rights(board: Board) -> None:
    tell_hubs(board.group, {"type": "drawing.rights", "board": board.pk})


def _checked_title(title: str) -> str:
    title = " ".join(title.split())
    if not title:
        raise Refusal("bad_value", _("A board needs a name."), field="title")
    if len(title) > TITLE_LENGTH:
        raise Refusal("too_long", format_lazy(_("A name may have {limit} characters."), limit=TITLE_LENGTH), field="title")
    return title


def _title_of_copy(title: str) -> str:
    """In the language of whoever copies: it is their board, and they may call it otherwise."""
    copy = gettext("%(title)s copy")
    return copy % {"title": title[: TITLE_LENGTH - len(copy % {"title": ""})]}


def _choice(choices: Any, value: str) -> str:
    if value not in choices.values:
        raise Refusal("bad_value", _("Choose one of the list."), field=choices.__name__.lower())
    return value
