from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DashboardConfig(AppConfig):
    name = "dashboard"
    verbose_name = _("Dashboard")
    default_auto_field = "django.db.models.BigAutoField"
    icon = "gauge"
    summary = _("Live groups, sockets, throughput and losses on the channel layer, for the staff.")
    teaches = _("The system watches itself: exact counters for the price of some nanoseconds a message.")
    staff_only = True
    notification_kinds = {
        "dashboard.alert": {"label": _("Alerts about the channel layer"), "icon": "alert", "email": True},
    }

    def ready(self) -> None:
        from django.core.signals import request_started

        from dashboard.agent import start_agent
        from dashboard.conf import option
        from dashboard.consumers import watch_consumers
        from dashboard.hubs import watch_hubs
        from dashboard.layers import watch_layers

        if not option("WATCH"):
            return
        watch_consumers()
        watch_layers()
        watch_hubs()

        def start(**_: object) -> None:
            request_started.disconnect(dispatch_uid="dashboard")
            start_agent()

        request_started.connect(start, weak=False, dispatch_uid="dashboard")
