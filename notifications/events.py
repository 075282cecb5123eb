"""Everything an inbox says on the wire. Read this first; the docstrings are the entries of docs/protocol.md.

`unread` is always the absolute count, so that a badge is never wrong for longer than one frame.
"""

from typing import Annotated, Literal

import msgspec

from realtime.protocol import Change, Command, DurableCommand, FeedName, RowId

MARKED_AT_ONCE = 200  # ids in one command

Mark = Literal["read", "unread", "done", "undone", "saved", "unsaved"]


class InboxChange(Change, frozen=True, kw_only=True, omit_defaults=True):
    """Something changed in a person's inbox; `unread` is how many are unread now."""

    unread: int


class ItemChange(InboxChange, frozen=True, kw_only=True, omit_defaults=True):
    """A notification as it is now. `html` is the partial `notifications/_notification.html`."""

    id: int
    kind: str
    is_unread: bool
    is_done: bool
    is_saved: bool
    html: str


class ItemRaised(ItemChange, frozen=True, kw_only=True, omit_defaults=True, tag="notifications.item.raised"):
    """A notification calls for attention: a new one, or one more cause of it. `toast` and `browser` say how to show it,
    after the person's preferences and quiet hours; not while the page shows `target`."""

    text: str
    detail: str = ""
    url: str = ""
    target: str = ""
    toast: bool = False
    browser: bool = False


class ItemChanged(ItemChange, frozen=True, kw_only=True, omit_defaults=True, tag="notifications.item.changed"):
    """A notification was read, done, saved, or the opposite, or one of its causes is gone."""


class ItemWithdrawn(InboxChange, frozen=True, kw_only=True, omit_defaults=True, tag="notifications.item.withdrawn"):
    """The reason for a notification is gone: take it away."""

    id: int


class InboxRead(InboxChange, frozen=True, kw_only=True, omit_defaults=True, tag="notifications.inbox.read"):
    """Everything that came before this revision was read."""


class InboxCleared(InboxChange, frozen=True, kw_only=True, omit_defaults=True, tag="notifications.inbox.cleared"):
    """Everything that came before this revision and is not saved was marked done (and read)."""


class InboxSeen(InboxChange, frozen=True, kw_only=True, omit_defaults=True, tag="notifications.inbox.seen"):
    """The person has looked at the list: nothing in it is news any more, though it may be unread."""


class MarkItems(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="notifications.item.mark"):
    """Mark own notifications. Ids that are not in the inbox are passed over."""

    ids: Annotated[list[RowId], msgspec.Meta(min_length=1, max_length=MARKED_AT_ONCE)]
    mark: Mark


class MarkAll(DurableCommand, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="notifications.inbox.mark"):
    """Mark everything in the inbox read or, but for what is saved, done."""

    mark: Literal["read", "done"]


class SeeInbox(Command, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="notifications.inbox.see"):
    """The person has the list before their eyes."""

    feed: FeedName
