"""Drawing in the admin: everything to look at, and the acts of staff, which are services (see `realtime.admin`)."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from drawing import services
from drawing.models import Board, BoardList, Element, Gallery, Participant
from realtime.admin import RecordAdmin


@admin.register(Board)
class BoardAdmin(RecordAdmin):
    hidden = ("slug",)  # whoever reads it could walk in
    list_display = ["title", "owner", "access", "is_locked", "element_count", "drawn_at", "deleted_at", "rev"]
    list_filter = ["access", "is_locked", ("deleted_at", admin.EmptyFieldListFilter), "drawn_at"]
    list_select_related = ["owner"]
    search_fields = ["title", "owner__username", "=pk"]
    ordering = ["-pk"]
    actions = ["lock", "unlock"]
    view_on_site = False

    @admin.action(description=_("Lock the chosen boards: nobody draws on them"), permissions=["act"])
    def lock(self, request: HttpRequest, queryset: Any) -> None:
        self.set_locked(request, queryset, gettext("Locked"), is_locked=True)

    @admin.action(description=_("Unlock the chosen boards"), permissions=["act"])
    def unlock(self, request: HttpRequest, queryset: Any) -> None:
        self.set_locked(request, queryset, gettext("Unlocked"), is_locked=False)

    def set_locked(self, request: HttpRequest, boards: Any, done: str, *, is_locked: bool) -> None:
        self.each(request, boards, lambda board: services.lock_by_staff(request.user, board.pk, is_locked=is_locked), done)


@admin.register(Participant)
class ParticipantAdmin(RecordAdmin):
    hidden = ("guest_key",)
    list_display = ["name", "board", "number", "role", "is_guest", "is_removed", "joined_at"]
    list_filter = ["role", "is_removed", ("user", admin.EmptyFieldListFilter), "joined_at"]
    list_select_related = ["user", "board"]
    search_fields = ["user__username", "guest_name", "board__title", "=board__pk"]
    ordering = ["-pk"]

    is_guest = admin.display(boolean=True)(lambda self, place: place.is_guest)


@admin.register(Element)
class ElementAdmin(RecordAdmin):
    hidden = ("data", "key")
    list_display = ["number", "board", "author", "is_erased", "created_at", "changed_at", "rev"]
    list_filter = ["is_erased", "created_at"]
    list_select_related = ["board", "author__user", "author__board"]
    search_fields = ["=board__pk", "author__user__username", "author__guest_name"]
    ordering = ["-pk"]


@admin.register(BoardList)
class BoardListAdmin(RecordAdmin):
    list_display = ["user", "rev"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    ordering = ["pk"]


@admin.register(Gallery)
class GalleryAdmin(RecordAdmin):
    list_display = ["__str__", "rev"]
    ordering = ["pk"]
