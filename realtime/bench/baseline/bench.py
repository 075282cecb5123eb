"""The rooms that the benchmark needs here."""

from collections.abc import Sequence
from typing import Any

from realtime.bench.baseline.models import Room


def make_rooms(people: Sequence[Any], number: int) -> list[str]:
    """Whoever is logged in may enter each of them."""
    rooms = Room.objects.bulk_create([Room() for _ in range(number)])
    return [str(room.pk) for room in rooms]
