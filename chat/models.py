"""Rooms, who is in them, and what was said. Reads are QuerySet methods; every write is in `services/`."""

import secrets
import uuid
from typing import Any, ClassVar
from urllib.parse import urlsplit

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from realtime.addresses import URL_LENGTH
from realtime.feeds import Feed, FeedQuerySet, Person
from realtime.models import AccessToken

NAME_LENGTH = 80
TOPIC_LENGTH = 250
BODY_LENGTH = 4_000  # characters


def new_invite_code() -> str:
    return secrets.token_urlsafe(12)


class RoomQuerySet(FeedQuerySet):
    def readable_by(self, user: Person) -> "RoomQuerySet":
        """Open rooms, and those the person is in; never one they are banned from."""
        if not user.is_authenticated:
            return self.none()
        mine = Membership.objects.filter(room=models.OuterRef("pk"), user=user.pk)
        return self.filter(
            Q(kind=Room.Kind.OPEN) | models.Exists(mine.filter(left_at=None)),
            ~models.Exists(mine.filter(banned_until__gt=timezone.now())),
        )

    def joined_by(self, user: Person) -> "RoomQuerySet":
        return self.filter(memberships__user=user, memberships__left_at=None)


class Room(Feed):
    """A conversation, and the feed of everything that changes in it."""

    feed_name: ClassVar[str] = "chat.room"
    head_facts: ClassVar[dict[str, str]] = {"seq": "last_seq"}

    class Kind(models.TextChoices):
        OPEN = "open", _("Open to everybody")
        CLOSED = "closed", _("By invitation")
        DIRECT = "direct", _("Direct")

    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.OPEN)
    name = models.CharField(max_length=NAME_LENGTH, blank=True)
    topic = models.CharField(max_length=TOPIC_LENGTH, blank=True)
    direct_key = models.CharField(max_length=41, unique=True, null=True, blank=True, editable=False)
    invite_code = models.CharField(max_length=16, unique=True, null=True, blank=True, default=new_invite_code)
    slow_mode_seconds = models.PositiveIntegerField(default=0)
    last_seq = models.BigIntegerField(default=0, editable=False)
    last_message_at = models.DateTimeField(null=True, blank=True, editable=False)
    settings_rev = models.BigIntegerField(default=0, editable=False)  # revision at which the room's own facts changed
    archived_at = models.DateTimeField(null=True, blank=True)
    has_outgoing_hooks = models.BooleanField(default=False, editable=False)  # asked by each message, at no cost
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="rooms_created")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Membership", related_name="rooms")

    objects: ClassVar[Any] = RoomQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["kind", "archived_at"])]

    def __str__(self) -> str:
        return self.name or f"{self.get_kind_display()} {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("chat:room_detail", args=[self.pk])

    @property
    def is_archived(self) -> bool:
        return self.archived_at is not None

    @property
    def is_direct(self) -> bool:
        return self.kind == self.Kind.DIRECT

    @staticmethod
    def direct_key_for(one: Any, other: Any) -> str:
        """Two people have one direct room, whoever opens it first."""
        return ":".join(str(pk) for pk in sorted([one.pk, other.pk]))

    def title_for(self, user: Person) -> str:
        """A direct room bears the name of the other person."""
        if not self.is_direct:
            return self.name
        others = [member.user.username for member in self.memberships.all() if member.user_id != user.pk]
        return others[0] if others else gettext("Yourself")


class RoomList(Feed):
    """One person's list of rooms: the feed of joins, leaves, read marks and mentions, in step on all their devices."""

    feed_name: ClassVar[str] = "chat.list"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="room_list")

    def __str__(self) -> str:
        return f"Rooms of {self.user}"


class MembershipQuerySet(models.QuerySet):
    def active(self) -> "MembershipQuerySet":
        return self.filter(left_at=None)

    def for_list(self, user: Person) -> "MembershipQuerySet":
        """A person's rooms as the sidebar shows them, latest conversation first, in two queries whatever their number."""
        return (
            self.active()
            .filter(user=user, room__archived_at=None)
            .select_related("room")
            .with_people_of_direct_rooms()
            .order_by(F("room__last_message_at").desc(nulls_last=True), "room_id")
        )

    def with_people_of_direct_rooms(self) -> "MembershipQuerySet":
        """Only a direct room is called by who is in it; of a large one that would be a long list for nothing."""
        return self.prefetch_related(models.Prefetch("room__memberships", Membership.objects.of_direct_rooms()))

    def of_direct_rooms(self) -> "MembershipQuerySet":
        return self.filter(room__kind=Room.Kind.DIRECT).select_related("user")


