"""Two people, and a way to tell one of them something."""

from typing import Any

from django.contrib.auth.models import User

from notifications import services
from notifications.models import Inbox, Notification
from realtime.testing import RealtimeTestCase


class InboxTestCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = User.objects.create_user("ann", "ann@example.org")
        self.bob = User.objects.create_user("bob")
        self.inbox = services.inbox_of(self.ann)
        self.feed = self.inbox.group

    def tell(self, text: str = "Something happened", **facts: Any) -> Notification:
        kind = facts.pop("kind", "notifications.note")
        return services.notify(facts.pop("user", self.ann), kind, text, **facts)

    def unread(self) -> int:
        return Inbox.objects.get(user=self.ann).unread_count

    def lines(self, folder: str = "all") -> list[str]:
        return [line.text for line in Notification.objects.of(self.ann).shown_in(folder).order_by("raised_rev")]


def feed_key(inbox: Inbox) -> str:
    """As `Browser.resume` wants it."""
    return inbox.group.replace(".", "_")
