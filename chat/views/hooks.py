"""Incoming webhooks: the page of the moderators who make them, and the door that programs knock at."""

from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec
from django import forms
from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from chat import services
from chat.events import Body
from chat.forms import refuse
from chat.models import NAME_LENGTH, IncomingHook, Room
from chat.views.rooms import get_room
from realtime.protocol import FRAME_BYTES, Refusal, Text
from realtime.tokens import refusal_response


class HookForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=NAME_LENGTH,
        help_text=_("Stands where a person's name would, such as “Deployments”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class HookPost(msgspec.Struct, frozen=True):
    """What a program posts. Other fields are ignored: many services send more than one asks for."""

    text: Body
    name: Annotated[Text, msgspec.Meta(max_length=NAME_LENGTH)] = ""


@login_required
@require_safe
def hook_list(request: HttpRequest, room_id: int) -> HttpResponse:
    return render_hooks(request, get_moderated_room(request, room_id))


@login_required
@require_POST
@never_cache
@sensitive_variables("secret")
def hook_create(request: HttpRequest, room_id: int) -> HttpResponse:
    """The answer to this one request shows the secret: it is in no URL, no session and no cache."""
    room, form = get_moderated_room(request, room_id), HookForm(request.POST)
    if not form.is_valid():
        return render_hooks(request, room, form=form, status=422)
    try:
        hook, secret = services.create_hook(request.user, room.pk, form.cleaned_data["name"])
    except Refusal as refusal:
        return render_hooks(request, room, form=form, status=refuse(form, refusal))
    url = request.build_absolute_uri(reverse("chat:hook_post"))
    return render_hooks(request, room, new_hook=hook, secret=secret, url=url)


@login_required
@require_POST
def hook_revoke(request: HttpRequest, room_id: int, pk: int) -> HttpResponse:
    room = get_moderated_room(request, room_id)
    try:
        hook = services.revoke_hook(request.user, room.pk, pk)
        notes.success(request, format_lazy(_("“{name}” no longer works."), name=hook.name))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("chat:hook_list", room.pk)


def keeps_secret(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Take the secret out of the request's path before anybody writes the path down.

    Django logs the path of what it refuses, and error reports hold it. Servers and proxies in front log each URL before
    we see it, which we cannot help: whoever can send a header should use `hook_post`, where the URL holds no secret.
    """

    @wraps(view)
    def wrapper(request: HttpRequest, **kwargs: Any) -> HttpResponse:
        request.path = request.path_info = request.META["PATH_INFO"] = reverse("chat:hook_post")
        request.resolver_match = None
        return view(request, **kwargs)

    return wrapper


# No CSRF token: no cookie is looked at, and whoever knows the secret may post from wherever they like.
@csrf_exempt
@keeps_secret
@require_POST
@sensitive_variables("secret")
def hook_receive(request: HttpRequest, secret: str) -> HttpResponse:
    """Post into the room whose webhook has this secret, for services that can be given nothing but a URL."""
    return receive(request, secret)


@csrf_exempt
@require_POST
@sensitive_variables("secret")
def hook_post(request: HttpRequest) -> HttpResponse:
    """The same with `Authorization: Bearer <secret>`, which no access log keeps."""
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return refusal_response(Refusal("not_logged_in", "Send the secret of the webhook: Authorization: Bearer bch_…"))
    return receive(request, secret.strip())


@sensitive_variables("secret")
def receive(request: HttpRequest, secret: str) -> HttpResponse:
    try:
        post, client_id = read_post(request), read_client_id(request)
        posted = services.post_by_hook(secret, post.text, post.name, client_id)
    except Refusal as refusal:
        return refusal_response(refusal)
    answer = msgspec.json.encode({"id": posted.id, "seq": posted.seq, "rev": posted.rev})
    return HttpResponse(answer, content_type="application/json", status=201 if posted.is_new else 200)


def read_post(request: HttpRequest) -> HookPost:
    """The body, as JSON or as a form, of at most so many bytes. Raises `Refusal`."""
    body = request.read(FRAME_BYTES + 1)
    if len(body) > FRAME_BYTES:
        raise Refusal("too_long", f"A body may have {FRAME_BYTES} bytes.")
    try:
        if request.content_type == "application/x-www-form-urlencoded":
            fields = dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=20))
            return msgspec.convert(fields, HookPost)
        return msgspec.json.decode(body, type=HookPost)
    except msgspec.ValidationError as error:
        raise Refusal("bad_field", str(error), field="name" if "$.name" in str(error) else "text") from None
    except (ValueError, RecursionError):  # msgspec's DecodeError and UnicodeDecodeError are among them
        raise Refusal("bad_json", 'Send {"text": "…"} as JSON, or a form with a field text.') from None


def read_client_id(request: HttpRequest) -> UUID | None:
    """`Idempotency-Key`, which makes sending again harmless."""
    key = request.headers.get("Idempotency-Key")
    try:
        return UUID(key) if key else None
    except ValueError:
        raise Refusal("bad_field", "Idempotency-Key is a UUID.", field="Idempotency-Key") from None


def get_moderated_room(request: HttpRequest, room_id: int) -> Room:
    """A room whose moderator the person is; for anybody else the page does not exist."""
    room = get_room(request, room_id)
    membership = room.memberships.active().filter(user=request.user).first()
    if membership is None or not membership.can_moderate:
        raise Http404
    return room


def render_hooks(
    request: HttpRequest, room: Room, *, form: HookForm | None = None, status: int = 200, **context: Any
) -> HttpResponse:
    hooks = IncomingHook.objects.for_list().filter(room=room)
    context |= {"room": room, "hooks": hooks, "form": form or HookForm()}
    return render(request, "chat/hook_list.html", context, status=status)