class Membership(models.Model):
    """A person in a room. Who left stays as a tombstone, so that catching up tells of it."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        MODERATOR = "moderator", _("Moderator")
        MEMBER = "member", _("Member")

    room = models.ForeignKey(Room, models.CASCADE, related_name="memberships")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=9, choices=Role.choices, default=Role.MEMBER)
    rev = models.BigIntegerField(default=0, editable=False)  # of the room's feed
    list_rev = models.BigIntegerField(default=0, editable=False)  # of the person's RoomList
    last_read_seq = models.BigIntegerField(default=0)
    mention_count = models.PositiveIntegerField(default=0)  # unread ones
    muted_until = models.DateTimeField(null=True, blank=True)
    banned_until = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    joined_at = models.DateTimeField(default=timezone.now)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "user"], name="one_membership_per_person")]
        indexes = [models.Index(fields=["room", "rev"]), models.Index(fields=["user", "list_rev"])]

    def __str__(self) -> str:
        return f"{self.user} in {self.room}"

    @property
    def is_active(self) -> bool:
        return self.left_at is None

    @property
    def is_muted(self) -> bool:
        return self.muted_until is not None and self.muted_until > timezone.now()

    @property
    def is_banned(self) -> bool:
        return self.banned_until is not None and self.banned_until > timezone.now()

    @property
    def role_name(self) -> Any:
        """The role inside a sentence or beside a name."""
        return ROLE_NAMES[self.role]

    @property
    def can_moderate(self) -> bool:
        return self.is_active and self.role in {self.Role.OWNER, self.Role.MODERATOR}

    @property
    def unread_count(self) -> int:
        return max(0, self.room.last_seq - self.last_read_seq)


ROLE_NAMES: dict[str, Any] = {
    Membership.Role.OWNER: _("owner"),
    Membership.Role.MODERATOR: _("moderator"),
    Membership.Role.MEMBER: _("member"),
}


class MessageQuerySet(models.QuerySet["Message"]):
    def for_display(self) -> "MessageQuerySet":
        """With all that the partial shows, in a fixed number of queries."""
        return self.select_related("author", "reply_to__author").prefetch_related("reactions__user", "attachments")

    def readable_by(self, user: Person) -> "MessageQuerySet":
        return self.filter(room__in=Room.objects.readable_by(user))

    def page_before(self, seq: int | None, size: int) -> list["Message"]:
        """The `size` messages before position `seq` (None: the last ones), oldest first."""
        earlier = self if seq is None else self.filter(seq__lt=seq)
        return list(reversed(earlier.order_by("-seq")[:size]))

    def page_after(self, seq: int, size: int) -> list["Message"]:
        return list(self.filter(seq__gt=seq).order_by("seq")[:size])

    def page_around(self, seq: int, size: int) -> list["Message"]:
        """Half a page up to and including position `seq`, half a page after it."""
        return self.page_before(seq + 1, size // 2) + self.page_after(seq, size // 2)


class Message(models.Model):
    """One message. `seq` is its place in the room and never changes; `rev` is the room's revision of its last change."""

    class Kind(models.TextChoices):
        TEXT = "text", _("Text")
        ACTION = "action", _("Action")  # /me
        SYSTEM = "system", _("System")  # "renamed the room"

    room = models.ForeignKey(Room, models.CASCADE, related_name="messages")
    seq = models.BigIntegerField()
    rev = models.BigIntegerField()
    posted_rev = models.BigIntegerField()
    said_rev = models.BigIntegerField(null=True)  # of the last change of its words; a reaction moves only `rev`
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TEXT)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="messages")
    author_name = models.CharField(max_length=150)  # as it was; also of webhooks, which are nobody
    hook = models.ForeignKey("IncomingHook", models.SET_NULL, null=True, blank=True, related_name="messages")
    client_id = models.UUIDField(null=True, blank=True, editable=False)
    body = models.TextField(max_length=BODY_LENGTH, blank=True)
    html = models.TextField(blank=True, editable=False)  # rendered and sanitised from `body` by markup.py
    reply_to = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="replies")
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    deleted_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)

    objects = MessageQuerySet.as_manager()

    class Meta:
        ordering = ["room_id", "seq"]
        constraints = [
            models.UniqueConstraint(fields=["room", "seq"], name="one_message_per_place"),
            # The last line of idempotence: a resent command meets it however it comes.
            models.UniqueConstraint(fields=["author", "client_id"], name="one_message_per_client_id"),
            models.UniqueConstraint(fields=["hook", "client_id"], name="one_message_per_hook_and_client_id"),
        ]
        indexes = [models.Index(fields=["room", "rev"]), models.Index(fields=["author", "created_at"])]

    def __str__(self) -> str:
        return f"{self.author_name}: {self.body[:40]}"

    def get_absolute_url(self) -> str:
        return reverse("chat:message_detail", args=[self.room_id, self.seq])

    @property
    def is_deleted(self) -> bool:
        return self.deleted_at is not None

    def reaction_summary(self) -> list[dict[str, Any]]:
        """`[{"emoji": "👍", "count": 2, "names": "ann, bob", "users": "1 2"}]`, in the order of first use."""
        by_emoji: dict[str, list[Reaction]] = {}
        for reaction in self.reactions.all():
            by_emoji.setdefault(reaction.emoji, []).append(reaction)
        return [
            {
                "emoji": emoji,
                "count": len(reactions),
                "names": ", ".join(reaction.user.username for reaction in reactions),
                "users": " ".join(str(reaction.user_id) for reaction in reactions),
            }
            for emoji, reactions in by_emoji.items()
        ]


