"""What the inbox offers on the suite's socket."""

from notifications import consumers, events

feeds = [consumers.InboxFeed()]

commands = {
    events.MarkItems: consumers.mark_items,
    events.MarkAll: consumers.mark_all,
    events.SeeInbox: consumers.see_inbox,
}

websocket_urlpatterns: list = []
