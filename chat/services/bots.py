"""Bots: users that are programs. A person owns each, and gives it tokens to speak with."""

import re
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from chat.models import NAME_LENGTH, Bot
from chat.services.lists import room_list_of
from realtime import tokens
from realtime.models import AccessToken
from realtime.protocol import Refusal

SCOPES = {"chat:read": _("Read the rooms it is in"), "chat:write": _("Post, edit, delete and react")}
BOTS_PER_PERSON = 20
TOKENS_PER_BOT = 10  # that work at the same time
BOT_NAME = re.compile(r"\w[\w.-]{0,29}")  # as narrow as people's, so that an @mention is unmistakable


@transaction.atomic
def create_bot(owner: Any, name: str) -> Bot:
    """A new user without a password, and its empty room list, in which it will hear of its first room."""
    if not BOT_NAME.fullmatch(name := name.strip()):
        message = _("A name has up to 30 letters, digits, dots, hyphens and underscores.")
        raise Refusal("bad_value", message, field="name")
    if Bot.objects.filter(owner=owner).count() >= BOTS_PER_PERSON:
        raise Refusal("not_allowed", format_lazy(_("A person may have {count} bots."), count=BOTS_PER_PERSON))
    users = get_user_model().objects
    if users.filter(username__iexact=name).exists():
        raise Refusal("conflict", _("This name is taken."), field="name")
    try:
        with transaction.atomic():
            user = users.create_user(name)  # without a password it cannot log in
    except IntegrityError:  # somebody was quicker
        raise Refusal("conflict", _("This name is taken."), field="name") from None
    room_list_of(user)
    return Bot.objects.create(user=user, owner=owner)


@transaction.atomic
def issue_token(user: Any, bot_id: int, name: str, scopes: list[str]) -> tuple[AccessToken, str]:
    """A new token of a bot and its secret, which nobody can be shown again. Its owner may, and staff."""
    bot = _bot_of(user, bot_id)
    if not scopes or not set(scopes) <= SCOPES.keys():
        raise Refusal("bad_value", _("Choose what the token may do."), field="scopes")
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        message = format_lazy(_("A token needs a name of up to {length} characters."), length=NAME_LENGTH)
        raise Refusal("bad_value", message, field="name")
    if AccessToken.objects.filter(user=bot.user, revoked_at=None).count() >= TOKENS_PER_BOT:
        message = format_lazy(_("A bot may have {count} tokens. Revoke one first."), count=TOKENS_PER_BOT)
        raise Refusal("not_allowed", message)
    return AccessToken.issue(bot.user, name, " ".join(scope for scope in SCOPES if scope in scopes))


@transaction.atomic
def revoke_token(user: Any, token_id: int) -> AccessToken:
    """End a token; its open sockets close. The owner of the bot may, and staff."""
    token = AccessToken.objects.select_related("user").filter(pk=token_id, user__bot__isnull=False).first()
    if token is None:
        raise Refusal("not_found", _("There is no such token."))
    _bot_of(user, token.user_id)
    tokens.revoke(token)
    return token


def _bot_of(user: Any, bot_id: int) -> Bot:
    bot = Bot.objects.select_related("user").managed_by(user).filter(pk=bot_id).first()
    if bot is None:
        raise Refusal("not_found", _("There is no such bot."))
    return bot
