"""Whether what is stored is whole: after a restored backup, a moved disk, or SQL by hand. Reads only.

Each check is one statement, or is bounded by what the room's row said before: in a room that is in use nothing looks broken
that is not. Revisions of older changes are overwritten by newer ones, so those of all rows need not be without gaps.
"""

import hashlib
from collections.abc import Iterator

from django.db.models import Count, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from chat.models import Attachment, Membership, Mention, Message, Room


def troubles_of(room: Room) -> Iterator[str]:
    """One line for each thing that is wrong. `room` must be freshly read."""
    yield from _places(room)
    yield from _revisions(room)
    yield from _read_marks(room)
    yield from _webhooks(room)
    yield from _files(room)


def _places(room: Room) -> Iterator[str]:
    messages, before = Message.objects.filter(room=room), 0
    for seq in messages.filter(seq__lte=room.last_seq).order_by("seq").values_list("seq", flat=True).iterator():
        if seq != before + 1:
            yield f"messages {before + 1} to {seq - 1} are missing"
        before = seq
    if before < room.last_seq:
        yield f"messages {before + 1} to {room.last_seq} are missing"
    for seq in messages.filter(seq__gt=F("room__last_seq")).values_list("seq", flat=True).iterator():
        yield f"message {seq} is after the last one of the room"


def _revisions(room: Room) -> Iterator[str]:
    messages = Message.objects.filter(room=room)
    wrong = messages.filter(Q(rev__gt=F("room__rev")) | Q(rev__lt=F("posted_rev")) | Q(rev__lt=F("said_rev")))
    for seq, rev in wrong.values_list("seq", "rev").iterator():
        yield f"message {seq} has revision {rev}, which it cannot have"
    ahead = Membership.objects.filter(room=room, rev__gt=F("room__rev"))
    for user, rev in ahead.values_list("user_id", "rev").iterator():
        yield f"the membership of user {user} has revision {rev}, which it cannot have"
    twice = messages.order_by("rev").values("rev").annotate(times=Count("pk")).filter(times__gt=1)
    for row in twice.iterator():
        yield f"{row['times']} messages have revision {row['rev']}"


def _read_marks(room: Room) -> Iterator[str]:
    unread = Mention.objects.filter(
        user=OuterRef("user"), message__room=OuterRef("room"), message__seq__gt=OuterRef("last_read_seq")
    )
    counted = unread.order_by().values("user").annotate(count=Count("pk")).values("count")
    members = Membership.objects.active().filter(room=room)
    for user, seq in members.filter(last_read_seq__gt=F("room__last_seq")).values_list("user_id", "last_read_seq").iterator():
        yield f"user {user} has read up to {seq}, where no message is"
    wrong = members.annotate(there=Coalesce(Subquery(counted), 0)).exclude(mention_count=F("there"))
    for user, count, there in wrong.values_list("user_id", "mention_count", "there").iterator():
        yield f"user {user} has {there} unread mentions, and {count} are counted"


def _webhooks(room: Room) -> Iterator[str]:
    if room.outgoing_hooks.working().filter(room__has_outgoing_hooks=False).exists():
        yield "nobody calls its webhooks, since it does not know that it has any"
    for pk, rev in room.outgoing_hooks.filter(sent_rev__gt=F("room__rev")).values_list("pk", "sent_rev").iterator():
        yield f"webhook {pk} has heard of revision {rev}, which has not been"


def _files(room: Room) -> Iterator[str]:
    for attachment in Attachment.objects.filter(room=room).order_by("pk").iterator():
        try:
            with attachment.file.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256")
        except (OSError, ValueError):  # ValueError: the row names no file
            # A file that was pruned or deleted meanwhile has no row either.
            if Attachment.objects.filter(pk=attachment.pk).exists():
                yield f"file {attachment.pk} cannot be read"
            continue
        if attachment.sha256 and attachment.sha256 != digest.hexdigest():
            yield f"file {attachment.pk} is not what was stored"
