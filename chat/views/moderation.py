"""Keeping order in a room: the acts, each a form that is posted, and the log of them."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.models import Membership, ModerationAction, Room
from chat.services.moderation import FOR_GOOD, REASON_LENGTH
from chat.views.rooms import get_room
from realtime.protocol import Refusal

ACTIONS_SHOWN = 50  # on a page
IN_FORCE_SHOWN = 100


class ReasonForm(forms.Form):
    reason = forms.CharField(max_length=REASON_LENGTH, required=False)


class MuteForm(ReasonForm):
    minutes = forms.IntegerField()


class BanForm(ReasonForm):
    minutes = forms.IntegerField(required=False)  # empty: for good


class RoleForm(ReasonForm):
    role = forms.ChoiceField(choices=[(role.value, role.label) for role in Membership.Role])


class LogFilterForm(forms.Form):
    kind = forms.ChoiceField(
        label=_("What"),
        required=False,
        choices=[("", _("Everything")), *((kind.value, kind.label) for kind in ModerationAction.Kind)],
    )
    person = forms.CharField(
        label=_("Who"), required=False, max_length=150, widget=forms.TextInput(attrs={"placeholder": _("User name")})
    )


@login_required
@require_POST
def member_mute(request: HttpRequest, room_id: int, user_id: int) -> HttpResponse:
    return act(request, room_id, user_id, MuteForm, services.mute_member, _("{name} is muted."))


@login_required
@require_POST
def member_unmute(request: HttpRequest, room_id: int, user_id: int) -> HttpResponse:
    return act(request, room_id, user_id, ReasonForm, services.unmute_member, _("{name} may write again."))


@login_required
@require_POST
def member_ban(request: HttpRequest, room_id: int, user_id: int) -> HttpResponse:
    return act(request, room_id, user_id, BanForm, services.ban_member, _("{name} is banned."))


@login_required
@require_POST
def member_unban(request: HttpRequest, room_id: int, user_id: int) -> HttpResponse:
    return act(request, room_id, user_id, ReasonForm, services.unban_member, _("{name} may come back."))


@login_required
@require_POST
def member_remove(request: HttpRequest, room_id: int, user_id: int) -> HttpResponse:
    return act(request, room_id, user_id, ReasonForm, services.remove_member, _("{name} is no longer in the room."))


@login_required
@require_POST
def member_role(request: HttpRequest, room_id: int, user_id: int) -> HttpResponse:
    return act(request, room_id, user_id, RoleForm, services.change_role, _("{name} has another role now."))


@login_required
@require_safe
def moderation_log(request: HttpRequest, room_id: int) -> HttpResponse:
    """What moderators did, latest first, and the mutes and bans that are in force."""
    room = get_room(request, room_id)
    membership = room.memberships.active().filter(user=request.user).first()
    if membership is None or not membership.can_moderate:
        raise Http404
    form = LogFilterForm(request.GET)
    actions = room.moderation_actions.select_related("actor", "target", "message")
    page = Paginator(filtered(actions, form), ACTIONS_SHOWN).get_page(request.GET.get("page"))
    context = {
        "room": room,
        "form": form,
        "is_filtered": any(request.GET.get(name) for name in form.fields),
        "page": page,
        "in_force": in_force(room),
        "FOR_GOOD": FOR_GOOD,
        "query": urlencode({name: request.GET[name] for name in form.fields if request.GET.get(name)}),
    }
    return render(request, "chat/moderation_log.html", context)


def act(
    request: HttpRequest,
    room_id: int,
    user_id: int,
    form_class: type[forms.Form],
    verb: Callable[..., Membership],
    done: Any,
) -> HttpResponse:
    """Do one thing to one person, say how it went (`done`, a lazy sentence with {name}), and go back to where the form was."""
    room, form = get_room(request, room_id), form_class(request.POST)
    if form.is_valid():
        try:
            target = verb(request.user, room.pk, user_id, **form.cleaned_data)
            notes.success(request, format_lazy(done, name=target.user.get_username()))
        except Refusal as refusal:
            notes.error(request, refusal.message)
    else:
        notes.error(request, next(f"{name}: {errors[0]}" for name, errors in form.errors.items()))
    return redirect("chat:moderation_log" if request.POST.get("back") == "log" else "chat:member_list", room.pk)


def filtered(actions: Any, form: LogFilterForm) -> Any:
    if not form.is_valid():
        return actions
    if kind := form.cleaned_data["kind"]:
        actions = actions.filter(kind=kind)
    if person := form.cleaned_data["person"].strip().removeprefix("@"):
        actions = actions.filter(Q(actor__username__iexact=person) | Q(target__username__iexact=person))
    return actions


def in_force(room: Room) -> list[Membership]:
    now = timezone.now()
    restrained = room.memberships.filter(Q(banned_until__gt=now) | Q(muted_until__gt=now)).select_related("user")
    return list(restrained.order_by("user__username")[:IN_FORCE_SHOWN])
