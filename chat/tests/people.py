"""People and a room to try rights on: one person for each place that somebody can have towards a room."""

from datetime import timedelta
from uuid import uuid4

from django.contrib.auth.models import User
from django.utils import timezone

from chat import services
from chat.models import Membership, Message, Room
from chat.services.moderation import FOR_GOOD
from realtime.testing import forget_limits

PLACES = ("owner", "moderator", "member", "muted", "banned", "left", "stranger", "staff")


class Place:
    """A room of a kind with an owner, a moderator, a member... each a user of that name; `staff` is not in it."""

    def __init__(self, kind: str = Room.Kind.OPEN, name: str = "harbour"):
        self.room = Room.objects.create(kind=kind, name=name)
        for place in PLACES:
            user, _ = User.objects.get_or_create(username=place, is_staff=place == "staff", is_superuser=place == "staff")
            setattr(self, place, user)
        self.join(self.owner, Membership.Role.OWNER)
        self.join(self.moderator, Membership.Role.MODERATOR)
        self.join(self.member)
        self.join(self.muted, muted_until=timezone.now() + timedelta(hours=1))
        self.join(self.banned, banned_until=FOR_GOOD, left_at=timezone.now())
        self.join(self.left, left_at=timezone.now())

    def join(self, user: User, role: str = Membership.Role.MEMBER, **facts) -> Membership:
        return Membership.objects.create(room=self.room, user=user, role=role, **facts)

    def newcomer(self, username: str, role: str = Membership.Role.MEMBER) -> User:
        """Somebody who is in no other room."""
        return self.join(User.objects.create(username=username), role).user

    def membership(self, user: User) -> Membership:
        return Membership.objects.get(room=self.room, user=user)

    def say(self, author: User, body: str = "Ahoy") -> Message:
        forget_limits()
        posted = services.post_message(services.Draft(self.room.pk, author, body, client_id=uuid4()))
        return Message.objects.get(pk=posted.id)
