"""The first page is exactly what sorting everything would give, however the groups are spread over the processes."""

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dashboard.own_groups import Groups
from dashboard.queries import groups as queries
from dashboard.queries.groups import Query

pytestmark = pytest.mark.once


class Cluster:
    """Processes that answer without being there."""

    def __init__(self, parts):
        self.parts = [Part(sizes) for sizes in parts]

    def processes(self):
        return self.parts

    def ask(self, what, details, boot="", timeout=1.0):
        from dashboard import answers

        said = {}
        for number, part in enumerate(self.parts):
            with mock.patch.object(answers, "own_groups", lambda part=part: part):
                said[str(number)] = answers.answer(what, details)
        return said


class Part(Groups):
    def __init__(self, sizes):
        self.sizes, self.active, self.last = sizes, {}, {}
        self.names = sizes.keys()


NAMES = [f"room.{number}" for number in range(30)]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.dictionaries(st.sampled_from(NAMES), st.integers(1, 40)), min_size=1, max_size=5),
    st.integers(1, 4),
    st.sampled_from(["members", "name"]),
)
def test_any_page_of_any_spread(parts, page, sort):
    truth = {}
    for sizes in parts:
        for name, members in sizes.items():
            truth[name] = truth.get(name, 0) + members
    with mock.patch.multiple(queries, PAGE=4, AT_ONCE=6):
        found = queries.groups(Cluster(parts), Query(sort=sort, descending=sort != "name", page=page))
    order = sorted(truth) if sort == "name" else sorted(truth, key=lambda name: (truth[name], name), reverse=True)
    assert [row["name"] for row in found.rows] == order[(page - 1) * 4 : page * 4]
    assert all(row["members"] == truth[row["name"]] for row in found.rows)
    assert found.total == len(truth)
    assert found.is_exact
