"""Access tokens of one's own inbox, for scripts."""

from realtime.tokens import OwnTokens

tokens = OwnTokens(
    "notifications",
    {"notifications:read": "read the inbox", "notifications:write": "mark notifications, and leave notes to you"},
)
