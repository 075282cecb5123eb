"""What staff did, for ever. Everything else that the dashboard shows lives in its store and ages."""

from typing import Any

from django.conf import settings
from django.db import models


class StaffActions(models.QuerySet["StaffAction"]):
    """Many rows at once are not changed either. When a person is deleted Django goes another way, which must stay open."""

    def update(self, **_: Any) -> int:
        raise PermissionError("Staff actions are never changed.")

    def delete(self) -> Any:
        raise PermissionError("Staff actions are never deleted.")


class StaffAction(models.Model):
    """Rows are added and never changed."""

    objects = StaffActions.as_manager()

    at = models.DateTimeField(auto_now_add=True, db_index=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    username = models.CharField(max_length=150)  # as it was; the person may be deleted
    action = models.CharField(max_length=40)
    target = models.CharField(max_length=200)
    reason = models.CharField(max_length=200, blank=True)
    result = models.CharField(max_length=200)

    class Meta:
        ordering = ["-at", "-pk"]
        default_permissions = ()
        permissions = [
            ("view", "May look at the dashboard"),
            ("peek", "May read the values of messages"),
            ("broadcast", "May send to groups"),
            ("disconnect", "May close people's sockets"),
            ("drain", "May empty a process of its sockets"),
            ("reap", "May remove members that dead processes left in groups"),
        ]

    def __str__(self) -> str:
        return f"{self.username}: {self.action} {self.target}"

    def save(self, *args: Any, **options: Any) -> None:
        """PermissionError for a row that exists: what was done was done."""
        if not self._state.adding:
            raise PermissionError("A staff action is never changed.")
        super().save(*args, **options)

    def delete(self, *args: Any, **options: Any) -> Any:
        raise PermissionError("A staff action is never deleted.")
