from django.apps import AppConfig


class SuiteConfig(AppConfig):
    name = "config"
    verbose_name = "Suite"

    def ready(self) -> None:
        from config import checks  # noqa: F401
