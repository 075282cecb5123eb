"""Access tokens for programs that report or read incidents."""

from realtime.tokens import OwnTokens

tokens = OwnTokens("tracker", {"tracker:read": "read incidents", "tracker:write": "report and change incidents"})
