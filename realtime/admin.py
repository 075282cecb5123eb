"""The admin looks at everything and writes nothing by itself: a row saved here would be a change that no feed tells of.

What staff may do are actions, and those call services.
"""

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest
from django.utils import timezone

from realtime import jobs, tokens
from realtime.models import AccessToken, Job, Presence, Process, Receipt
from realtime.protocol import Refusal


class RecordAdmin(admin.ModelAdmin):
    """All columns to read, none to change. Of a user with such rows the account is deactivated, not deleted."""

    hidden: tuple[str, ...] = ()  # columns that are nobody's business
    show_full_result_count = False  # counting a large table twice for each page is slow
    list_per_page = 50

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return [field.name for field in self.opts.fields if field.name not in self.hidden]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        return self.get_fields(request, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_act_permission(self, request: HttpRequest) -> bool:
        """For actions: who may change such rows in Django's eyes may have a service change them."""
        return request.user.has_perm(f"{self.opts.app_label}.change_{self.opts.model_name}")

    def each(self, request: HttpRequest, rows: Any, verb: Callable[[Any], Any], done: str) -> None:
        """Do something to each of the chosen rows, and say how it went."""
        count = 0
        for row in rows:
            try:
                verb(row)
                count += 1
            except Refusal as refusal:
                self.message_user(request, f"{row}: {refusal.message}", messages.ERROR)
        if count:
            self.message_user(request, f"{done}: {count}.", messages.SUCCESS)


class HistoryInline(admin.TabularInline):
    """What became of a row, on the row's page: to read."""

    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(AccessToken)
class AccessTokenAdmin(RecordAdmin):
    hidden = ("digest",)
    list_display = ["name", "prefix", "user", "scopes", "created_at", "last_used_at", "revoked_at"]
    list_filter = ["scopes", ("revoked_at", admin.EmptyFieldListFilter), "last_used_at"]
    list_select_related = ["user"]
    search_fields = ["name", "prefix", "user__username"]
    ordering = ["-pk"]
    actions = ["revoke"]

    @admin.action(description="Revoke the chosen tokens, and close their sockets", permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        self.each(request, queryset, tokens.revoke, "Revoked")


@admin.register(Process)
class ProcessAdmin(RecordAdmin):
    list_display = ["__str__", "is_alive", "started_at", "until"]
    list_filter = ["host"]
    search_fields = ["host", "=pid"]
    ordering = ["-until"]

    @admin.display(boolean=True, ordering="until")
    def is_alive(self, process: Process) -> bool:
        return process.until > timezone.now()


@admin.register(Presence)
class PresenceAdmin(RecordAdmin):
    list_display = ["user", "feed", "process", "since"]
    list_select_related = ["user", "process"]
    search_fields = ["user__username", "feed"]
    ordering = ["-pk"]


@admin.register(Receipt)
class ReceiptAdmin(RecordAdmin):
    list_display = ["client_id", "user", "feed", "rev", "created_at"]
    list_select_related = ["user"]
    list_filter = ["created_at"]
    search_fields = ["client_id", "user__username", "=feed"]
    ordering = ["-pk"]


@admin.register(Job)
class JobAdmin(RecordAdmin):
    list_display = ["name", "run_after", "attempts", "dead_at", "last_error"]
    list_filter = ["name", ("dead_at", admin.EmptyFieldListFilter)]
    ordering = ["-pk"]
    actions = ["retry"]

    @admin.action(description="Try again what was given up", permissions=["act"])
    def retry(self, request: HttpRequest, queryset: Any) -> None:
        self.message_user(request, f"Tried again: {jobs.retry(queryset)}.", messages.SUCCESS)
