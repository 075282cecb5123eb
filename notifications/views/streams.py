"""The same feed for clients without WebSockets: server-sent events, and a poll that waits.

    curl -N -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8000/notifications/stream
    curl -H "Authorization: Bearer $TOKEN" "http://127.0.0.1:8000/notifications/changes?after=17&wait=25"

Both are read with the cookie of a browser or with a token that has the scope notifications:read.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_GET

from notifications import services
from notifications.views.inbox import number
from realtime.auth import Caller, Credentials, identify
from realtime.events import Cursor
from realtime.limits import Limit
from realtime.listening import Listening, check_room
from realtime.protocol import Refusal
from realtime.registry import sources
from realtime.threads import in_database
from realtime.tokens import refusal_response

BEAT_SECONDS = 15.0  # a comment, so that neither end takes the other for dead
WAIT_SECONDS = 25  # at most; proxies give up after 30
CHANGES = 200  # in one answer

streams_per_person = Limit("notification streams", burst=20, per_second=0.5)


@require_GET
async def stream(request: HttpRequest) -> HttpResponseBase:
    """Server-sent events. `Last-Event-ID` (or `?after=`) resumes; without it comes only what is new."""
    try:
        caller = await caller_of(request)
        streams_per_person.spend(caller.user.pk)
        check_room(caller)
    except Refusal as refusal:
        return refusal_response(refusal)
    cursor = cursor_from(request.headers.get("Last-Event-ID", "") or request.GET.get("after", ""))
    inbox = await in_database(services.inbox_of, caller.user)
    response = StreamingHttpResponse(_events(caller, inbox.group, cursor), content_type="text/event-stream")
    response["Cache-Control"] = "no-store"
    response["X-Accel-Buffering"] = "no"  # nginx would keep it back
    return response


@require_GET
async def changes(request: HttpRequest) -> HttpResponseBase:
    """What changed after revision `after`; if nothing has, wait up to `wait` seconds for it.

    The answer is a stream of one line, so that a wait holds a task and not a thread.
    """
    try:
        caller = await caller_of(request)
        streams_per_person.spend(caller.user.pk)
        check_room(caller)
        after, wait = number(request.GET.get("after", "0")), number(request.GET.get("wait", "0"))
        if after is None or wait is None:
            raise Refusal("bad_field", "after and wait are numbers.", field="after" if after is None else "wait")
    except Refusal as refusal:
        return refusal_response(refusal)
    inbox = await in_database(services.inbox_of, caller.user)
    answer = _changes(caller, inbox.pk, inbox.group, after, min(wait, WAIT_SECONDS))
    return StreamingHttpResponse(answer, content_type="application/json", headers={"Cache-Control": "no-store"})


async def caller_of(request: HttpRequest) -> Caller:
    """Who asks: by token, which needs the scope, or by session."""
    if shown := request.headers.get("Authorization", ""):
        caller = await identify(Credentials(authorization=shown))
    else:
        caller = Caller(await request.auser())
    if not caller.user.is_authenticated:
        raise Refusal("not_logged_in", "Log in, or send a valid token: Authorization: Bearer bc_…")
    if caller.scopes is not None and "notifications:read" not in caller.scopes:
        raise Refusal("not_allowed", "This token does not have the scope notifications:read.")
    return caller


def cursor_from(text: str) -> Cursor:
    """`17` or `17-<epoch>`, as our event ids are."""
    rev, _, epoch = text.partition("-")
    return Cursor(number(rev), epoch[:12] if epoch.isalnum() else "")


async def _events(caller: Caller, feed: str, cursor: Cursor) -> AsyncIterator[bytes]:
    epoch = cursor.epoch
    async with Listening(caller, feed, cursor) as writer:
        yield b"retry: 2000\n\n"
        while True:
            try:
                async with asyncio.timeout(BEAT_SECONDS):
                    payload = await writer.next()
            except TimeoutError:
                yield b": beat\n\n"
                continue
            if payload is None:
                return
            frame = json.loads(payload)
            epoch = frame.get("epoch", epoch)
            yield _event(frame, payload, epoch)


def _event(frame: dict[str, Any], payload: bytes, epoch: str) -> bytes:
    lines = [b"event: " + frame["type"].encode(), b"data: " + payload]  # JSON has no line break of its own
    if "rev" in frame:
        lines.insert(0, f"id: {frame['rev']}-{epoch}".encode())
    return b"\n".join(lines) + b"\n\n"


async def _changes(caller: Caller, inbox_id: int, feed: str, after: int, wait: int) -> AsyncIterator[bytes]:
    # Listening begins before the rows are read, so that nothing falls between the two.
    async with Listening(caller, feed, Cursor()) as writer:
        answer = await in_database(_read, inbox_id, feed, after)
        if not answer["events"] and wait and not answer["is_reset"]:
            with suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await _news(writer)
            answer = await in_database(_read, inbox_id, feed, after)
    yield msgspec.json.encode(answer) + b"\n"


async def _news(writer: Any) -> None:
    while (payload := await writer.next()) is not None:
        if not json.loads(payload)["type"].startswith("realtime."):
            return


def _read(inbox_id: int, feed: str, after: int) -> dict[str, Any]:
    source = sources()[feed.rpartition(".")[0]]
    caught_up = source.catch_up(inbox_id, after)
    is_reset = caught_up.is_reset or after > caught_up.rev
    events = [] if is_reset else caught_up.changes
    return {"feed": feed, "rev": caught_up.rev, "epoch": caught_up.epoch, "is_reset": is_reset, "events": events}
