"""The one door for writes. Sockets, forms, the API, the admin and commands all come in here.

Each function is one verb. It checks that the person may, writes in one transaction, and broadcasts after the commit.
What is refused raises `Refusal` before anything is written.
"""

from chat.services.lists import room_list_of
from chat.services.messages import (
    Draft,
    Posted,
    delete_message,
    edit_message,
    post_message,
    post_messages,
    set_reaction,
)
from chat.services.reading import mark_read, start_typing
from chat.services.rooms import (
    archive_room,
    change_room,
    create_room,
    invite_member,
    join_by_invite,
    join_room,
    leave_room,
    open_direct_room,
    renew_invite,
)

__all__ = [
    "Draft",
    "Posted",
    "archive_room",
    "change_room",
    "create_room",
    "delete_message",
    "edit_message",
    "invite_member",
    "join_by_invite",
    "join_room",
    "leave_room",
    "mark_read",
    "open_direct_room",
    "post_message",
    "post_messages",
    "renew_invite",
    "room_list_of",
    "set_reaction",
    "start_typing",
]
