"""Chat in the admin: everything to look at, and the acts of staff, which are services (see `realtime.admin`)."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat import markup, services
from chat.models import (
    Attachment,
    Bot,
    IncomingHook,
    Membership,
    Mention,
    Message,
    MessageEdit,
    ModerationAction,
    OutgoingHook,
    Reaction,
    Room,
    RoomList,
)
from realtime.admin import HistoryInline, RecordAdmin


@admin.register(Room)
class RoomAdmin(RecordAdmin):
    hidden = ("invite_code",)  # whoever reads it could walk in
    list_display = ["__str__", "kind", "member_count", "last_seq", "last_message_at", "is_open", "created_by", "rev"]
    list_filter = ["kind", ("archived_at", admin.EmptyFieldListFilter), "last_message_at"]
    list_select_related = ["created_by"]
    search_fields = ["name", "topic", "=pk"]
    ordering = ["-pk"]
    actions = ["archive", "reopen"]

    def get_queryset(self, request: HttpRequest) -> Any:
        members = Count("memberships", filter=Q(memberships__left_at=None))
        return super().get_queryset(request).annotate(member_count=members)

    @admin.display(description="members", ordering="member_count")
    def member_count(self, room: Any) -> int:
        return room.member_count

    @admin.display(description="open for writing", boolean=True)
    def is_open(self, room: Room) -> bool:
        return not room.is_archived

    @admin.action(description=_("Archive the chosen rooms"), permissions=["act"])
    def archive(self, request: HttpRequest, queryset: Any) -> None:
        self.each(request, queryset, lambda room: services.archive_by_staff(request.user, room.pk), gettext("Archived"))

    @admin.action(description=_("Reopen the chosen rooms"), permissions=["act"])
    def reopen(self, request: HttpRequest, queryset: Any) -> None:
        reopen = lambda room: services.archive_by_staff(request.user, room.pk, archived=False)  # noqa: E731
        self.each(request, queryset, reopen, gettext("Reopened"))


@admin.register(RoomList)
class RoomListAdmin(RecordAdmin):
    list_display = ["user", "rev"]
    list_select_related = ["user"]
    search_fields = ["user__username"]
    ordering = ["pk"]


@admin.register(Membership)
class MembershipAdmin(RecordAdmin):
    list_display = ["user", "room", "role", "is_active", "is_muted", "is_banned", "joined_at", "left_at", "rev"]
    list_filter = ["role", ("left_at", admin.EmptyFieldListFilter), "muted_until", "banned_until"]
    list_select_related = ["user", "room"]
    search_fields = ["user__username", "room__name", "=room__pk"]
    ordering = ["-pk"]

    is_active = admin.display(boolean=True)(lambda self, membership: membership.is_active)
    is_muted = admin.display(boolean=True)(lambda self, membership: membership.is_muted)
    is_banned = admin.display(boolean=True)(lambda self, membership: membership.is_banned)


class MessageEditInline(HistoryInline):
    model = MessageEdit
    readonly_fields = ["created_at", "editor", "body"]


@admin.register(Message)
class MessageAdmin(RecordAdmin):
    hidden = ("html",)  # rendered from the body
    list_display = ["seq", "room", "author_name", "kind", "beginning", "created_at", "edited_at", "deleted_at", "rev"]
    list_filter = ["kind", ("deleted_at", admin.EmptyFieldListFilter), ("hook", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["room"]
    search_fields = ["author_name", "room__name", "=room__pk", "body"]
    ordering = ["-pk"]
    inlines = [MessageEditInline]
    actions = ["delete"]

    @admin.display(description="text")
    def beginning(self, message: Message) -> str:
        return markup.excerpt(message.body, 60)

    def has_erase_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("chat.delete_message")

    @admin.action(description=_("Delete the chosen messages: a tombstone stays, and it is audited"), permissions=["erase"])
    def delete(self, request: HttpRequest, queryset: Any) -> None:
        def erase(message: Message) -> None:
            services.delete_message_by_staff(request.user, message.room_id, message.pk)

        self.each(request, queryset, erase, gettext("Deleted"))


@admin.register(MessageEdit)
class MessageEditAdmin(RecordAdmin):
    list_display = ["message_id", "editor", "beginning", "created_at"]
    list_filter = ["created_at"]
    list_select_related = ["editor"]
    search_fields = ["=message__pk", "editor__username", "body"]
    ordering = ["-pk"]

    @admin.display(description="earlier text")
    def beginning(self, edit: MessageEdit) -> str:
        return markup.excerpt(edit.body, 60)


@admin.register(Reaction)
class ReactionAdmin(RecordAdmin):
    list_display = ["emoji", "user", "message_id"]
    list_select_related = ["user"]
    search_fields = ["=emoji", "user__username", "=message__pk"]
    ordering = ["-pk"]


@admin.register(Mention)
class MentionAdmin(RecordAdmin):
    list_display = ["user", "message_id"]
    list_select_related = ["user"]
    search_fields = ["user__username", "=message__pk"]
    ordering = ["-pk"]


@admin.register(Attachment)
class AttachmentAdmin(RecordAdmin):
    hidden = ("file",)  # its link would go around the permission check; "View on site" goes through it
    list_display = ["name", "content_type", "size", "owner", "room", "message_id", "created_at"]
    list_filter = ["content_type", ("message", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["owner", "room"]
    search_fields = ["name", "owner__username", "room__name"]
    ordering = ["-created_at"]


@admin.register(ModerationAction)
class ModerationActionAdmin(RecordAdmin):
    list_display = ["created_at", "actor", "kind", "target", "room", "detail", "until"]
    list_filter = ["kind", "created_at"]
    list_select_related = ["actor", "target", "room"]
    search_fields = ["actor__username", "target__username", "room__name", "detail"]
    ordering = ["-pk"]


@admin.register(Bot)
class BotAdmin(RecordAdmin):
    list_display = ["user", "owner", "is_active", "created_at"]
    list_filter = ["user__is_active", "created_at"]
    list_select_related = ["user", "owner"]
    search_fields = ["user__username", "owner__username"]
    ordering = ["-pk"]
    actions = ["revoke_tokens"]

    is_active = admin.display(boolean=True)(lambda self, bot: bot.user.is_active)

    @admin.action(description=_("Revoke all tokens of the chosen bots"), permissions=["act"])
    def revoke_tokens(self, request: HttpRequest, queryset: Any) -> None:
        def revoke(bot: Bot) -> None:
            for token in bot.user.access_tokens.filter(revoked_at=None):
                services.revoke_token(request.user, token.pk)

        self.each(request, queryset, revoke, gettext("Silenced"))


@admin.register(IncomingHook)
class IncomingHookAdmin(RecordAdmin):
    hidden = ("digest",)
    list_display = ["name", "room", "created_by", "created_at", "revoked_at"]
    list_filter = [("revoked_at", admin.EmptyFieldListFilter), "created_at"]
    list_select_related = ["room", "created_by"]
    search_fields = ["name", "room__name", "created_by__username"]
    ordering = ["-pk"]
    actions = ["revoke"]

    @admin.action(description=_("Revoke the chosen webhooks"), permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        self.each(request, queryset, lambda hook: services.revoke_hook_by_staff(request.user, hook.pk), gettext("Revoked"))


@admin.register(OutgoingHook)
class OutgoingHookAdmin(RecordAdmin):
    hidden = ("secret", "url")  # an address often holds a secret of its own; `where` is the part that does not
    list_display = ["name", "room", "where", "events", "created_by", "sent_at", "failing_since", "off_at", "revoked_at"]
    list_filter = [(name, admin.EmptyFieldListFilter) for name in ("failing_since", "off_at", "revoked_at")]
    list_select_related = ["room", "created_by"]
    search_fields = ["name", "room__name", "created_by__username"]
    ordering = ["-pk"]
    actions = ["revoke"]

    @admin.action(description=_("Revoke the chosen webhooks"), permissions=["act"])
    def revoke(self, request: HttpRequest, queryset: Any) -> None:
        revoke = lambda hook: services.revoke_outgoing_hook_by_staff(request.user, hook.pk)  # noqa: E731
        self.each(request, queryset, revoke, gettext("Revoked"))
