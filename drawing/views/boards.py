"""Pages of boards: the list, a board, and the forms that make or change one."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import redirect_to_login
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from drawing import services
from drawing.forms import BoardForm, GuestForm, refuse
from drawing.models import Board, Participant
from drawing.views.seats import Seat, seat_of
from realtime.protocol import Refusal

PER_PAGE = 60  # of each list; a browser watches the heads of all that it shows, and of 200 at most
UNTITLED = _("Untitled board")


@login_required
@require_safe
def board_list(request: HttpRequest) -> HttpResponse:
    """One's own boards, those of others, and what everybody can find: `?mine=2` turns a page of one list.

    The feeds were read before the rows.
    """
    feed, gallery = services.board_list_of(request.user), services.gallery_feed()
    places = Participant.objects.for_list(request.user)
    public = Board.objects.in_gallery().exclude(pk__in=places.order_by().values("board")).select_related("owner")
    lists = {
        "mine": places.filter(board__owner=request.user.pk),
        "shared": places.exclude(board__owner=request.user.pk),
        "public": public.order_by("-drawn_at", "pk"),
        "deleted": Board.objects.deleted_by(request.user).order_by("-deleted_at", "pk"),
    }
    pages = {name: Paginator(rows, PER_PAGE).get_page(request.GET.get(name)) for name, rows in lists.items()}
    is_first = all(page.number == 1 for page in pages.values())
    return render(request, "drawing/board_list.html", {"feed": feed, "gallery": gallery, "is_first": is_first, **pages})


@login_required
def board_create(request: HttpRequest) -> HttpResponse:
    """One press makes a board; who wants to name it first has a form."""
    form, status = BoardForm(request.POST or None, initial={"title": UNTITLED}), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return redirect(services.create_board(request.user, **form.cleaned_data))
            except Refusal as refusal:
                status = refuse(form, refusal)
    return render(request, "drawing/board_create.html", {"form": form}, status=status)


@require_safe
def board_detail(request: HttpRequest, slug: str) -> HttpResponse:
    return render_board(request, slug, GuestForm())


def render_board(request: HttpRequest, slug: str, form: GuestForm, status: int = 200) -> HttpResponse:
    seat = seat_of(request, slug, takes_place=True)
    if seat is None:
        if not request.user.is_authenticated:  # whether or not there is such a board
            return redirect_to_login(request.get_full_path())
        raise Http404
    may_join = seat.place is None and seat.board.may_guests_draw and not request.user.is_authenticated
    context = {"board": seat.board, "seat": seat, "guest_form": form if may_join else None}
    return render(request, "drawing/board_detail.html", context, status=status)


@login_required
@require_POST
def board_edit(request: HttpRequest, slug: str) -> HttpResponse:
    """Change what was sent of name, background and lock; `access` has a page of its own. A script is answered with 204."""
    wanted: dict[str, Any] = {name: request.POST[name] for name in ("title", "background") if name in request.POST}
    if "is_locked" in request.POST:
        wanted["is_locked"] = request.POST["is_locked"] == "1"
    return act(request, slug, lambda seat: services.change_board(request.user, seat.board.pk, **wanted))


@login_required
@require_POST
def board_duplicate(request: HttpRequest, slug: str) -> HttpResponse:
    try:
        return redirect(services.duplicate_board(request.user, seat_or_404(request, slug).board.pk))
    except Refusal as refusal:
        notes.error(request, refusal.message)
        return redirect("drawing:board_list")


@login_required
@require_POST
def board_delete(request: HttpRequest, slug: str) -> HttpResponse:
    seat = seat_or_404(request, slug)
    try:
        services.delete_board(request.user, seat.board.pk)
        notes.success(request, gettext("“%(board)s” is deleted. You find it below the list for 30 days.") % {"board": seat.board})
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("drawing:board_list")


@login_required
@require_POST
def board_restore(request: HttpRequest, slug: str) -> HttpResponse:
    board = Board.objects.deleted_by(request.user).filter(slug=slug).first()
    if board is None:
        raise Http404
    services.restore_board(request.user, board.pk)
    notes.success(request, gettext("“%(board)s” is back.") % {"board": board})
    return redirect("drawing:board_list")


@login_required
@require_POST
def board_leave(request: HttpRequest, slug: str) -> HttpResponse:
    """Take it off one's list."""
    try:
        services.forget_board(request.user, seat_or_404(request, slug).board.pk)
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("drawing:board_list")


def seat_or_404(request: HttpRequest, slug: str) -> Seat:
    seat = seat_of(request, slug)
    if seat is None:
        raise Http404
    return seat


def act(request: HttpRequest, slug: str, verb: Callable[[Seat], Any]) -> HttpResponse:
    """Do something to a board. A script hears 204, or why not; a form leads back to the board."""
    seat = seat_or_404(request, slug)
    is_script = request.headers.get("Accept") == "application/json"
    try:
        verb(seat)
    except Refusal as refusal:
        if is_script:
            return HttpResponse(refusal.message, status=refusal.status, content_type="text/plain")
        notes.error(request, refusal.message)
    return HttpResponse(status=204) if is_script else redirect(seat.board)
