"""The control: the suite as if the layer could be trusted. Gaps are skipped, nobody resumes, no tick looks after heads.

Only the servers of `manage.py faults --control` are so. The checker must find fault with them.
"""

from collections.abc import Iterable
from typing import Any

from realtime.repair import Repair
from realtime.topics import Topic

_bring_up = Repair.bring_up


def switch_off_repair() -> None:
    Topic.accept = _accept  # type: ignore[method-assign]
    Repair.bring_up = _start_live  # type: ignore[method-assign]
    Repair.repair = _do_nothing  # type: ignore[method-assign,assignment]
    Repair.compare_heads = _do_nothing  # type: ignore[method-assign,assignment]


def _accept(self: Topic, rev: int, frame: bytes) -> bool:
    if self.cursor is None:
        self._keep(rev, frame)
    elif rev > self.cursor:
        self._show(rev, frame)
    return True


async def _start_live(self: Repair, socket: Any, topic: Topic, rev: int | None, epoch: str) -> int:
    return await _bring_up(self, socket, topic, None, "")


async def _do_nothing(self: Repair, topics: Topic | Iterable[Topic]) -> None:
    pass
