"""JSON for pages: what is refused is a typed error with its status, whoever asks."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse

from realtime.protocol import Refusal
from realtime.tokens import refusal_response

View = Callable[..., HttpResponse]


def json(answer: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(answer), content_type="application/json", status=status)


def geojson(answer: Any, status: int = 200) -> HttpResponse:
    """RFC 7946, section 12."""
    return HttpResponse(msgspec.json.encode(answer), content_type="application/geo+json", status=status)


def fresh(request: HttpRequest, make: Callable[[], HttpResponse], *feeds: Any) -> HttpResponse:
    """The answer with a tag that changes whenever one of these feeds does; 304 to who has it. What is asked for by age is made
    anew each time."""
    etag = "W/" + '"' + ".".join(f"{feed.epoch}-{feed.rev}" for feed in feeds) + '"'
    is_known = request.headers.get("If-None-Match") == etag and "hours" not in request.GET
    response = HttpResponse(status=304) if is_known else make()
    response["ETag"] = etag
    response["Cache-Control"] = "private, no-cache"
    return response


def refusing(view: View) -> View:
    """For views of scripts and programs: a `Refusal` becomes JSON."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            return refusal_response(refusal)

    return wrapper
