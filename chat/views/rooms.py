"""Pages of rooms: the list, a room, and the forms that make or change one."""

from collections.abc import Sequence
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth import get_user_model
from django.contrib.auth.decorators import login_required
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.forms import MessageForm, NewRoomForm, PersonForm, RoomSettingsForm, refuse
from chat.models import Membership, Room
from chat.views.paging import place, read_page
from realtime.protocol import Refusal

ROOMS_LISTED = 100
PEOPLE_LISTED = 30
MEMBERS_SHOWN = 200


@login_required
@require_safe
def room_list(request: HttpRequest) -> HttpResponse:
    """One's own rooms in the side list, the open ones to look into, and one's own that are archived."""
    members = Count("memberships", filter=Q(memberships__left_at=None))
    rooms = Room.objects.readable_by(request.user).filter(kind=Room.Kind.OPEN, archived_at=None)
    rooms = rooms.exclude(pk__in=Room.objects.joined_by(request.user)).annotate(member_count=members)
    archived = (
        Room.objects.readable_by(request.user).joined_by(request.user).exclude(archived_at=None).exclude(kind=Room.Kind.DIRECT)
    )
    context = {
        "rooms": rooms.order_by("-last_message_at", "name")[:ROOMS_LISTED],
        "archived": archived.order_by("-archived_at")[:ROOMS_LISTED],
        "is_browsing": "browse" in request.GET,
    }
    return render(request, "chat/room_list.html", context)


@login_required
def room_create(request: HttpRequest) -> HttpResponse:
    form, status = NewRoomForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return redirect(services.create_room(request.user, **form.cleaned_data))
            except Refusal as refusal:
                status = refuse(form, refusal)
    return render(request, "chat/room_create.html", {"form": form}, status=status)


@login_required
def direct_open(request: HttpRequest) -> HttpResponse:
    """Choose somebody to talk to; the room is made when it is not there yet."""
    form, status = PersonForm(request.POST or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return redirect(services.open_direct_room(request.user, form.person))
            except Refusal as refusal:
                status = refuse(form, refusal)
    wanted = wanted_name(request)
    people = (
        get_user_model().objects.filter(is_active=True, username__icontains=wanted).exclude(username=request.user.get_username())
    )
    context = {"form": form, "wanted": wanted, "people": people.order_by("username")[:PEOPLE_LISTED]}
    return render(request, "chat/direct_open.html", context, status=status)


@login_required
@require_safe
def room_detail(request: HttpRequest, room_id: int) -> HttpResponse:
    return render_room(request, get_room(request, room_id), at=place(request, "at"))


@login_required
def room_edit(request: HttpRequest, room_id: int) -> HttpResponse:
    room = get_room(request, room_id)
    membership = room.memberships.active().filter(user=request.user).first()
    if room.is_direct or membership is None or not membership.can_moderate:
        raise Http404
    facts = {"name": room.name, "topic": room.topic, "slow_mode_seconds": room.slow_mode_seconds}
    form, status = RoomSettingsForm(request.POST or None, initial=facts), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                return redirect(services.change_room(request.user, room.pk, **form.cleaned_data))
            except Refusal as refusal:
                status = refuse(form, refusal)
    return render(request, "chat/room_edit.html", {"form": form, "room": room, "membership": membership}, status=status)


@login_required
@require_POST
def room_archive(request: HttpRequest, room_id: int) -> HttpResponse:
    """Close the room for writing; with `archived=0`, reopen it."""
    room = get_room(request, room_id)
    try:
        services.archive_room(request.user, room.pk, archived=request.POST.get("archived") != "0")
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(room)


@login_required
@require_POST
def room_read(request: HttpRequest, room_id: int) -> HttpResponse:
    """Without scripts a page cannot know what was seen, so that the reader says it."""
    room = get_room(request, room_id)
    try:
        services.mark_read(request.user, room.pk, room.last_seq)
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(room)


def get_room(request: HttpRequest, room_id: int) -> Room:
    """A room the person may read; any other does not exist for them."""
    return get_object_or_404(Room.objects.readable_by(request.user), pk=room_id)


def wanted_name(request: HttpRequest) -> str:
    """The user name, or a part of one, that is looked for: without NUL, which no name has and PostgreSQL refuses to compare."""
    return request.GET.get("q", "").replace("\0", "").strip().removeprefix("@")


def render_room(
    request: HttpRequest, room: Room, *, at: int | None = None, form: MessageForm | None = None, status: int = 200
) -> HttpResponse:
    """The page of a room, around place `at` or at its end.

    The room, with its revision, was read before its messages: what happens in between comes by the feed.
    """
    memberships = room.memberships.active().select_related("user").order_by("user__username")
    shown = list(memberships[:MEMBERS_SHOWN])
    context = {
        "room": room,
        "membership": memberships.filter(user=request.user).first(),
        "title": room.name,
        "page": read_page(request, room, at),
        "at": at,
        "form": form or MessageForm(),
        "memberships": shown,
        "member_count": memberships.count(),
    }
    if room.is_direct:
        context["title"] = other_person(shown, request.user)
    return render(request, "chat/room_detail.html", context, status=status)


def other_person(memberships: Sequence[Membership], user: Any) -> str:
    others = (membership.user.username for membership in memberships if membership.user_id != user.pk)
    return next(others, gettext("Yourself"))
