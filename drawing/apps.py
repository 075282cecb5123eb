from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class DrawingConfig(AppConfig):
    name = "drawing"
    verbose_name = _("Drawing")
    icon = "pen"
    summary = _("Boards to draw on together: pens, shapes, text, everybody's cursor.")
    teaches = _("Binary frames at display rate: live ink may be lost, what was acknowledged never is.")
    notification_kinds = {
        "drawing.shared": {"label": _("Somebody shares a board with you"), "icon": "pen", "email": True},
    }

    def ready(self) -> None:
        from drawing import jobs  # noqa: F401
