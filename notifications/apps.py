from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = _("Notifications")
    icon = "bell"
    summary = _("An inbox, a bell and toasts for whatever the other apps want to say.")
    teaches = _("One person's feed beside everything else on one socket; jobs that outlive their process.")
    header = "notifications/_bell.html"
    notification_kinds = {
        "notifications.announcement": {"label": _("Announcements by the staff"), "icon": "info", "email": True},
        "notifications.note": {"label": _("Notes from programs and commands"), "icon": "robot"},
        "notifications.webhook": {"label": _("Your webhook fails"), "icon": "send", "email": True},
    }

    def ready(self) -> None:
        from notifications import jobs, receivers  # noqa: F401
