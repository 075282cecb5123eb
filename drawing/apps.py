from django.apps import AppConfig


class DrawingConfig(AppConfig):
    name = "drawing"
    verbose_name = "Drawing"
    icon = "pen"
    summary = "Boards to draw on together: pens, shapes, text, everybody's cursor."
    teaches = "Binary frames at display rate: live ink may be lost, what was acknowledged never is."
    notification_kinds = {
        "drawing.shared": {"label": "Somebody shares a board with you", "icon": "pen", "email": True},
    }

    def ready(self) -> None:
        from drawing import jobs  # noqa: F401
