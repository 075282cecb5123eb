"""Every frame a client could send by mistake or malice gets a typed error."""

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.events import EditMessage, PostMessage
from realtime.protocol import FRAME_BYTES, Refusal, decode

CLIENT_ID = str(uuid4())
POST = {"type": "chat.message.post", "client_id": CLIENT_ID, "feed": "chat.room.1", "body": "hello"}


def changed(**fields):
    return json.dumps({key: value for key, value in (POST | fields).items() if value is not ...})


BAD_FRAMES = [
    ("", "bad_json", None),
    ("{", "bad_json", None),
    ("hello", "bad_json", None),
    ('{"type": "realtime.ping"} x', "bad_json", None),
    ("\ufeff{}", "bad_json", None),
    ('{"type": "realtime.ping", "type": "realtime.ping"}', "bad_json", None),
    ('{"type": "chat.message.edit", "id": NaN}', "bad_json", None),
    ('{"type": "chat.message.edit", "id": -Infinity}', "bad_json", None),
    ('{"a": "\\ud800"}', "bad_json", None),
    ("[" * 100_000, "too_long", None),
    ("[" * 60_000, "bad_json", None),
    ('{"a":' * 20 + "1" + "}" * 20, "bad_json", None),
    ("9" * 6000, "bad_json", None),
    ("[1]", "bad_frame", None),
    ("null", "bad_frame", None),
    ("1", "bad_frame", None),
    ('"text"', "bad_frame", None),
    ("{}", "bad_frame", None),
    ('{"body": "x"}', "bad_frame", None),
    (changed(type="no.such.type"), "unknown_type", None),
    (changed(type="websocket.disconnect"), "unknown_type", None),
    (changed(type="realtime.frames"), "unknown_type", None),
    (changed(type="chat.message.posted"), "unknown_type", None),
    (changed(type="__class__"), "unknown_type", None),
    (changed(type="_x"), "unknown_type", None),
    (changed(type=7), "unknown_type", None),
    (changed(type=None), "unknown_type", None),
    (changed(client_id="7"), "bad_field", "client_id"),
    (changed(client_id=...), "bad_field", "client_id"),
    (changed(feed=...), "bad_field", "feed"),
    (changed(feed="chat.room.x"), "bad_field", "feed"),
    (changed(feed="chat.room.1; DROP"), "bad_field", "feed"),
    (changed(feed="chat.room." + "9" * 40), "bad_field", "feed"),
    (changed(feed=7), "bad_field", "feed"),
    (changed(body=7), "bad_field", "body"),
    (changed(body=None), "bad_field", "body"),
    (changed(body="x" * 4001), "bad_field", "body"),
    (changed(body="nul \x00"), "bad_field", "body"),
    (changed(body="bell \x07"), "bad_field", "body"),
    (changed(reply_to="7"), "bad_field", "reply_to"),
    (changed(reply_to=True), "bad_field", "reply_to"),
    (changed(reply_to=-1), "bad_field", "reply_to"),
    (changed(reply_to=2**60), "bad_field", "reply_to"),
    (changed(attachments="x"), "bad_field", "attachments"),
    (changed(attachments=[CLIENT_ID] * 11), "bad_field", "attachments"),
    (changed(author=1), "bad_field", "author"),
    (changed(__proto__={}), "bad_field", "__proto__"),
]


@pytest.mark.parametrize(("text", "code", "field"), BAD_FRAMES)
def test_a_bad_frame_is_refused_by_name(text, code, field):
    with pytest.raises(Refusal) as refused:
        decode(text)
    assert (refused.value.code, refused.value.field) == (code, field)


def test_a_good_frame_is_a_command():
    command = decode(json.dumps(POST))
    assert isinstance(command, PostMessage)
    assert (str(command.client_id), command.feed, command.body) == (CLIENT_ID, "chat.room.1", "hello")


def test_an_answer_to_a_refused_command_names_the_command():
    command = EditMessage(client_id=uuid4(), feed="chat.room.1", id=1, body="x")
    error = Refusal("not_allowed", "No.", field="id", retry_after=2).to_event(command)
    assert (error.client_id, error.feed, error.field, error.retry_after) == (command.client_id, "chat.room.1", "id", 2)


@given(st.text() | st.binary())
def test_no_text_raises_anything_but_a_refusal(text):
    with pytest.raises(Refusal):
        decode(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_no_json_raises_anything_but_a_refusal(value):
    for body in (value, POST | {"body": value}, POST | {"type": value}, POST | {"feed": value}):
        try:
            decode(json.dumps(body))
        except Refusal as refusal:
            assert refusal.status in range(400, 504)


def test_the_size_limit_counts_bytes():
    with pytest.raises(Refusal) as refused:
        decode(b" " * (FRAME_BYTES + 1))
    assert refused.value.code == "too_long"
