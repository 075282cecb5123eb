"""Access tokens of one's own inbox, for scripts."""

from django.utils.translation import gettext_lazy as _

from realtime.tokens import OwnTokens

tokens = OwnTokens(
    "notifications",
    {"notifications:read": _("read the inbox"), "notifications:write": _("mark notifications, and leave notes to you")},
)
