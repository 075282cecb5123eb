"""A room to follow without scripts: a page that asks again and again, and is sent only when something is new."""

from hashlib import sha256

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.utils.translation import get_language
from django.views.decorators.http import require_safe

from chat.models import Room
from chat.views.paging import read_page
from chat.views.rooms import get_room

FOLLOW_SECONDS = 5  # between two looks; each is a few queries, and mostly an empty answer


@login_required
@require_safe
def room_follow(request: HttpRequest, room_id: int) -> HttpResponse:
    """The last messages, the newest first, so that nobody has to scroll. Rights are asked at each look.

    A header refreshes it, and so not the page of an error that comes instead: who may no longer read asks no more. With
    `?paused` it stays as it is, for those who read slowly or are read to.
    """
    room, is_paused = get_room(request, room_id), "paused" in request.GET
    etag = etag_of(request, room)
    response = None if is_paused else get_conditional_response(request, etag=etag)
    if response is None:
        messages = read_page(request, room).messages[::-1]
        context = {"room": room, "title": room.title_for(request.user), "messages": messages, "is_paused": is_paused}
        response = render(request, "chat/room_follow.html", context | {"seconds": FOLLOW_SECONDS})
    if not is_paused:
        response["Refresh"] = str(FOLLOW_SECONDS)
        response["ETag"] = etag
        # Kept by the browser, unlike other pages of a person. It asks again in some seconds, also when the back button brings
        # it after a log-out, and then it is gone. One that is paused would stay, so it is not kept.
        response["Cache-Control"] = "private, no-cache"
    return response


def etag_of(request: HttpRequest, room: Room) -> str:
    """All that the page depends on: every visible change of a room moves its `rev`."""
    get_token(request)  # puts the cookie there, which the buttons of the page belong to
    facts = (
        request.user.pk,
        request.META["CSRF_COOKIE"],
        get_language(),
        room.pk,
        room.epoch,
        room.rev,
        request.get_full_path(),
        static("chat/message.css"),  # with another deploy it has another name
    )
    return quote_etag(sha256(repr(facts).encode()).hexdigest()[:32])
