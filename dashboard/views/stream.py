"""The stream that keeps a page live: server-sent events, once a second, whatever the load.

Viewers of the same page who read the same language share what is rendered for it. Rights are looked at again every so often, so
that who is logged out or demoted does not watch on.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth import aget_user
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import translation
from django.views.decorators.http import require_GET

from dashboard.database import with_connection
from dashboard.events import Away, Live, Series, Tick, encode
from dashboard.permissions import rights_of
from dashboard.process import watch_loop
from dashboard.queries import history
from dashboard.store import Unreachable, store
from dashboard.views.pages import PAGES, Page

RIGHTS_SECONDS = 30
POINTS = 300  # that a chart begins with
MARK_SECONDS = 60  # for which a tick tells what happened
SHARED_SECONDS = 0.9  # a rendered part is shown to everybody who asks within that time

_rendered: dict[Any, tuple[float, str]] = {}


@require_GET
async def stream(request: HttpRequest) -> HttpResponseBase:
    if not hasattr(request, "scope"):  # WSGI: a stream would keep a worker to itself. 204 tells the browser not to come back.
        return HttpResponse(status=204)
    watch_loop()
    page = PAGES.get(request.GET.get("page_name", ""))
    rights = await _rights(request)
    if not rights:
        return HttpResponse(status=403)
    if page is None:
        return HttpResponse(status=404)
    response = StreamingHttpResponse(_events(request, page, rights, translation.get_language()), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would keep it back
    return response


async def _rights(request: HttpRequest) -> frozenset[str]:
    """Asks the database again: the request has the session and the person as they were when it came."""
    request.session = type(request.session)(request.session.session_key)
    user = await aget_user(request)
    return await sync_to_async(with_connection)(rights_of, user)


async def _events(request: HttpRequest, page: Page, rights: frozenset[str], language: str | None) -> AsyncIterator[bytes]:
    arguments = {name.removeprefix("argument_"): value for name, value in request.GET.items() if name.startswith("argument_")}
    shown, next_live, checked = "", 0.0, time.monotonic()
    yield b"retry: 2000\n\n"
    if page.points:
        yield await _in_thread(language, _series, page, arguments)
    while True:
        now = time.monotonic()
        if now - checked > RIGHTS_SECONDS:
            if not (rights := await _rights(request)):
                return
            checked = now
        if page.points:
            yield await _in_thread(language, _tick, page, arguments)
        if now >= next_live:
            next_live = now + page.seconds - 0.1
            html = await _in_thread(language, _live, page, rights, request.GET, arguments)
            if html != shown:
                shown = html
                yield encode(Live(html))
        yield b": beat\n\n"  # so that both ends notice when the other is gone
        await asyncio.sleep(1.0 - time.time() % 1.0 + 0.05)


async def _in_thread(language: str | None, function: Any, *arguments: Any) -> Any:
    """Reading the store waits on a network, so it must not hold the loop, nor the one thread of the requests.

    The language is said each time: that of the request is over when the answer is begun.
    """

    def spoken() -> Any:
        with translation.override(language):
            return function(*arguments)

    return await sync_to_async(with_connection, thread_sensitive=False)(spoken)


def _series(page: Page, arguments: dict[str, Any]) -> bytes:
    assert page.points
    try:
        points = page.points(store(), arguments, POINTS)
        return encode(Series(points, history.marks(store(), points[0]["t"] if points else 0)))
    except Unreachable as error:
        return encode(Away(str(error)))


def _tick(page: Page, arguments: dict[str, Any]) -> bytes:
    assert page.points
    try:
        points = page.points(store(), arguments, 1)
        return encode(Tick(points[-1], history.marks(store(), points[-1]["t"] - MARK_SECONDS))) if points else b""
    except Unreachable as error:
        return encode(Away(str(error)))


def _live(page: Page, rights: frozenset[str], parameters: Any, arguments: dict[str, Any]) -> str:
    key = (page.name, rights, parameters.urlencode(), translation.get_language())
    at, html = _rendered.get(key, (0.0, ""))
    if time.monotonic() - at > SHARED_SECONDS:
        html = page.live_html(page.context(rights, parameters, arguments))
        if len(_rendered) > 200:
            _rendered.clear()
        _rendered[key] = (time.monotonic(), html)
    return html
