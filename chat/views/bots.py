"""Bots: the pages of those who own them, and the JSON that bots read. They write through `/commands/` or the socket."""

from typing import Any

import msgspec
from django import forms
from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.db.models import Prefetch
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.forms import refuse
from chat.frames import message_event
from chat.models import NAME_LENGTH, Bot, Membership, Message, Room
from chat.services.bots import SCOPES
from realtime.models import AccessToken
from realtime.protocol import Refusal
from realtime.registry import sources
from realtime.tokens import require_token

PAGE, LARGEST_PAGE = 50, 200  # events


class BotForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=30,
        help_text=_("Letters, digits, dots, hyphens and underscores. Others see it, and can @mention the bot by it."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )


class TokenForm(forms.Form):
    name = forms.CharField(
        label=_("What it is for"), max_length=NAME_LENGTH, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )
    scopes = forms.MultipleChoiceField(
        label=_("It may"), choices=list(SCOPES.items()), initial=list(SCOPES), widget=forms.CheckboxSelectMultiple
    )


@login_required
@require_safe
def bot_list(request: HttpRequest) -> HttpResponse:
    return render_bots(request)


@login_required
@require_POST
def bot_create(request: HttpRequest) -> HttpResponse:
    form = BotForm(request.POST)
    if not form.is_valid():
        return render_bots(request, bot_form=form, status=422)
    try:
        bot = services.create_bot(request.user, form.cleaned_data["name"])
    except Refusal as refusal:
        return render_bots(request, bot_form=form, status=refuse(form, refusal))
    done = _("{bot} is there. Give it a token, then add it to a room as you would a person.")
    notes.success(request, format_lazy(done, bot=bot))
    return redirect("chat:bot_list")


@login_required
@require_POST
@never_cache
@sensitive_variables("secret")
def token_create(request: HttpRequest, user_id: int) -> HttpResponse:
    """The answer to this one request shows the secret: it is in no URL, no session and no cache."""
    form = TokenForm(request.POST, auto_id=f"id_{user_id}_%s")
    if not form.is_valid():
        return render_bots(request, token_form=form, bot_id=user_id, status=422)
    try:
        token, secret = services.issue_token(request.user, user_id, **form.cleaned_data)
    except Refusal as refusal:
        return render_bots(request, token_form=form, bot_id=user_id, status=refuse(form, refusal))
    return render_bots(request, new_token=token, secret=secret, bot_id=user_id)


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        token = services.revoke_token(request.user, pk)
        notes.success(request, format_lazy(_("“{name}” no longer works."), name=token.name))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("chat:bot_list")


@require_safe
@require_token("chat:read")
def api_room_list(request: HttpRequest) -> HttpResponse:
    """The rooms that the token's user is in. `rev` is where to resume the feed from."""
    memberships = (
        Membership.objects.active()
        .filter(user=request.user)
        .select_related("room")
        .with_people_of_direct_rooms()
        .order_by("room_id")
    )
    return json({"rooms": [room_facts(membership, request.user) for membership in memberships]})


@require_safe
@require_token("chat:read")
def api_message_list(request: HttpRequest, room_id: int) -> HttpResponse:
    """Events of a room, as the socket tells them.

    `?after=<rev>` is what changed since then, oldest change first: ask again with the `rev` of the answer while there is
    `more`. Without it come the last messages, or with `?before_seq=<seq>` those before that place, in their order.
    """
    source = sources()[Room.feed_name]
    # The head is read before the rows: what is written in between comes again with the next call, which is harmless.
    head = source.heads([room_id], request.user).get(room_id)
    if head is None:
        raise Refusal("not_found", _("There is no such room."))
    limit = number(request, "limit", PAGE, least=1, most=LARGEST_PAGE)
    answer: dict[str, Any] = {"feed": f"{Room.feed_name}.{room_id}", "rev": head.rev, "epoch": head.epoch}
    if "after" in request.GET:
        changes = list(source.changes(room_id, number(request, "after", 0), limit + 1))
        answer["more"] = len(changes) > limit
        answer["events"] = changes[:limit]
        if changes:
            reached = answer["events"][-1].rev
            answer["rev"] = reached if answer["more"] else max(reached, head.rev)
    else:
        before = number(request, "before_seq", 0) or None
        messages = Message.objects.for_display().filter(room=room_id).page_before(before, limit)
        answer["more"] = bool(messages) and messages[0].seq > 1
        answer["events"] = [message_event(message) for message in messages]
    return json(answer)


def render_bots(
    request: HttpRequest,
    *,
    bot_form: BotForm | None = None,
    token_form: TokenForm | None = None,
    bot_id: int | None = None,
    status: int = 200,
    **context: Any,
) -> HttpResponse:
    """The page, with a form that was refused in its place, or the secret of a new token beside its bot."""
    tokens = AccessToken.objects.order_by("-pk").filter(revoked_at=None)
    bots = (
        Bot.objects.managed_by(request.user)
        .select_related("user", "owner")
        .prefetch_related(Prefetch("user__access_tokens", tokens), Prefetch("user__memberships", rooms_of_bots()))
        .order_by("user__username")
    )
    shown = list(bots)
    for bot in shown:
        bot.token_form = token_form if token_form and bot.pk == bot_id else TokenForm(auto_id=f"id_{bot.pk}_%s")
        bot.is_open = bot.pk == bot_id
    context |= {"bots": shown, "bot_form": bot_form or BotForm()}
    return render(request, "chat/bot_list.html", context, status=status)


def rooms_of_bots() -> Any:
    return Membership.objects.active().exclude(room__kind=Room.Kind.DIRECT).select_related("room").order_by("room__name")


def room_facts(membership: Membership, user: Any) -> dict[str, Any]:
    room = membership.room
    return {
        "id": room.pk,
        "feed": room.group,
        "kind": room.kind,
        "name": room.title_for(user),
        "topic": room.topic,
        "role": membership.role,
        "rev": room.rev,
        "epoch": room.epoch,
        "last_seq": room.last_seq,
        "last_read_seq": membership.last_read_seq,
        "mention_count": membership.mention_count,
        "is_archived": room.is_archived,
    }


def number(request: HttpRequest, name: str, default: int, *, least: int = 0, most: int = 2**53) -> int:
    """A number of the query string. Raises `Refusal("bad_field")`: a program should hear of its mistakes."""
    text = request.GET.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 17 and least <= int(text) <= most):
        raise Refusal("bad_field", f"{name} is a number from {least} to {most}.", field=name)
    return int(text)


def json(answer: dict[str, Any]) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json")
