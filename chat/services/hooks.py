"""Incoming webhooks: a secret with which a program may say things in one room, and do nothing else."""

import secrets
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_variables

from chat.models import NAME_LENGTH, IncomingHook, ModerationAction, Room
from chat.services import access
from chat.services.messages import Draft, Posted, post_message
from realtime.protocol import Refusal

HOOKS_PER_ROOM = 20  # that work at the same time


@transaction.atomic
def create_hook(user: Any, room_id: int, name: str) -> tuple[IncomingHook, str]:
    """A new webhook of a room and its secret, which nobody can be shown again. Moderators may."""
    room = access.moderated_room(user, room_id)
    access.check_is_open_for_writing(room)
    name = _checked_name(name.strip())
    if room.hooks.filter(revoked_at=None).count() >= HOOKS_PER_ROOM:
        message = format_lazy(_("A room may have {count} webhooks. Revoke one first."), count=HOOKS_PER_ROOM)
        raise Refusal("not_allowed", message)
    secret = f"bch_{secrets.token_urlsafe(32)}"
    hook = room.hooks.create(name=name, digest=IncomingHook.digest_of(secret), created_by=user)
    audit(room, user, ModerationAction.Kind.ADD_HOOK, name)
    return hook, secret


@transaction.atomic
def revoke_hook(user: Any, room_id: int, hook_id: int) -> IncomingHook:
    """End a webhook. Its messages stay. Moderators may."""
    room = Room.objects.filter(pk=room_id).first()
    if room is None:
        raise access.no_such_room()
    access.check_may_moderate(access.membership_of(user, room))
    hook = room.hooks.select_for_update().filter(pk=hook_id).first()
    if hook is None:
        raise Refusal("not_found", _("There is no such webhook."))
    return _revoke(hook, user)


@transaction.atomic
def revoke_hook_by_staff(user: Any, hook_id: int) -> IncomingHook:
    """What a moderator of the room may, for the staff of the site."""
    access.check_is_staff(user, "chat.change_incominghook")
    return _revoke(IncomingHook.objects.select_for_update(of=("self",)).select_related("room").get(pk=hook_id), user)


@sensitive_variables("secret")
@transaction.atomic
def post_by_hook(secret: str, body: str, name: str = "", client_id: UUID | None = None) -> Posted:
    """Say something in the webhook's room, under the webhook's name or one it gives itself.

    The row of the webhook is held, so that nothing is said after a revocation has been answered.
    """
    hook = IncomingHook.objects.usable(secret).select_for_update().first()
    if hook is None:
        raise Refusal("not_found", _("There is no such webhook."))
    name = _checked_name(name.strip()) if name.strip() else hook.name
    return post_message(Draft(hook.room_id, None, body, client_id, author_name=name, hook=hook))


def _revoke(hook: IncomingHook, user: Any) -> IncomingHook:
    if hook.revoked_at is None:
        hook.revoked_at = timezone.now()
        hook.save(update_fields=["revoked_at"])
        audit(hook.room, user, ModerationAction.Kind.REVOKE_HOOK, hook.name)
    return hook


def _checked_name(name: str) -> str:
    name = checked_label(name)
    if get_user_model().objects.filter(username__iexact=name).exists():
        raise Refusal("bad_value", _("A webhook does not bear the name of a person."), field="name")
    return name


def checked_label(name: str) -> str:
    # Marks that turn the direction of writing are not printable, and could make one name look like another.
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        message = format_lazy(_("A webhook needs a name of up to {length} characters."), length=NAME_LENGTH)
        raise Refusal("bad_value", message, field="name")
    return name


def audit(room: Room, actor: Any, kind: str, detail: str) -> None:
    ModerationAction.objects.create(room=room, actor=actor, kind=kind, detail=detail)
