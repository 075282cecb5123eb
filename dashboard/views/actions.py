"""What staff do: each a form that is posted, a service that is called, and a page that says how it went."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from dashboard import services
from dashboard.permissions import requires
from dashboard.services import Refused
from dashboard.store import Unreachable, store

MESSAGE_BYTES = 64_000


def action(right: str, back: str) -> Callable[[Callable[..., str]], Callable[..., HttpResponseBase]]:
    """A view of a function that does something and returns what to say; afterwards the page `back` is shown."""

    def decorate(carry_out: Callable[..., str]) -> Callable[..., HttpResponseBase]:
        @require_POST
        @requires(right)
        @wraps(carry_out)
        def view(request: HttpRequest, **arguments: Any) -> HttpResponseBase:
            wants_json = request.headers.get("Accept", "").startswith("application/json")
            try:
                said, level, status = carry_out(request, **arguments), messages.SUCCESS, 200
            except Refused as refusal:
                said, level, status = str(refusal), messages.ERROR, 422
            except Unreachable as error:
                said, level, status = _("The store does not answer: %(error)s") % {"error": error}, messages.ERROR, 503
            if wants_json:
                return HttpResponse(json.dumps({"said": said}), content_type="application/json", status=status)
            messages.add_message(request, level, said)
            return redirect(back, **arguments) if "group" in arguments else redirect(back)

        return view

    return decorate


@action("broadcast", "dashboard:group")
def broadcast(request: HttpRequest, group: str) -> str:
    # What was typed is on the form again afterwards, unless it was sent.
    draft = f"dashboard draft {group}"
    request.session[draft] = {"message": request.POST.get("message", "")[:2_000], "reason": request.POST.get("reason", "")[:200]}
    message = message_from(request.POST.get("message", ""))
    if "dry" in request.POST:
        reached = services.reach(store(), group, str(message.get("type", "")))
        facts = {"members": reached.members, "processes": reached.processes, "deaf": reached.deaf}
        if reached.deaf:
            text = _(
                "This would reach %(members)s members on %(processes)s processes; %(deaf)s have no handler for it, so it would "
                "be refused. Nothing was sent."
            )
            return text % facts
        return _("This would reach %(members)s members on %(processes)s processes. Nothing was sent.") % facts
    reached = services.broadcast(
        store(), request.user, group, message, reason=request.POST.get("reason", ""), confirmation=request.POST.get("confirm", "")
    )
    del request.session[draft]
    facts = {"members": reached.members, "processes": reached.processes}
    return _("Sent to %(members)s members on %(processes)s processes.") % facts


def message_from(text: str) -> dict[str, Any]:
    """Refused for what is no JSON object, or too big."""
    if len(text) > MESSAGE_BYTES:
        raise Refused(_("A message has at most %(number)s bytes.") % {"number": MESSAGE_BYTES})
    try:
        message = json.loads(text)
    except (ValueError, RecursionError):
        raise Refused(_("This is not valid JSON.")) from None
    if not isinstance(message, dict):
        raise Refused(_('A message is a JSON object: {"type": "..."}.'))
    return message


@action("disconnect", "dashboard:group")
def group_disconnect(request: HttpRequest, group: str) -> str:
    """One member, or everybody."""
    if socket := request.POST.get("socket", ""):
        return disconnected(request, socket)
    confirmation = request.POST.get("confirm", "")
    closed = services.disconnect(
        store(), request.user, group=group, reason=request.POST.get("reason", ""), confirmation=confirmation
    )
    return ngettext("%(number)s socket was closed.", "%(number)s sockets were closed.", closed) % {"number": closed}


@action("disconnect", "dashboard:connections")
def disconnect(request: HttpRequest) -> str:
    if username := request.POST.get("user", ""):
        closed = services.disconnect(store(), request.user, username=username, reason=request.POST.get("reason", ""))
        text = ngettext("%(number)s socket of %(name)s was closed.", "%(number)s sockets of %(name)s were closed.", closed)
        return text % {"number": closed, "name": username}
    return disconnected(request, request.POST.get("socket", ""))


def disconnected(request: HttpRequest, socket: str) -> str:
    """`socket` is `<boot id> <socket id>`, as the pages have it."""
    boot, _space, number = socket.partition(" ")
    closed = services.disconnect(store(), request.user, socket=number, boot=boot, reason=request.POST.get("reason", ""))
    return _("The socket was closed.") if closed else _("The socket was gone already.")


@action("drain", "dashboard:processes")
def drain(request: HttpRequest) -> str:
    closed = services.drain(store(), request.user, request.POST.get("boot", ""), reason=request.POST.get("reason", ""))
    text = ngettext(
        "%(number)s socket is asked to come back elsewhere, 50 at a time.",
        "%(number)s sockets are asked to come back elsewhere, 50 at a time.",
        closed,
    )
    return text % {"number": closed}


@action("view", "dashboard:group")
def tap(request: HttpRequest, group: str) -> str:
    """Shapes for who may look; for values the service asks for more."""
    is_open, with_values = request.POST.get("do") != "close", request.POST.get("do") == "values"
    services.tap(store(), request.user, group, is_open=is_open, with_values=with_values, reason=request.POST.get("reason", ""))
    return _("The next messages are shown here, for 60 seconds.") if is_open else _("The tap is closed.")
