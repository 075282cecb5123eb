from django.apps import AppConfig


class TrackerConfig(AppConfig):
    name = "tracker"
    verbose_name = "Tracker"
    icon = "map"
    summary = "Incidents on a live map, and an alert when one falls into an area that you watch."
    teaches = "One busy feed, of which each socket gets what its map shows; matching by index; many sources."
    notification_kinds = {
        "tracker.alert": {"label": "An incident in an area that you watch", "icon": "map", "email": True},
    }

    def ready(self) -> None:
        from tracker import jobs, receivers  # noqa: F401
