"""Who is on a board: take a place, share, change a role, remove, and undo what somebody drew."""

import hashlib
import unicodedata
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from drawing import frames
from drawing.models import GUEST_NAME_LENGTH, Board, Element, Participant
from drawing.services import access
from drawing.services.boards import add_place, tell_rights
from drawing.services.lists import touch_lists
from drawing.services.telling import tell_board
from drawing.services.thumbnails import thumbnail_soon
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.signals import user_notification_withdrawn, user_notified

Role = Participant.Role
PARTICIPANTS_PER_BOARD = 5_000
GUESTS_PER_BOARD = 500
BLANKS = "\u034f\u115f\u1160\u17b4\u17b5\u2800"  # letters and marks that show nothing

guests_per_address = Limit("guests", burst=60, per_second=60 / 3600)  # generous: a classroom comes from one address


def guest_key(secret: str) -> str:
    """Only a digest of what is in the cookie is stored. The secret is random, so there is nothing to guess."""
    return hashlib.sha256(secret.encode()).hexdigest()


def take_place(user: Any, board: Board) -> Participant | None:
    """The person's place on a board, made when they first come by its link. None for whom it does not exist, and where so many
    have been that there is none left: they may look."""
    place = access.place_of(board, user)
    if place is not None or not access.role_of(board, None):
        return place
    with transaction.atomic():
        board = access.locked_board(board.pk)
        if place := access.place_of(board, user):  # another tab was quicker
            return place
        if board.participant_count >= PARTICIPANTS_PER_BOARD:
            return None
        place = add_place(board, user=user)
        touch_lists(board, [user.pk])
    return place


def join_as_guest(board: Board, name: str, secret: str, address: str = "") -> Participant:
    """Let somebody without an account draw, under a name that nobody with an account has."""
    name = _checked_guest_name(name)
    if not board.may_guests_draw or not access.role_of(board, None):
        raise access.no_such_board()
    key = guest_key(secret)
    with transaction.atomic():
        board = access.locked_board(board.pk)
        place = Participant.objects.filter(board=board, guest_key=key).first()
        if place is not None:
            if place.is_removed:
                raise access.no_such_board()
            place.guest_name = name
            place.save(update_fields=["guest_name"])
            return place
        guests_per_address.spend(address)
        _check_room(board)
        if Participant.objects.filter(board=board, user=None).count() >= GUESTS_PER_BOARD:
            raise Refusal("too_long", _("This board has too many guests."))
        return add_place(board, guest_key=key, guest_name=name)


@transaction.atomic
def share_board(user: Any, board_id: int, other: Any, role: str) -> Participant:
    """Give somebody a role on the board, and tell them."""
    board, _owner = access.owned_board(user, board_id)
    _check_role(role)
    place = Participant.objects.select_related("user").filter(board=board, user=other).first()
    if place is not None and place.role == role and not place.is_removed:
        return place
    if place is None:
        _check_room(board)
        place = add_place(board, user=other, role=role)
    else:
        _check_not_last_owner(board, place, role)
        place.role, place.is_removed, place.is_listed = role, False, True
        place.save(update_fields=["role", "is_removed", "is_listed"])
    touch_lists(board, [other.pk])
    tell_rights(board)
    if other.pk != user.pk:
        user_notified.send(
            sender=Board,
            user=other,
            kind="drawing.shared",
            text=format_lazy(_("{name} shared the board “{board}” with you"), name=user.get_username(), board=board.title),
            detail=Role(role).label,
            url=board.get_absolute_url(),
            actor=user,
            dedupe_key=f"drawing.shared.{board.pk}.{other.pk}",
            group_key="",
            target=board.group,
        )
    return place


@transaction.atomic
def change_role(user: Any, board_id: int, number: int, role: str) -> Participant:
    """Make somebody owner, editor or viewer, or leave it to the link."""
    board, _owner = access.owned_board(user, board_id)
    if role not in Role.values:
        raise Refusal("bad_value", _("Choose a role of the list."), field="role")
    place = _place(board, number)
    if place.is_guest and role == Role.OWNER:
        raise Refusal("not_allowed", _("A guest cannot own a board."))
    _check_not_last_owner(board, place, role)
    if place.role != role or place.is_removed:
        place.role, place.is_removed = role, False
        place.save(update_fields=["role", "is_removed"])
        _tell_change(board, place)
    return place


@transaction.atomic
def remove_participant(user: Any, board_id: int, number: int) -> Participant:
    """Take somebody off the board, at once, and keep them off whatever the link says. What they drew stays."""
    board, mine = access.owned_board(user, board_id)
    place = _place(board, number)
    if place.pk == mine.pk or place.user_id == board.owner_id:
        raise Refusal("not_allowed", _("You cannot remove the person who made the board, nor yourself."))
    if not place.is_removed:
        place.is_removed, place.role = True, Role.LINK
        place.save(update_fields=["is_removed", "role"])
        _tell_change(board, place)
        if place.user:
            key = f"drawing.shared.{board.pk}.{place.user_id}"
            user_notification_withdrawn.send(sender=Board, user=place.user, dedupe_key=key)
    return place


