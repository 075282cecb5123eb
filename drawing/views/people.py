"""Who is on a board: see and share, roles, removing, guests. Owners see all of it; each form works without scripts."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from drawing import services
from drawing.forms import AccessForm, GuestForm, ShareForm, refuse
from drawing.guests import guest_secret, remember_guest
from drawing.models import Board, Participant
from drawing.views.boards import render_board, seat_or_404
from realtime.protocol import Refusal

PEOPLE_SHOWN = 200


@login_required
@require_safe
def board_share(request: HttpRequest, slug: str) -> HttpResponse:
    return render_sharing(request, slug, ShareForm())


def render_sharing(request: HttpRequest, slug: str, form: ShareForm, status: int = 200) -> HttpResponse:
    """The page, or for htmx the part of it that stands in the dialog of a board."""
    seat = seat_or_404(request, slug)
    strokes = Count("elements", filter=Q(elements__is_erased=False))
    people = seat.board.participants.select_related("user").annotate(stroke_count=strokes)
    wanted = request.GET.get("person", "").strip()
    if wanted:
        people = people.filter(Q(user__username__icontains=wanted) | Q(guest_name__icontains=wanted))
    context = {
        "board": seat.board,
        "seat": seat,
        "form": form,
        "access_form": AccessForm(initial={"access": seat.board.access}),
        "people": people.order_by("is_removed", "-number")[:PEOPLE_SHOWN],  # who makes trouble has come lately
        "wanted": wanted,
        "are_many": seat.board.participant_count > PEOPLE_SHOWN,
        "link": request.build_absolute_uri(seat.board.get_absolute_url()),
        "roles": Participant.Role.choices,
    }
    reverted = request.session.get("drawing_reverted") if seat.is_owner else None
    if reverted and reverted["board"] == seat.board.pk:
        context["reverted"] = request.session.pop("drawing_reverted")
    template = "drawing/_sharing.html" if is_htmx(request) else "drawing/board_share.html"
    return render(request, template, context, status=status)


@login_required
@require_POST
def access_edit(request: HttpRequest, slug: str) -> HttpResponse:
    access = request.POST.get("access", "")
    return change(request, slug, lambda board: services.change_board(request.user, board.pk, access=access))


@login_required
@require_POST
def person_add(request: HttpRequest, slug: str) -> HttpResponse:
    seat, form, status = seat_or_404(request, slug), ShareForm(request.POST), 422
    if form.is_valid():
        try:
            services.share_board(request.user, seat.board.pk, form.person, form.cleaned_data["role"])
            return shown_again(request, slug)
        except Refusal as refusal:
            status = refuse(form, refusal)
    return render_sharing(request, slug, form, status)


@login_required
@require_POST
def person_role(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    role = request.POST.get("role", "")
    return change(request, slug, lambda board: services.change_role(request.user, board.pk, number, role))


@login_required
@require_POST
def person_remove(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return change(request, slug, lambda board: services.remove_participant(request.user, board.pk, number))


@login_required
@require_POST
def person_return(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    return change(request, slug, lambda board: services.let_back(request.user, board.pk, number))


@login_required
@require_POST
def person_revert(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """Erase all that somebody drew; with `since`, bring it back."""
    since = request.POST.get("since", "")

    def revert(board: Board) -> None:
        if since.isdecimal():
            count = services.restore_strokes(request.user, board.pk, number, int(since[:15]))
            notes.success(request, gettext("%(count)s brought back.") % {"count": count})
        else:
            count, before = services.revert_strokes(request.user, board.pk, number)
            request.session["drawing_reverted"] = {"board": board.pk, "number": number, "since": before, "count": count}

    return change(request, slug, revert)


@require_POST
def guest_join(request: HttpRequest, slug: str) -> HttpResponse:
    """Choose a name and draw, without an account."""
    seat, form, status = seat_or_404(request, slug), GuestForm(request.POST), 422
    if request.user.is_authenticated:
        return redirect(seat.board)
    if form.is_valid():
        secret = guest_secret(request)
        try:
            services.join_as_guest(seat.board, form.cleaned_data["name"], secret, request.META.get("REMOTE_ADDR", ""))
        except Refusal as refusal:
            status = refuse(form, refusal)
        else:
            response = redirect(seat.board)
            remember_guest(response, secret, is_secure=request.is_secure())
            return response
    return render_board(request, slug, form, status)


def change(request: HttpRequest, slug: str, verb: Callable[[Board], Any]) -> HttpResponse:
    seat = seat_or_404(request, slug)
    try:
        verb(seat.board)
    except Refusal as refusal:
        if refusal.code == "not_found":
            raise Http404 from None
        notes.error(request, refusal.message)
    return shown_again(request, slug)


def shown_again(request: HttpRequest, slug: str) -> HttpResponse:
    """A form leads back to its page; for htmx it is the answer."""
    return render_sharing(request, slug, ShareForm()) if is_htmx(request) else redirect("drawing:board_share", slug)


def is_htmx(request: HttpRequest) -> bool:
    return request.headers.get("HX-Request") == "true"
