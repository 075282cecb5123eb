"""Outgoing webhooks: the page of the moderators who make them."""

from typing import Any

from django import forms
from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.forms import refuse
from chat.models import NAME_LENGTH, OutgoingHook, Room
from chat.views.hooks import get_moderated_room
from realtime.addresses import URL_LENGTH
from realtime.protocol import Refusal


class OutgoingForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        help_text=_("For your list, such as “Archive”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    # Text, since what a browser takes for a URL is not quite what the service does.
    url = forms.CharField(
        label=_("Address"),
        max_length=URL_LENGTH,
        help_text=_("It begins with https://, and is on the public Internet."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "url", "placeholder": "https://"}),
    )
    events = forms.MultipleChoiceField(
        label=_("What is sent"),
        choices=OutgoingHook.Event.choices,
        initial=OutgoingHook.Event.values,
        widget=forms.CheckboxSelectMultiple,
    )


@login_required
@require_safe
def outgoing_list(request: HttpRequest, room_id: int) -> HttpResponse:
    return render_outgoing(request, get_moderated_room(request, room_id))


@login_required
@require_POST
@never_cache
@sensitive_variables("hook")
def outgoing_create(request: HttpRequest, room_id: int) -> HttpResponse:
    """The answer to this one request shows the secret: it is in no URL, no session and no cache."""
    room, form = get_moderated_room(request, room_id), OutgoingForm(request.POST)
    if not form.is_valid():
        return render_outgoing(request, room, form=form, status=422)
    try:
        hook = services.create_outgoing_hook(request.user, room.pk, **form.cleaned_data)
    except Refusal as refusal:
        return render_outgoing(request, room, form=form, status=refuse(form, refusal))
    return render_outgoing(request, room, new_hook=hook, secret=hook.secret)


@login_required
@require_POST
def outgoing_try(request: HttpRequest, room_id: int, pk: int) -> HttpResponse:
    room = get_moderated_room(request, room_id)
    try:
        status = services.try_outgoing_hook(request.user, room.pk, pk)
        notes.success(request, format_lazy(_("It answered with {status}."), status=status))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("chat:outgoing_list", room.pk)


@login_required
@require_POST
def outgoing_revoke(request: HttpRequest, room_id: int, pk: int) -> HttpResponse:
    room = get_moderated_room(request, room_id)
    try:
        hook = services.revoke_outgoing_hook(request.user, room.pk, pk)
        notes.success(request, format_lazy(_("“{name}” is called no more."), name=hook.name))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("chat:outgoing_list", room.pk)


def render_outgoing(
    request: HttpRequest, room: Room, *, form: OutgoingForm | None = None, status: int = 200, **context: Any
) -> HttpResponse:
    hooks = OutgoingHook.objects.for_list().filter(room=room)
    context |= {"room": room, "hooks": hooks, "form": form or OutgoingForm(), "is_outgoing": True}
    return render(request, "chat/hook_list.html", context, status=status)
