"""Where apps meet that must not know each other. Nobody listening is not an error."""

from django.dispatch import Signal

# A person should hear of something, wherever they are in the site. Arguments: `user`, `kind` ("chat.mention"), `text`,
# `url`, `actor` (a user or None), `dedupe_key` (the same key notifies once), `group_key` (may be folded together).
user_notified = Signal()

# The reason to notify is gone. Arguments: `user`, `dedupe_key`.
user_notification_withdrawn = Signal()
