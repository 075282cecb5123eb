import logging

from realtime.logs import OnceAMinute


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
