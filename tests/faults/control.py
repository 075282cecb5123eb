"""The control: the suite as if the layer could be trusted. Gaps are skipped, nobody resumes, no tick looks after heads.

Only the servers of `manage.py faults --control` have this app. The checker must find fault with them.
"""

from collections.abc import Iterable
from typing import Any

from django.apps import AppConfig


class WithoutRepair(AppConfig):
    name = "tests.faults"

    def ready(self) -> None:
        from realtime.repair import Repair
        from realtime.topics import Topic

        bring_up = Repair.bring_up

        def accept(self: Topic, rev: int, frame: bytes) -> bool:
            if self.cursor is None:
                self._keep(rev, frame)
            elif rev > self.cursor:
                self._show(rev, frame)
            return True

        async def start_live(self: Repair, socket: Any, topic: Topic, rev: int | None, epoch: str) -> int:
            return await bring_up(self, socket, topic, None, "")

        async def do_nothing(self: Repair, topics: Topic | Iterable[Topic]) -> None:
            pass

        Topic.accept = accept  # type: ignore[method-assign]
        Repair.bring_up = start_live  # type: ignore[method-assign]
        Repair.repair = do_nothing  # type: ignore[method-assign,assignment]
        Repair.compare_heads = do_nothing  # type: ignore[method-assign,assignment]
