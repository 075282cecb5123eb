from django.apps import AppConfig


class ChatConfig(AppConfig):
    name = "chat"
    verbose_name = "Chat"
    icon = "chat"
    summary = "Rooms, direct messages, typing and presence."
    teaches = "A change feed per room: nothing is lost, whatever dies."
