"""The audit in the admin: to be read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from dashboard.models import StaffAction


@admin.register(StaffAction)
class StaffActionAdmin(admin.ModelAdmin):
    list_display = ["at", "username", "action", "target", "result"]
    list_filter = ["action"]
    search_fields = ["username", "target", "reason"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("dashboard.view")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False