@transaction.atomic
def let_back(user: Any, board_id: int, number: int) -> Participant:
    """Who was removed may come again, as the link says."""
    board, _owner = access.owned_board(user, board_id)
    place = _place(board, number)
    if place.is_removed:
        place.is_removed = False
        place.save(update_fields=["is_removed"])
        _tell_change(board, place)
    return place


@transaction.atomic
def forget_board(user: Any, board_id: int) -> None:
    """Take a board off one's list. A role that was given is given back; the link still works."""
    board = access.locked_board(board_id)
    place = access.place_of(board, user)
    if place is None or place.is_removed:
        raise access.no_such_board()
    if place.user_id == board.owner_id:
        raise Refusal("not_allowed", _("It is your own board. Delete it instead."))
    place.is_listed, place.role = False, Role.LINK
    place.save(update_fields=["is_listed", "role"])
    _tell_change(board, place)


@transaction.atomic
def revert_strokes(user: Any, board_id: int, number: int) -> tuple[int, int]:
    """Erase all that somebody drew. Returns how much that was, and the revision before it, with which it can be undone."""
    board, mine = access.owned_board(user, board_id)
    _check_unlocked(board)
    before = board.rev
    drawn = list(Element.objects.on(board).alive().filter(author=_place(board, number)).order_by("number"))
    for element in drawn:
        element.is_erased, element.erased_by = True, mine
    _save_all(board, drawn, -1)
    tell_board(board, [frames.erased_event(board, element, mine.number) for element in drawn])
    return len(drawn), before


@transaction.atomic
def restore_strokes(user: Any, board_id: int, number: int, since: int) -> int:
    """Undo `revert_strokes`. Returns how much came back."""
    board, mine = access.owned_board(user, board_id)
    _check_unlocked(board)
    erased = Element.objects.on(board).filter(author=_place(board, number), is_erased=True, erased_by=mine, rev__gt=since)
    drawn = list(erased.select_related("author").order_by("number"))
    for element in drawn:
        element.is_erased, element.erased_by = False, None
    _save_all(board, drawn, 1)
    tell_board(board, [frames.element_event(board, element, element.author.number) for element in drawn])
    return len(drawn)


def _save_all(board: Board, drawn: list[Element], sign: int) -> None:
    """Each takes a revision of its own; `sign` says whether they come (1) or go (-1)."""
    if not drawn:
        return
    now, first = timezone.now(), board.rev
    for step, element in enumerate(drawn, start=1):
        element.rev, element.changed_at = first + step, now
    Element.objects.bulk_update(drawn, ["rev", "is_erased", "erased_by", "changed_at"], batch_size=500)
    thumbnail_soon(board)
    board.advance(
        len(drawn),
        element_count=board.element_count + sign * len(drawn),
        byte_count=max(0, board.byte_count + sign * sum(len(element.data) for element in drawn)),
        is_thumbnail_due=board.is_thumbnail_due,
        drawn_at=now,
    )


def _tell_change(board: Board, place: Participant) -> None:
    if place.user_id:
        touch_lists(board, [place.user_id])
    tell_rights(board)


def _place(board: Board, number: int) -> Participant:
    place = Participant.objects.select_related("user").filter(board=board, number=number).first()
    if place is None:
        raise Refusal("not_found", _("There is nobody like that on this board."))
    return place


def _check_room(board: Board) -> None:
    if board.participant_count >= PARTICIPANTS_PER_BOARD:
        raise Refusal("too_long", _("This board has too many people."))


def _check_role(role: str) -> None:
    if role not in {Role.OWNER, Role.EDITOR, Role.VIEWER}:
        raise Refusal("bad_value", _("Choose a role of the list."), field="role")


def _check_unlocked(board: Board) -> None:
    if board.is_locked:
        raise Refusal("archived", _("This board is locked."))


def _check_not_last_owner(board: Board, place: Participant, role: str) -> None:
    if place.role == Role.OWNER and role != Role.OWNER and place.user_id == board.owner_id:
        raise Refusal("not_allowed", _("Whoever made the board stays its owner."))


def _checked_guest_name(name: str) -> str:
    name = " ".join(_visible(unicodedata.normalize("NFKC", name)).split())
    if not name:
        raise Refusal("bad_value", _("Choose a name, so that the others know who draws."), field="name")
    if len(name) > GUEST_NAME_LENGTH:
        raise Refusal("too_long", format_lazy(_("A name may have {limit} characters."), limit=GUEST_NAME_LENGTH), field="name")
    if get_user_model()._default_manager.filter(username__iexact=name).exists():
        raise Refusal("conflict", _("Somebody with an account is called that. Choose another name."), field="name")
    return name


def _visible(name: str) -> str:
    """Without what cannot be seen: with it, a guest would bear the name of somebody with an account."""
    return "".join(sign for sign in name if sign.isspace() or not (unicodedata.category(sign)[0] == "C" or sign in BLANKS))
