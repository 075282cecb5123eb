"""Where apps meet that must not know each other. Nobody listening is not an error.

Send them inside the transaction of their cause: who listens writes into the same one, and tells after the commit.
"""

from django.dispatch import Signal

# A person should hear of something, wherever they are in the site. Arguments: `user` (or `users`: people or a queryset of
# them), `kind` ("chat.mention"), `text`, `url`, `actor` (a user or None), `dedupe_key` (the same key notifies once), `group_key`
# (may be folded together with others of that key). Optional: `detail` (a second line), `target` (the feed that it is about)
# and `place` (where in it), so that reading there is reading here, `data` (for the template of the kind). `text`, `detail` and
# what is in `data` may be lazy (`gettext_lazy`, `format_lazy`): each person is told in their own language.
user_notified = Signal()

# The reason to notify is gone. Arguments: `user` (None: everybody who was told), `dedupe_key`.
user_notification_withdrawn = Signal()

# Things were said in feeds, of which people may have asked to hear all. Argument: `said`, for each feed a list of functions,
# called only if somebody follows it. Each gives the arguments of `user_notified`, with `users` a queryset of who may know.
target_spoke = Signal()

# A person has read a feed up to a place in it. Arguments: `user`, `target`, `place`.
target_read = Signal()
