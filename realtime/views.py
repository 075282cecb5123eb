"""The way in for commands when there is no socket."""

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from realtime.auth import Caller, Credentials, identify
from realtime.commands import carry_out
from realtime.protocol import Event, Refusal, decode, encode


@csrf_exempt
@require_POST
async def command_create(request: HttpRequest) -> HttpResponse:
    """Carry out the command in the body: the same JSON as on the socket, the same answer, the same rows.

    A program brings a token, which no other site can make a browser send; whoever brings a cookie needs a CSRF token.
    """
    if "Authorization" in request.headers:
        return await _answer(request, await identify(Credentials(authorization=request.headers["Authorization"])))
    return await _command_with_session(request)


@csrf_protect
async def _command_with_session(request: HttpRequest) -> HttpResponse:
    return await _answer(request, Caller(await request.auser()))


async def _answer(request: HttpRequest, caller: Caller) -> HttpResponse:
    command = None
    try:
        if not caller.user.is_authenticated:
            raise Refusal("not_logged_in", _("Log in first."))
        command = decode(request.body)
        ack = await carry_out(caller, command)
    except Refusal as refusal:
        return _json(refusal.to_event(command), refusal.status)
    except DatabaseError:
        away = Refusal("retry_later", _("The database does not answer."), retry_after=2)
        return _json(away.to_event(command), away.status)
    return _json(ack, 200) if ack else HttpResponse(status=204)


def _json(event: Event, status: int) -> HttpResponse:
    return HttpResponse(encode(event), content_type="application/json", status=status)
