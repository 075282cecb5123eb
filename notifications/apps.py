from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"
    icon = "bell"
    summary = "An inbox, a bell and toasts for whatever the other apps want to say."
    teaches = "One person's feed beside everything else on one socket; jobs that outlive their process."
    header = "notifications/_bell.html"
    notification_kinds = {
        "notifications.announcement": {"label": "Announcements by the staff", "icon": "info", "email": True},
        "notifications.note": {"label": "Notes from programs and commands", "icon": "robot"},
        "notifications.webhook": {"label": "Your webhook fails", "icon": "send", "email": True},
    }

    def ready(self) -> None:
        from notifications import jobs, receivers  # noqa: F401
