from django.urls import path

from notifications.views import api, inbox, settings, staff, streams

app_name = "notifications"

urlpatterns = [
    path("", inbox.inbox, name="inbox"),
    path("latest/", inbox.latest, name="latest"),
    path("mark/", inbox.mark, name="mark"),
    path("settings/", settings.settings_page, name="settings"),
    path("settings/kinds/", settings.preferences_set, name="preferences_set"),
    path("settings/level/", settings.level_set, name="level_set"),
    path("settings/inbox/", settings.inbox_set, name="inbox_set"),
    path("settings/webhook/", settings.webhook_set, name="webhook_set"),
    path("settings/tokens/", settings.token_create, name="token_create"),
    path("settings/tokens/<int:pk>/revoke/", settings.token_revoke, name="token_revoke"),
    path("jobs/", staff.job_list, name="job_list"),
    path("announce/", staff.announce, name="announce"),
    path("stream", streams.stream, name="stream"),
    path("changes", streams.changes, name="changes"),
    path("api/items/", api.item_list, name="api_item_list"),
    path("api/mark/", api.item_mark, name="api_item_mark"),
    path("api/notes/", api.note_create, name="api_note_create"),
]
