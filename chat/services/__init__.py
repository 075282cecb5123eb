"""The one door for writes. Sockets, forms, the API, the admin and commands all come in here.

Each function is one verb. It checks that the person may, writes in one transaction, and broadcasts after the commit.
What is refused raises `Refusal` before anything is written.
"""

from chat.services.attachments import prune_attachments, upload_attachment
from chat.services.bots import create_bot, issue_token, revoke_token
from chat.services.forwarding import forward
from chat.services.hooks import create_hook, post_by_hook, revoke_hook, revoke_hook_by_staff
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
from chat.services.moderation import (
    archive_by_staff,
    ban_member,
    change_role,
    delete_message_by_staff,
    mute_member,
    remove_member,
    unban_member,
    unmute_member,
)
from chat.services.outgoing import (
    create_outgoing_hook,
    revoke_outgoing_hook,
    revoke_outgoing_hook_by_staff,
    try_outgoing_hook,
)
from chat.services.reading import mark_read, read_own, start_typing
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
    "archive_by_staff",
    "archive_room",
    "ban_member",
    "change_role",
    "change_room",
    "create_bot",
    "create_hook",
    "create_outgoing_hook",
    "create_room",
    "delete_message",
    "delete_message_by_staff",
    "edit_message",
    "forward",
    "invite_member",
    "issue_token",
    "join_by_invite",
    "join_room",
    "leave_room",
    "mark_read",
    "mute_member",
    "open_direct_room",
    "post_by_hook",
    "post_message",
    "post_messages",
    "prune_attachments",
    "read_own",
    "remove_member",
    "renew_invite",
    "revoke_hook",
    "revoke_hook_by_staff",
    "revoke_outgoing_hook",
    "revoke_outgoing_hook_by_staff",
    "revoke_token",
    "room_list_of",
    "set_reaction",
    "start_typing",
    "try_outgoing_hook",
    "unban_member",
    "unmute_member",
    "upload_attachment",
]
