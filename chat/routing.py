"""What chat offers on the suite's socket."""

from chat import consumers, events

feeds = [consumers.RoomFeed(), consumers.RoomListFeed()]

commands = {
    events.PostMessage: consumers.post_message,
    events.EditMessage: consumers.edit_message,
    events.DeleteMessage: consumers.delete_message,
    events.React: consumers.set_reaction,
    events.MarkRead: consumers.mark_read,
    events.StartTyping: consumers.start_typing,
}

websocket_urlpatterns: list = []
