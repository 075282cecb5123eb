from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class TrackerConfig(AppConfig):
    name = "tracker"
    verbose_name = _("Tracker")
    icon = "map"
    summary = _("Incidents on a live map, and an alert when one falls into an area that you watch.")
    teaches = _("One busy feed, of which each socket gets what its map shows; matching by index; many sources.")
    notification_kinds = {
        "tracker.alert": {"label": _("An incident in an area that you watch"), "icon": "map", "email": True},
    }

    def ready(self) -> None:
        from tracker import jobs, receivers  # noqa: F401
