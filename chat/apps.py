from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = _("Chat")
    icon = "chat"
    summary = _("Rooms, direct messages, typing and presence.")
    teaches = _("A change feed per room: nothing is lost, whatever dies.")
    notification_kinds = {
        "chat.mention": {"label": _("Somebody mentions you"), "icon": "at", "email": True},
        "chat.reply": {"label": _("Somebody replies to you"), "icon": "reply", "email": True},
        "chat.direct": {"label": _("Direct messages"), "icon": "chat", "email": True},
        "chat.reaction": {"label": _("Reactions to what you wrote"), "icon": "smile"},
        "chat.invite": {"label": _("Somebody adds you to a room"), "icon": "people", "email": True},
        "chat.message": {"label": _("Rooms of which you want to hear everything"), "icon": "hash"},
        "chat.hook": {"label": _("A webhook of a room of yours fails"), "icon": "send", "email": True},
    }

    def ready(self) -> None:
        from chat import jobs  # noqa: F401
