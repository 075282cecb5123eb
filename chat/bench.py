"""What `manage.py bench` says in chat: the rooms it needs, and how its client talks to them."""

from collections.abc import Sequence
from typing import Any

from chat.models import Membership, Room
from realtime.bench.job import Dialect

DIALECT = Dialect(
    path="/ws/",
    join=['{"type":"realtime.feeds.resume","version":1,"feeds":{"{room}":{"rev":null,"epoch":""}},"heads":[]}'],
    ready='{"type":"realtime.feed.live"',
    post='{"type":"chat.message.post","client_id":"{id}","feed":"{room}","body":"{text}"}',
    delivered='{"type":"chat.message.posted"',
    accepted='{"type":"realtime.ack"',
)


def make_rooms(people: Sequence[Any], number: int) -> list[str]:
    """Closed rooms; person i is a member of room i modulo `number`. Returns the names of their feeds."""
    rooms = Room.objects.bulk_create([Room(name=f"Bench {i}", kind=Room.Kind.CLOSED, invite_code=None) for i in range(number)])
    Membership.objects.bulk_create(
        [Membership(room=rooms[i % number], user=person) for i, person in enumerate(people)], batch_size=500
    )
    return [room.group for room in rooms]
