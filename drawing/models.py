"""Boards, who is on them, and what was drawn. Reads are QuerySet methods; every write is in `services/`."""

import secrets
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from realtime.feeds import Feed, FeedQuerySet, Person

TITLE_LENGTH = 80
GUEST_NAME_LENGTH = 40


def new_slug() -> str:
    """Unguessable: whoever has the link of a shared board has the key to it (96 bits)."""
    return secrets.token_urlsafe(12)


class BoardQuerySet(FeedQuerySet):
    def alive(self) -> "BoardQuerySet":
        return self.filter(deleted_at=None)

    def readable_by(self, user: Person) -> "BoardQuerySet":
        """Where the person has a place with rights, and what everybody can find."""
        if not user.is_authenticated:  # without an id they would have the places of all guests
            return self.none()
        places = Participant.objects.filter(board=models.OuterRef("pk"), user=user.pk)
        has_role = models.Exists(places.exclude(role=Participant.Role.LINK))
        may_by_link = models.Exists(places) & ~Q(access=Board.Access.PRIVATE)
        return self.alive().filter(
            has_role | may_by_link | Q(access=Board.Access.PUBLIC), ~models.Exists(places.filter(is_removed=True))
        )

    def in_gallery(self) -> "BoardQuerySet":
        """What everybody can find."""
        return self.alive().filter(access=Board.Access.PUBLIC)

    def deleted_by(self, user: Person) -> "BoardQuerySet":
        return self.exclude(deleted_at=None).filter(owner=user.pk)


class Board(Feed):
    """A drawing, and the feed of everything that changes in it: its elements, and its own facts."""

    feed_name: ClassVar[str] = "drawing.board"
    head_facts: ClassVar[dict[str, str]] = {"thumbnail": "thumbnail_rev"}

    class Access(models.TextChoices):
        """What a link is good for, to those who were given no role."""

        PRIVATE = "private", _("Only people you add")
        LINK_VIEW = "link_view", _("Everybody with the link may look")
        LINK_EDIT = "link_edit", _("Everybody with the link may draw")
        PUBLIC = "public", _("Everybody may draw, and finds it in the list")

    class Background(models.TextChoices):
        PLAIN = "plain", _("Plain")
        GRID = "grid", _("Grid")
        DOTS = "dots", _("Dots")
        LINES = "lines", _("Lines")

    slug = models.CharField(max_length=16, unique=True, default=new_slug, editable=False)
    title = models.CharField(max_length=TITLE_LENGTH)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="boards")
    access = models.CharField(max_length=9, choices=Access.choices, default=Access.PRIVATE)
    background = models.CharField(max_length=5, choices=Background.choices, default=Background.DOTS)
    is_locked = models.BooleanField(default=False)
    settings_rev = models.BigIntegerField(default=0, editable=False)  # revision at which the board's own facts changed
    purged_rev = models.BigIntegerField(default=0, editable=False)  # tombstones up to this revision are gone
    gallery_rev = models.BigIntegerField(default=0, editable=False)  # of the gallery's feed
    element_count = models.PositiveIntegerField(default=0, editable=False)
    byte_count = models.PositiveIntegerField(default=0, editable=False)  # of all elements that are not erased
    participant_count = models.PositiveIntegerField(default=0, editable=False)
    thumbnail_rev = models.BigIntegerField(default=0, editable=False)
    is_thumbnail_due = models.BooleanField(default=False, editable=False)  # a job is waiting
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    drawn_at = models.DateTimeField(default=timezone.now, editable=False)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects: ClassVar[Any] = BoardQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["access", "deleted_at"]), models.Index(fields=["gallery_rev"])]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("drawing:board_detail", args=[self.slug])

    @property
    def is_open_by_link(self) -> bool:
        return self.access != self.Access.PRIVATE

    @property
    def may_guests_draw(self) -> bool:
        return self.access in {self.Access.LINK_EDIT, self.Access.PUBLIC}

    @property
    def thumbnail_url(self) -> str:
        """It changes with the picture, so that it may be kept for ever; "" while there is none."""
        return f"{reverse('drawing:board_thumbnail', args=[self.slug])}?rev={self.thumbnail_rev}" if self.thumbnail_rev else ""


class Thumbnail(models.Model):
    """A board as a small picture, beside it so that nothing else has to read it."""

    board = models.OneToOneField(Board, models.CASCADE, primary_key=True, related_name="thumbnail")
    png = models.BinaryField()

    def __str__(self) -> str:
        return f"Thumbnail of {self.board}"


class BoardList(Feed):
    """One person's list of boards, in step on all their devices."""

    feed_name: ClassVar[str] = "drawing.list"

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, primary_key=True, related_name="board_list")

    def __str__(self) -> str:
        return f"Boards of {self.user}"