class MessageEdit(models.Model):
    """What a message said before an edit."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="edits")
    editor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True)
    body = models.TextField(max_length=BODY_LENGTH)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"Earlier text of message {self.message_id}"


class Reaction(models.Model):
    message = models.ForeignKey(Message, models.CASCADE, related_name="reactions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    emoji = models.CharField(max_length=16)

    class Meta:
        ordering = ["pk"]
        constraints = [models.UniqueConstraint(fields=["message", "user", "emoji"], name="one_reaction_of_a_kind")]

    def __str__(self) -> str:
        return f"{self.emoji} by {self.user}"


class Mention(models.Model):
    """A message names a person, who has not necessarily read it."""

    message = models.ForeignKey(Message, models.CASCADE, related_name="mentions")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["message", "user"], name="one_mention_per_person")]

    def __str__(self) -> str:
        return f"{self.user} in message {self.message_id}"


def attachment_path(attachment: "Attachment", filename: str) -> str:
    """A random name: nothing of what the person called the file reaches the disk."""
    return f"chat/{attachment.pk}"


class Attachment(models.Model):
    """A file, uploaded by its owner first, then carried by one message."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    room = models.ForeignKey(Room, models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, models.CASCADE, null=True, blank=True, related_name="attachments")
    file = models.FileField(upload_to=attachment_path)
    name = models.CharField(max_length=100)  # as shown
    content_type = models.CharField(max_length=60)  # by content, from an allow-list
    size = models.PositiveIntegerField()  # bytes
    sha256 = models.CharField(max_length=64, null=True, blank=True, editable=False)  # hexadecimal; older files have none
    width = models.PositiveIntegerField(null=True, blank=True)  # pixels; images only
    height = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("chat:attachment_detail", args=[self.pk])

    @property
    def is_image(self) -> bool:
        return self.content_type.startswith("image/")


