"""Keeping people's room lists in step on all their devices."""

from collections.abc import Collection
from typing import Any

from chat.frames import list_event
from chat.models import Membership, RoomList
from realtime.broadcast import broadcast_each


def touch_lists(room_id: int, users: Collection[int]) -> list[Membership]:
    """Tell each of these people that their line for the room changed, in a number of queries that does not depend on theirs.

    Rooms are locked before memberships and memberships before lists, always; a reader's mark does not wait for the room.
    Returns the memberships as they are now.
    """
    memberships = list(
        Membership.objects.select_for_update(of=("self",))
        .filter(room=room_id, user__in=users)
        .select_related("room", "user")
        .with_people_of_direct_rooms()
        .order_by("user_id")
    )
    if not memberships:
        return []
    members = [membership.user_id for membership in memberships]
    RoomList.objects.bulk_create([RoomList(user_id=user) for user in members], ignore_conflicts=True)
    lists = RoomList.objects.lock_all(members)
    told = []
    for membership in memberships:
        room_list = lists[membership.user_id]
        room_list.rev += 1
        membership.list_rev = room_list.rev
        told.append((room_list.group, list_event(membership)))
    RoomList.objects.store_all(lists.values())
    Membership.objects.bulk_update(memberships, ["list_rev"])
    broadcast_each(told)
    return memberships


def room_list_of(user: Any) -> RoomList:
    """The person's list, made when first looked at."""
    return RoomList.objects.get_or_create(user=user)[0]
