"""What the benchmark says here. As `chat/bench.py`."""

from collections.abc import Sequence
from typing import Any

from realtime.bench.baseline.models import Room
from realtime.bench.load import Dialect


def make_rooms(people: Sequence[Any], number: int) -> list[str]:
    rooms = Room.objects.bulk_create([Room() for _ in range(number)])
    return [str(room.pk) for room in rooms]


def dialect(consumer: str) -> Dialect:
    return Dialect(
        path=f"/ws/{consumer}/{{room}}/",
        join=[],
        ready="",
        post='{"message": "{text}"}',
        delivered='{"message": ',
        accepted="",
    )


CHAT, STORING, NUMBERING = (dialect(consumer) for consumer in ("chat", "storing", "numbering"))