class ModerationAction(models.Model):
    """Who did what to whom, and why. Only ever added to."""

    class Kind(models.TextChoices):
        DELETE_MESSAGE = "delete_message", _("deleted a message")
        MUTE = "mute", _("muted")
        UNMUTE = "unmute", _("unmuted")
        BAN = "ban", _("banned")
        UNBAN = "unban", _("lifted the ban of")
        REMOVE = "remove", _("removed")
        CHANGE_ROLE = "change_role", _("changed the role of")
        SLOW_MODE = "slow_mode", _("set slow mode")
        ARCHIVE = "archive", _("archived the room")
        UNARCHIVE = "unarchive", _("reopened the room")
        ADD_HOOK = "add_hook", _("added a webhook")
        REVOKE_HOOK = "revoke_hook", _("revoked a webhook")
        ADD_OUTGOING = "add_outgoing", _("had messages sent to a webhook")
        END_OUTGOING = "end_outgoing", _("ended an outgoing webhook")

    room = models.ForeignKey(Room, models.CASCADE, related_name="moderation_actions")
    kind = models.CharField(max_length=14, choices=Kind.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    target = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+")
    message = models.ForeignKey(Message, models.SET_NULL, null=True, blank=True, related_name="+")
    detail = models.CharField(max_length=250, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"{self.actor} {self.get_kind_display()} {self.target or ''}".strip()


class BotQuerySet(models.QuerySet):
    def managed_by(self, user: Person) -> "BotQuerySet":
        """One's own; staff look after everybody's."""
        return self if user.is_staff else self.filter(owner=user.pk)


class Bot(models.Model):
    """A user that is a program. It speaks with an access token (`realtime.AccessToken`), not with a password."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="bot")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="bots")
    created_at = models.DateTimeField(default=timezone.now)

    objects = BotQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.user)


class IncomingHookQuerySet(models.QuerySet):
    def usable(self, secret: str) -> "IncomingHookQuerySet":
        return self.filter(digest=IncomingHook.digest_of(secret), revoked_at=None)

    def for_list(self) -> "IncomingHookQuerySet":
        """As the page shows them: those that work first, with the time of their last message."""
        last = Message.objects.filter(hook=models.OuterRef("pk")).order_by("-pk").values("created_at")[:1]
        return (
            self.select_related("created_by")
            .annotate(last_used_at=models.Subquery(last))
            .order_by(F("revoked_at").desc(nulls_first=True), "-pk")
        )


class IncomingHook(models.Model):
    """A secret that posts into one room, for programs that can do no more than POST."""

    room = models.ForeignKey(Room, models.CASCADE, related_name="hooks")
    name = models.CharField(max_length=NAME_LENGTH)
    digest = models.CharField(max_length=64, unique=True, editable=False)  # of the secret, which is not stored
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = IncomingHookQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} in {self.room}"

    @staticmethod
    def digest_of(secret: str) -> str:
        return AccessToken.digest_of(secret)


class OutgoingHookQuerySet(models.QuerySet["OutgoingHook"]):
    def working(self) -> "OutgoingHookQuerySet":
        return self.filter(revoked_at=None, off_at=None)

    def for_list(self) -> "OutgoingHookQuerySet":
        """As the page shows them: those that work first."""
        return self.select_related("created_by").order_by(F("revoked_at").desc(nulls_first=True), "-pk")


class OutgoingHook(models.Model):
    """An address that what is said in one room is POSTed to. It reads the room's feed, and `sent_rev` is its cursor.

    It belongs to the room: it stays when its maker leaves. The secret signs each call, so it is stored as it is.
    """

    class Event(models.TextChoices):
        POSTED = "posted", _("New messages")
        EDITED = "edited", _("Edits")
        DELETED = "deleted", _("Deletions")

    room = models.ForeignKey(Room, models.CASCADE, related_name="outgoing_hooks")
    name = models.CharField(max_length=NAME_LENGTH)
    url = models.CharField(max_length=URL_LENGTH)
    secret = models.CharField(max_length=60, editable=False)
    events = models.CharField(max_length=40)  # with spaces between them
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    sent_rev = models.BigIntegerField(editable=False)
    sent_at = models.DateTimeField(null=True, blank=True)  # when a call last worked
    held_until = models.DateTimeField(null=True, blank=True)  # nobody else calls it before: somebody does, or it has just failed
    failures = models.PositiveIntegerField(default=0)  # in a row
    failing_since = models.DateTimeField(null=True, blank=True)
    last_error = models.CharField(max_length=250, blank=True)
    off_at = models.DateTimeField(null=True, blank=True)  # it failed for too long, and is called no more
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = OutgoingHookQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} of {self.room}"

    @property
    def is_working(self) -> bool:
        return self.revoked_at is None and self.off_at is None

    @property
    def where(self) -> str:
        """The address as far as it is shown: what follows the name of the server is often a secret."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}/…"

    @property
    def event_labels(self) -> list[Any]:
        return [event.label for event in self.Event if event in self.events.split()]
