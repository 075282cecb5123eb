"""What Django itself tells of rights: log-outs, deactivation, changed passwords and groups."""

from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_out
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from realtime.access import access_changed, session_ended
from realtime.models import AccessToken


@receiver(user_logged_out)
def close_sockets_of_session(request: Any, user: Any, **kwargs: Any) -> None:
    if user is not None:
        session_ended(user.pk, request.session.session_key or "")


# However a user is saved (the admin, a form, the shell), open sockets must notice: the one place for a model signal.
@receiver([post_save, post_delete], sender=get_user_model())
def recheck_sockets_of_user(instance: Any, created: bool = False, update_fields: Any = None, **kwargs: Any) -> None:
    if not created and set(update_fields or ["is_active"]) != {"last_login"}:
        access_changed(instance.pk)


@receiver(post_save, sender=AccessToken)
def recheck_sockets_of_token(instance: AccessToken, created: bool = False, **kwargs: Any) -> None:
    if instance.revoked_at is not None:
        access_changed(instance.user_id)
