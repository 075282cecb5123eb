"""Messages as pages: parts of a conversation for scripts, and forms that do without any."""

from uuid import uuid4

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.forms import EditForm, MessageForm, refuse
from chat.models import Message
from chat.views.paging import read_page
from chat.views.rooms import get_room, render_room
from realtime.protocol import Refusal


@login_required
@require_safe
def message_list(request: HttpRequest, room_id: int) -> HttpResponse:
    """A part of the conversation, without the page around it, and the revision that it was read at."""
    room = get_room(request, room_id)
    return render(request, "chat/_messages.html", {"room": room, "page": read_page(request, room)})


@login_required
@require_POST
def message_create(request: HttpRequest, room_id: int) -> HttpResponse:
    room = get_room(request, room_id)
    form = MessageForm(request.POST)
    if not form.is_valid():
        return render_room(request, room, form=form, status=422)
    draft = services.Draft(
        room_id=room.pk,
        author=request.user,
        body=form.cleaned_data["body"],
        client_id=form.cleaned_data["client_id"],
        reply_to=form.cleaned_data["reply_to"],
    )
    try:
        posted = services.post_message(draft)
    except Refusal as refusal:
        return render_room(request, room, form=form, status=refuse(form, refusal))
    services.read_own(request.user, room.pk, posted.seq)
    return redirect(f"{room.get_absolute_url()}#message-{posted.id}")


@login_required
@require_safe
def message_detail(request: HttpRequest, room_id: int, seq: int) -> HttpResponse:
    """The permalink: the conversation around one message."""
    return render_room(request, get_message(request, room_id, seq).room, at=seq)


@login_required
def message_edit(request: HttpRequest, room_id: int, seq: int) -> HttpResponse:
    message = get_message(request, room_id, seq)
    form, status = EditForm(request.POST or None, initial={"body": message.body}), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.edit_message(request.user, room_id, message.pk, form.cleaned_data["body"], uuid4())
                return redirect(message)
            except Refusal as refusal:
                status = refuse(form, refusal)
    return render(request, "chat/message_edit.html", {"message": message, "form": form}, status=status)


@login_required
def message_delete(request: HttpRequest, room_id: int, seq: int) -> HttpResponse:
    message = get_message(request, room_id, seq)
    if request.method != "POST":
        return render(request, "chat/message_delete.html", {"message": message})
    try:
        services.delete_message(request.user, room_id, message.pk, uuid4())
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(message)


@login_required
@require_POST
def message_react(request: HttpRequest, room_id: int, seq: int) -> HttpResponse:
    """Put an emoji on the message, or take one's own back."""
    message = get_message(request, room_id, seq)
    emoji = request.POST.get("emoji", "")
    is_there = message.reactions.filter(user=request.user.pk, emoji=emoji).exists()
    try:
        services.set_reaction(request.user, room_id, message.pk, emoji, not is_there, uuid4())
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(message)


@login_required
@require_safe
def message_history(request: HttpRequest, room_id: int, seq: int) -> HttpResponse:
    """What the message said before, oldest first."""
    message = get_message(request, room_id, seq)
    edits = message.edits.select_related("editor")
    return render(request, "chat/message_history.html", {"message": message, "edits": edits})


def get_message(request: HttpRequest, room_id: int, seq: int) -> Message:
    messages = Message.objects.for_display().select_related("room")
    return get_object_or_404(messages.readable_by(request.user), room_id=room_id, seq=seq)
