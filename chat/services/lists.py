"""Keeping people's room lists in step on all their devices."""

from collections.abc import Collection
from typing import Any

from chat.frames import list_event
from chat.models import Membership, RoomList
from realtime.broadcast import broadcast


def touch_lists(room_id: int, users: Collection[int]) -> list[Membership]:
    """Tell each of these people that their line for the room changed. Rooms are locked before lists, always.

    Returns the memberships as they are now.
    """
    RoomList.objects.bulk_create([RoomList(user_id=user) for user in sorted(users)], ignore_conflicts=True)
    lists = RoomList.objects.lock_all(sorted(users))
    memberships = (
        Membership.objects.filter(room=room_id, user__in=users)
        .select_related("room", "user")
        .with_people_of_direct_rooms()
        .order_by("user_id")
    )
    for membership in memberships:
        membership.list_rev = lists[membership.user_id].advance()
        membership.save(update_fields=["list_rev"])
        broadcast(lists[membership.user_id].group, list_event(membership))
    return list(memberships)


def room_list_of(user: Any) -> RoomList:
    """The person's list, made when first looked at."""
    return RoomList.objects.get_or_create(user=user)[0]
