"""Access tokens for programs that report or read incidents."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from realtime.tokens import OwnTokens

SCOPES: dict[str, Any] = {"tracker:read": _("read incidents"), "tracker:write": _("report and change incidents")}

tokens = OwnTokens("tracker", SCOPES)
