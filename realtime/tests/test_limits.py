import pytest

from realtime.limits import REMEMBERED, Limit
from realtime.protocol import Refusal

pytestmark = pytest.mark.once


def limit():
    return Limit("test", burst=2, per_second=0.5)


def test_a_burst_passes_then_the_answer_says_when_to_come_back():
    posts = limit()
    posts.spend("ann", now=0)
    posts.spend("ann", now=0)
    with pytest.raises(Refusal) as refused:
        posts.spend("ann", now=0)
    assert (refused.value.code, refused.value.retry_after) == ("rate_limited", 2)


def test_the_bucket_fills_with_time_but_never_over():
    posts = limit()
    assert [posts.wait("ann", now=at) for at in (0, 0, 2, 2)] == [0, 0, 0, 2]
    assert [posts.wait("ann", now=at) for at in (1000, 1000, 1000)] == [0, 0, 2]


def test_one_person_does_not_use_up_anothers_share():
    posts = limit()
    posts.spend("ann", cost=2, now=0)
    posts.spend("bob", cost=2, now=0)
    assert posts.wait("ann", now=0) > 0


def test_memory_is_bounded():
    posts = limit()
    for key in range(REMEMBERED + 10):
        posts.wait(key, now=0)
    assert len(posts._buckets) == REMEMBERED


def test_a_load_test_passes_where_the_deployer_says_so(settings):
    settings.RATE_LIMITS = False
    posts = limit()
    assert [posts.wait("ann", now=0) for _ in range(5)] == [0] * 5
