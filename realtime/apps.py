from django.apps import AppConfig


class RealtimeConfig(AppConfig):
    name = "realtime"
    verbose_name = "Realtime"

    def ready(self) -> None:
        from realtime import checks, receivers, registry  # noqa: F401

        registry.handlers()  # so that every command is known before the first frame comes
