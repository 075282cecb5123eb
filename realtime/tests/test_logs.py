import asyncio
import json
import logging
import re
from datetime import UTC, datetime

import pytest

from realtime.logs import JsonFormatter, OnceAMinute, connection_id, new_request_id, request_id

pytestmark = pytest.mark.once


def record(message, error=None):
    return logging.LogRecord("layer", logging.ERROR, "", 0, message, (), (type(error), error, None) if error else None)


def test_what_goes_wrong_every_second_is_said_once_a_minute():
    once = OnceAMinute()
    assert [once.filter(record("away")) for _ in range(3)] == [True, False, False]
    assert once.filter(record("something else"))


def test_it_is_a_warning_that_names_the_error_in_one_line():
    said = record("away:", ConnectionError("refused"))
    OnceAMinute().filter(said)
    assert (said.levelname, said.getMessage(), said.exc_info) == ("WARNING", "away: ConnectionError: refused", None)


def as_json(record):
    return json.loads(JsonFormatter().format(record))


def test_a_line_for_programs_says_when_who_and_what():
    line = as_json(record("away"))
    assert (line["level"], line["logger"], line["message"]) == ("ERROR", "layer", "away")
    assert datetime.fromisoformat(line["time"]).tzinfo == UTC
    assert "request" not in line
    assert "exception" not in line


def test_a_line_for_programs_has_the_traceback_in_one_line():
    try:
        raise ConnectionError("refused\nand refused")
    except ConnectionError as error:
        said = record("away", error)
    text = JsonFormatter().format(said)
    assert "\n" not in text
    assert "refused\nand refused" in json.loads(text)["exception"]


def test_what_is_logged_meanwhile_bears_the_ids_of_request_and_connection():
    async def handle(request, connection):
        request_id.set(request)
        connection_id.set(connection)
        return await asyncio.to_thread(as_json, record("in a thread"))

    async def two():
        return await asyncio.gather(handle("request-1", ""), handle("request-2", "connection-2"))

    first, second = asyncio.run(two())
    assert (first["request"], first.get("connection")) == ("request-1", None)
    assert (second["request"], second["connection"]) == ("request-2", "connection-2")


@pytest.mark.parametrize("given", ["", "short", "x" * 65, "with spaces", 'quote"', "line\nbreak"])
def test_a_request_id_that_could_spoil_the_log_is_not_taken(given):
    made = new_request_id(given)
    assert made != given
    assert re.fullmatch(r"[0-9a-f]{32}", made)


def test_the_id_that_the_proxy_gave_is_kept():
    assert new_request_id("071660ed-368d-4ae6-b076-5627f899b3ca") == "071660ed-368d-4ae6-b076-5627f899b3ca"
