"""The reference of the wire, written from the code that speaks it: docs/protocol.md and docs/asyncapi.json."""

import inspect
import json
from itertools import groupby
from typing import Any

import msgspec

from realtime import protocol
from realtime.protocol import Change, Command, DurableCommand, Event, Refusal, subclasses, tag_of

INTRODUCTION = """\
# What travels on the socket

This page is written by `python3 manage.py protocol` from the docstrings of each app's `events.py`; a test keeps it current.

One socket per tab, `/ws/`, carries any number of feeds. Frames are JSON objects with a `type`, `<app>.<noun>.<verb>`: past
tense from the server (events), imperative from the client (commands). A durable event carries the `rev` of its `feed`: a
client shows it if `rev` is above its cursor, and moves the cursor there. A durable command carries a `client_id` (a UUID): sent
again, by whatever path and however late, it changes nothing more and gets the same answer. `POST /commands/` takes the same
commands as JSON when there is no socket.
"""

CLOSE_CODES = {
    1000: "normal",
    4012: "the server restarts: come back after the pause that `realtime.bye` names",
    4400: "too many bad frames: reload",
    4401: "not logged in, or no longer",
    4403: "not allowed, or no longer",
    4404: "no such socket",
    4408: "too slow: come back and resume",
    4409: "the client is older than the server: reload",
    4429: "too fast, or too many sockets: come back later",
}


def markdown() -> str:
    """docs/protocol.md"""
    parts = [INTRODUCTION]
    for title, base in (("Events: server to client", Event), ("Commands: client to server", Command)):
        parts.append(f"\n## {title}\n")
        for app, structs in groupby(subclasses(base), key=lambda struct: tag_of(struct).partition(".")[0]):
            parts.append(f"\n### {app}\n")
            parts += [_entry(struct) for struct in structs]
    parts.append("\n## Errors\n\n| code | HTTP |\n| --- | --- |\n")
    parts += [f"| `{code}` | {status} |\n" for code, status in Refusal.STATUS.items()]
    parts.append("\n## Close codes\n\n| code | meaning |\n| --- | --- |\n")
    parts += [f"| {code} | {meaning} |\n" for code, meaning in CLOSE_CODES.items()]
    return "".join(parts)


def asyncapi() -> str:
    """docs/asyncapi.json, for generators of clients (AsyncAPI 3.0)."""
    events, commands = subclasses(Event), subclasses(Command)
    schemas, components = msgspec.json.schema_components([*events, *commands], ref_template="#/components/schemas/{name}")
    messages = {
        tag_of(struct): {"name": tag_of(struct), "summary": _summary(struct), "payload": schema}
        for struct, schema in zip([*events, *commands], schemas, strict=True)
    }
    document = {
        "asyncapi": "3.0.0",
        "info": {"title": "The suite's socket", "version": str(protocol.VERSION)},
        "defaultContentType": "application/json",
        "channels": {"socket": {"address": "/ws/", "messages": {name: _ref("messages", name) for name in messages}}},
        "operations": {
            "tell": {"action": "send", "channel": _ref_to("#/channels/socket"), "messages": _messages(events)},
            "ask": {"action": "receive", "channel": _ref_to("#/channels/socket"), "messages": _messages(commands)},
        },
        "components": {"messages": messages, "schemas": components},
    }
    return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _entry(struct: type[msgspec.Struct]) -> str:
    kind = {Change: " · durable", DurableCommand: " · durable"}
    durable = next((text for base, text in kind.items() if issubclass(struct, base)), "")
    fields = ", ".join(f"`{field.encode_name}`" + ("" if field.required else "?") for field in msgspec.structs.fields(struct))
    return f"\n**`{tag_of(struct)}`**{durable}  \n{_summary(struct)}  \n{fields or 'no fields'}\n"


def _summary(struct: type[msgspec.Struct]) -> str:
    return " ".join((inspect.getdoc(struct) or "").split())


def _messages(structs: list[Any]) -> list[dict[str, str]]:
    return [_ref_to(f"#/channels/socket/messages/{tag_of(struct)}") for struct in structs]


def _ref(section: str, name: str) -> dict[str, str]:
    return _ref_to(f"#/components/{section}/{name}")


def _ref_to(path: str) -> dict[str, str]:
    return {"$ref": path}
