"""Files: uploaded first, by one person for one room, then carried by a message."""

import hashlib
from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Sum
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat import files
from chat.models import Attachment, Room, attachment_path
from chat.services import access
from realtime.limits import Limit
from realtime.protocol import Refusal

QUOTA_BYTES = 200_000_000  # of all files of one person
UNCLAIMED = timedelta(days=1)  # how long a file waits for its message

uploads_per_person = Limit("chat uploads", burst=10, per_second=0.2)


def upload_attachment(user: Any, room_id: int, file: Any) -> Attachment:
    """Keep a file that a message of this person in this room will carry. Raises `Refusal`; then nothing is kept."""
    room = Room.objects.filter(pk=room_id).first()
    if room is None:
        raise access.no_such_room()
    access.check_may_speak(room, access.membership_of(user, room))
    uploads_per_person.spend(user.pk)
    content = files.read(file)
    attachment = Attachment(
        owner=user,
        room=room,
        name=content.name,
        content_type=content.content_type,
        size=len(content.data),
        sha256=hashlib.sha256(content.data).hexdigest(),
        width=content.width,
        height=content.height,
    )
    try:
        _save(attachment, content.data)
    except BaseException:
        attachment.file.storage.delete(attachment_path(attachment, ""))  # it may be there without its row
        raise
    return attachment


@transaction.atomic
def _save(attachment: Attachment, data: bytes) -> None:
    # One upload of a person at a time, or several at once would each find room in the quota.
    get_user_model().objects.select_for_update(no_key=True).get(pk=attachment.owner_id)
    used = Attachment.objects.filter(owner=attachment.owner_id).aggregate(bytes=Sum("size"))["bytes"] or 0
    if used + len(data) > QUOTA_BYTES:
        message = format_lazy(_("Your files may have {size} MB together."), size=QUOTA_BYTES // 1_000_000)
        raise Refusal("too_long", message, field="file")
    attachment.file = ContentFile(data, name="upload")
    attachment.save(force_insert=True)


def prune_attachments() -> int:
    """Forget uploads that no message came for, and stored files that no row knows. Returns how many."""
    before = timezone.now() - UNCLAIMED
    return _prune_unclaimed(before) + _prune_unknown(before)


def _prune_unclaimed(before: Any) -> int:
    count = 0
    for attachment in Attachment.objects.filter(message=None, created_at__lt=before).iterator():
        # Asked again as it is deleted: its message may have been posted since.
        deleted, _ = Attachment.objects.filter(pk=attachment.pk, message=None).delete()
        if deleted:
            attachment.file.delete(save=False)
            count += 1
    return count


def _prune_unknown(before: Any) -> int:
    storage = Attachment._meta.get_field("file").storage
    if not storage.exists("chat"):
        return 0
    count = 0
    for name in storage.listdir("chat")[1]:
        path = f"chat/{name}"
        if storage.get_modified_time(path) < before and not Attachment.objects.filter(file=path).exists():
            storage.delete(path)
            count += 1
    return count
