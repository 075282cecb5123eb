"""The admin looks on; what staff may do are actions, and those call services."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _

from notifications.models import Inbox, Notification, Webhook
from realtime.admin import RecordAdmin


@admin.action(description=_("Announce something to everybody…"))
def announce(model_admin: admin.ModelAdmin, request: HttpRequest, chosen: object) -> HttpResponse:
    return redirect(f"{reverse('notifications:announce')}?{urlencode({'audience': 'everyone'})}")


@admin.register(Inbox)
class InboxAdmin(RecordAdmin):
    list_display = ["user", "unread_count", "language", "rev"]
    search_fields = ["user__username"]
    list_select_related = ["user"]
    actions = [announce]


@admin.register(Notification)
class NotificationAdmin(RecordAdmin):
    """What was told to whom, without the words: staff run the site, they do not read people's mail."""

    list_display = ["inbox", "kind", "raised_at", "read_at", "withdrawn_at"]
    list_filter = ["kind"]
    list_select_related = ["inbox__user"]
    hidden = ("text", "detail", "url", "actor")


@admin.register(Webhook)
class WebhookAdmin(RecordAdmin):
    list_display = ["user", "url", "created_at", "off_at"]
    hidden = ("secret",)
