"""Who is in a room: see, join, leave, invite."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.forms import PersonForm, refuse
from chat.models import Room
from chat.services import access
from chat.views.rooms import MEMBERS_SHOWN, get_room, other_person, wanted_name
from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.tokens import refusal_response

MEMBERS_COMPLETED = 10
completions_per_person = Limit("chat completions of names", burst=20, per_second=5)


@login_required
@require_safe
def member_list(request: HttpRequest, room_id: int) -> HttpResponse:
    return render_members(request, get_room(request, room_id), PersonForm())


@login_required
@require_safe
def member_complete(request: HttpRequest, room_id: int) -> HttpResponse:
    """The other members whose names begin with `q`, as JSON: for an @name in a room of more members than its page lists."""
    room = get_room(request, room_id)
    try:
        access.membership_of(request.user, room)
        completions_per_person.spend(request.user.pk)
    except Refusal as refusal:
        return refusal_response(refusal)
    others = room.memberships.active().filter(user__is_active=True).exclude(user=request.user)
    begun = others.filter(user__username__istartswith=wanted_name(request)).order_by("user__username")
    people = begun.values_list("user_id", "user__username")[:MEMBERS_COMPLETED]
    return JsonResponse({"people": [{"id": pk, "name": name} for pk, name in people]})


@login_required
@require_POST
def member_add(request: HttpRequest, room_id: int) -> HttpResponse:
    room = get_room(request, room_id)
    form, status = PersonForm(request.POST), 422
    if form.is_valid():
        try:
            services.invite_member(request.user, room.pk, form.person)
            notes.success(request, format_lazy(_("{name} is in the room now."), name=form.person.username))
            return redirect("chat:member_list", room.pk)
        except Refusal as refusal:
            status = refuse(form, refusal)
    return render_members(request, room, form, status)


@login_required
@require_POST
def member_join(request: HttpRequest, room_id: int) -> HttpResponse:
    return enter(request, lambda: services.join_room(request.user, room_id).room)


@login_required
@require_POST
def member_leave(request: HttpRequest, room_id: int) -> HttpResponse:
    room = get_room(request, room_id)
    try:
        services.leave_room(request.user, room.pk)
    except Refusal as refusal:
        notes.error(request, refusal.message)
        return redirect(room)
    notes.success(request, format_lazy(_("You left {room}."), room=room))
    return redirect("chat:room_list")


@login_required
def invite_accept(request: HttpRequest, code: str) -> HttpResponse:
    """Where an invite link leads. Going in takes a press: a link that is only looked at must change nothing."""
    if request.method == "POST":
        return enter(request, lambda: services.join_by_invite(request.user, code).room)
    room = get_object_or_404(Room.objects.exclude(kind=Room.Kind.DIRECT), invite_code=code)
    if room.memberships.active().filter(user=request.user).exists():
        return redirect(room)
    context = {"room": room, "member_count": room.memberships.active().count()}
    return render(request, "chat/invite_accept.html", context)


@login_required
@require_POST
def invite_renew(request: HttpRequest, room_id: int) -> HttpResponse:
    room = get_room(request, room_id)
    try:
        services.renew_invite(request.user, room.pk)
        notes.success(request, _("The old invite link no longer works. Here is the new one."))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("chat:member_list", room.pk)


def enter(request: HttpRequest, join: Callable[[], Any]) -> HttpResponse:
    """Go into a room by `join()`, or say why not."""
    try:
        return redirect(join())
    except Refusal as refusal:
        if refusal.code == "not_found":
            raise Http404(refusal.message) from None
        notes.error(request, refusal.message)
        return redirect("chat:room_list")


def render_members(request: HttpRequest, room: Room, form: PersonForm, status: int = 200) -> HttpResponse:
    members = room.memberships.active().select_related("user").order_by("user__username")
    wanted = wanted_name(request)
    memberships = list(members.filter(user__username__icontains=wanted)[:MEMBERS_SHOWN])
    context = {
        "room": room,
        "title": other_person(memberships, request.user) if room.is_direct else room.name,
        "membership": members.filter(user=request.user).first(),
        "memberships": memberships,
        "wanted": wanted,
        "member_count": members.count(),
        "person_form": form,
    }
    return render(request, "chat/member_list.html", context, status=status)
