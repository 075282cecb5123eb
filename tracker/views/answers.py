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


def refusing(view: View) -> View:
    """For views of scripts and programs: a `Refusal` becomes JSON."""

    @wraps(view)
    def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Refusal as refusal:
            return refusal_response(refusal)

    return wrapper
