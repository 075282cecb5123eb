"""The rules of order, against every interleaving hypothesis can think of: what a socket is shown equals the feed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.topics import RECENT, Topic

pytestmark = pytest.mark.once


class Screen:
    """A socket that keeps what it is sent: here a frame is its revision."""

    def __init__(self, *seen):
        self.seen = list(seen)

    def write(self, frame):
        self.seen.append(int(frame))

    __hash__ = object.__hash__


def frame(rev):
    return str(rev).encode()


def follow(topic, screen, rev=None):
    topic.joining[screen] = None
    topic.admit(screen, topic.cursor if rev is None else rev)


def started(cursor=0):
    topic = Topic("chat.room.1")
    topic.start(cursor, "epoch")
    return topic


@given(
    hints=st.permutations(range(1, 13)).flatmap(
        lambda order: st.lists(st.sampled_from(order), max_size=30).map(lambda extra: [*order, *extra])
    ),
    lost=st.sets(st.integers(1, 12)),
)
def test_lost_doubled_and_reordered_hints_never_show(hints, lost):
    topic, screen = started(), Screen()
    follow(topic, screen)
    for rev in hints:
        if rev not in lost and not topic.accept(rev, frame(rev)):
            topic.repair([(at, frame(at)) for at in range(topic.cursor + 1, rev + 1)], rev)
    topic.repair([(at, frame(at)) for at in range(topic.cursor + 1, 13)], 12)
    assert screen.seen == list(range(1, 13))


@given(cursor=st.integers(0, 10), ahead=st.integers(0, 5), rest=st.permutations(range(1, 16)))
def test_a_socket_that_is_ahead_of_the_topic_waits_for_it(cursor, ahead, rest):
    """It has read the database further than the hints have come here."""
    topic, screen = started(cursor), Screen()
    follow(topic, screen, cursor + ahead)
    for rev in rest:
        topic.accept(rev, frame(rev))
    assert screen.seen == list(range(cursor + ahead + 1, 16))


def test_a_change_that_comes_while_the_head_is_read_is_not_lost():
    topic, screen = Topic("chat.room.1"), Screen()
    for rev in (5, 6, 8):
        assert topic.accept(rev, frame(rev))
    topic.start(5, "epoch")
    follow(topic, screen)
    assert (topic.cursor, topic.since(5), set(topic.early)) == (6, [frame(6)], {8})


def test_changes_that_arrive_in_order_are_shown_at_once():
    topic, screen = started(5), Screen()
    follow(topic, screen)
    assert topic.accept(6, frame(6))
    assert topic.accept(7, frame(7))
    assert screen.seen == [6, 7]


def test_an_early_change_waits_and_asks_for_repair():
    topic, screen = started(5), Screen()
    follow(topic, screen)
    assert not topic.accept(7, frame(7))
    assert screen.seen == []
    assert topic.accept(6, frame(6))
    assert screen.seen == [6, 7]


def test_a_known_change_is_dropped():
    topic, screen = started(5), Screen()
    follow(topic, screen)
    assert topic.accept(5, frame(5))
    assert screen.seen == []


def test_catching_up_from_memory_reaches_back_as_far_as_it_remembers():
    topic = started(0)
    for rev in range(1, RECENT + 11):
        topic.accept(rev, frame(rev))
    assert topic.since(RECENT + 8) == [frame(RECENT + 9), frame(RECENT + 10)]
    assert topic.since(RECENT + 10) == []
    assert topic.since(10) is not None
    assert topic.since(9) is None


def test_ephemeral_frames_reach_only_those_who_are_live():
    topic, live, watcher = started(), Screen(), Screen()
    follow(topic, live)
    topic.watchers.add(watcher)
    topic.tell(b"99")
    assert (live.seen, watcher.seen) == ([99], [])


def test_a_topic_is_empty_when_the_last_follower_left():
    topic, screen = started(), Screen()
    follow(topic, screen)
    assert not topic.is_empty
    topic.remove(screen)
    assert topic.is_empty


def test_what_is_fanned_out_is_counted_once_for_each_frame(monkeypatch):
    topic, heard = started(), []
    monkeypatch.setattr("realtime.traffic.listeners", [lambda *facts: heard.append(facts)])
    for _ in range(3):
        follow(topic, Screen())
    topic.tell(frame(0))
    topic.accept(1, frame(1))
    topic.accept(1, frame(1))  # known: not written again
    topic.repair([(2, frame(2))], 2)
    assert heard == [("chat.room.1", 3, 1)] * 3
    assert (topic.traffic.frames, topic.traffic.deliveries, topic.traffic.bytes) == (3, 9, 9)
