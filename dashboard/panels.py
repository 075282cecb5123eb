"""A panel for the Django debug toolbar: what a request sent through the channel layers, and how long that took.

DEBUG_TOOLBAR_PANELS = [..., "dashboard.panels.ChannelsPanel"]
"""

import time
from collections.abc import Callable
from typing import Any

from debug_toolbar.panels import Panel
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from dashboard.layers import limited
from dashboard.words import pointed


class ChannelsPanel(Panel):
    """Sends of this request, in order, with the message type and milliseconds."""

    title = _("Channels")
    template = "dashboard/panel.html"
    is_async = True

    @property
    def nav_subtitle(self) -> str:
        sends = self.get_stats().get("sends", [])
        taken = pointed(f"{sum(send['milliseconds'] for send in sends):.1f}")
        return gettext("%(number)s sent in %(milliseconds)s ms") % {"number": len(sends), "milliseconds": taken}

    def process_request(self, request: HttpRequest) -> Any:
        # Under ASGI this returns before the request is answered, so what is set here stays for its context.
        self._sends: list[dict[str, Any]] = []
        limited.listener.set(recorder(self._sends))
        return super().process_request(request)

    def generate_stats(self, request: HttpRequest, response: HttpResponse) -> None:
        limited.listener.set(None)
        self.record_stats({"sends": self._sends})


def recorder(sends: list[dict[str, Any]]) -> Callable[[str, str, str, Any, float], None]:
    def record(alias: str, what: str, where: str, message: Any, began: float) -> None:
        kind = message.get("type", "") if isinstance(message, dict) else ""
        milliseconds = round((time.perf_counter() - began) * 1000, 2)
        sends.append({"alias": alias, "what": what, "where": where, "type": kind, "milliseconds": milliseconds})

    return record