class Gallery(Feed):
    """The list of public boards. There is one."""

    feed_name: ClassVar[str] = "drawing.gallery"

    class Meta:
        verbose_name_plural = "galleries"

    def __str__(self) -> str:
        return "Gallery"


class ParticipantQuerySet(models.QuerySet["Participant"]):
    def for_list(self, user: Person) -> "ParticipantQuerySet":
        """A person's boards as the list shows them, the last drawn on first."""
        return self.listed().filter(user=user.pk).select_related("board__owner").order_by("-board__drawn_at", "board_id")

    def listed(self) -> "ParticipantQuerySet":
        """Where the person may still look, and has not taken the board off the list."""
        has_right = ~Q(role=Participant.Role.LINK) | ~Q(board__access=Board.Access.PRIVATE)
        return self.filter(has_right, is_listed=True, is_removed=False, board__deleted_at=None)


class Participant(models.Model):
    """Somebody on a board: a user or a guest. Its `number` stands for them in everything drawn and every frame.

    It is made when they first open the board, and stays: what they drew bears their name. Who was removed has
    `is_removed`, so that the link does not let them in again.
    """

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        EDITOR = "editor", _("May draw")
        VIEWER = "viewer", _("May look")
        LINK = "link", _("As the link says")

    board = models.ForeignKey(Board, models.CASCADE, related_name="participants")
    number = models.PositiveIntegerField()  # 1, 2, 3... on this board: one byte on the wire for most boards
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="board_places")
    guest_key = models.CharField(max_length=64, null=True, blank=True, editable=False)  # digest of the secret in a cookie
    guest_name = models.CharField(max_length=GUEST_NAME_LENGTH, blank=True)
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.LINK)
    is_removed = models.BooleanField(default=False)
    is_listed = models.BooleanField(default=True)  # false: the person took the board off their list
    list_rev = models.BigIntegerField(default=0, editable=False)  # of the person's BoardList
    joined_at = models.DateTimeField(default=timezone.now)

    objects = ParticipantQuerySet.as_manager()

    class Meta:
        ordering = ["board_id", "number"]
        constraints = [
            models.UniqueConstraint(fields=["board", "number"], name="one_number_per_participant"),
            models.UniqueConstraint(fields=["board", "user"], name="one_place_per_person"),
            models.UniqueConstraint(fields=["board", "guest_key"], name="one_place_per_guest"),
        ]
        indexes = [models.Index(fields=["user", "list_rev"])]

    def __str__(self) -> str:
        return f"{self.name} on {self.board}"

    @property
    def name(self) -> str:
        """Of an account that is gone, what it drew stays."""
        return self.user.get_username() if self.user else self.guest_name or gettext("somebody")

    @property
    def hue(self) -> int:
        """Of their avatar, here and in the browser (static/js/avatar.js)."""
        return self.number % 12

    @property
    def is_guest(self) -> bool:
        return self.guest_key is not None


class ElementQuerySet(models.QuerySet["Element"]):
    def on(self, board: Board) -> "ElementQuerySet":
        return self.filter(board=board.pk)

    def alive(self) -> "ElementQuerySet":
        return self.filter(is_erased=False)

    def rows(self) -> "models.QuerySet[Any, Any]":
        """What a frame needs of each: (rev, number, author's number, who erased it, whether it is erased, data)."""
        return self.values_list("rev", "number", "author__number", "erased_by__number", "is_erased", "data")


class Element(models.Model):
    """One stroke, shape or text, as it is now. `data` is what travels: see `elements.py`.

    `number` is the revision that made it: its name on the board and its place in the pile. `rev` is the revision of its last
    change. An erased one stays as a tombstone, with its data: erasing can be undone, and the replay shows what was there.
    """

    board = models.ForeignKey(Board, models.CASCADE, related_name="elements")
    number = models.BigIntegerField()
    rev = models.BigIntegerField()
    author = models.ForeignKey(Participant, models.CASCADE, related_name="elements")
    key = models.BigIntegerField()  # chosen by its author's client: sent again, it is the same element
    data = models.BinaryField()
    is_erased = models.BooleanField(default=False)
    erased_by = models.ForeignKey(Participant, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    changed_at = models.DateTimeField(default=timezone.now)

    objects = ElementQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["board", "number"], name="one_element_per_number"),
            models.UniqueConstraint(fields=["author", "key"], name="one_element_per_key"),
        ]
        indexes = [models.Index(fields=["board", "rev"])]

    def __str__(self) -> str:
        return f"Element {self.number} of board {self.board_id}"
