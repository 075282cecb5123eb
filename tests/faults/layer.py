"""The layer of tests/faulty.py, bad only while the file named by FAULTS_HINTS is there."""

import os
from pathlib import Path
from typing import Any

from tests.faulty import FaultyRedisLayer


def is_bad() -> bool:
    return Path(os.environ["FAULTS_HINTS"]).exists()


class SwitchedLayer(FaultyRedisLayer):
    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        if is_bad():
            await super().group_send(group, message)
        else:
            await self.pass_on(group, message)
