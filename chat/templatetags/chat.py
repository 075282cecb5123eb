"""Filters of the chat templates. Those of `_message.html` run for every message that is sent, so they do little."""

from datetime import datetime
from functools import lru_cache
from typing import Any

from django import template
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from chat import markup, services
from chat.models import Membership, Message, ModerationAction, Room

register = template.Library()


@register.filter
def clock(moment: datetime) -> str:
    """`14:05`, in UTC; the browser writes it in the reader's own time."""
    return f"{moment.hour:02}:{moment.minute:02}"


@register.filter
def permalink(message: Message) -> str:
    """`get_absolute_url` at a tenth of the cost: reversing a URL would be a third of rendering a message."""
    return f"{_messages_url(message.room_id)}{message.seq}/"


@lru_cache(maxsize=1_000)
def _messages_url(room_id: int) -> str:
    return reverse("chat:message_list", args=[room_id])


@register.filter
def excerpt(body: str) -> str:
    return markup.excerpt(body)


@register.filter
def moment(moment: datetime) -> SafeString:
    """`_moment.html`, for inside a sentence."""
    return render_to_string("chat/_moment.html", {"moment": moment})


@register.filter
def sentence(action: ModerationAction) -> SafeString:
    """What a moderator did, as the log says it."""
    words = DONE | (ENDING if action.until else {}) | ({} if action.target else DONE_TO_NOBODY)
    return format_html(
        str(words[action.kind]),
        actor=format_html("<strong>{}</strong>", action.actor or gettext("Somebody who is gone")),
        target=format_html("<strong>{}</strong>", action.target or gettext("somebody who is gone")),
        until=moment(action.until) if action.until else "",
    )


@register.simple_tag
def quick_emoji() -> tuple[str, ...]:
    """What can be put on a message without looking further."""
    return QUICK_EMOJI


@register.simple_tag(takes_context=True)
def room_links(context: Any) -> dict[str, Any]:
    """The room list of who reads the page, and the place of its feed. The feed is read first: it tells what comes after."""
    user = context["user"]
    room_list = services.room_list_of(user)
    memberships = list(Membership.objects.for_list(user))
    for membership in memberships:
        membership.title = membership.room.title_for(user)
    is_direct = [membership.room.kind == Room.Kind.DIRECT for membership in memberships]
    return {
        "feed": room_list,
        "rooms": [membership for membership, direct in zip(memberships, is_direct, strict=True) if not direct],
        "people": [membership for membership, direct in zip(memberships, is_direct, strict=True) if direct],
    }


QUICK_EMOJI = ("👍", "❤️", "😂", "🎉", "👀", "🙏")

Kind = ModerationAction.Kind
ENDING: dict[str, Any] = {
    Kind.MUTE: _("{actor} muted {target} until {until}"),
    Kind.BAN: _("{actor} banned {target} until {until}"),
}
DONE: dict[str, Any] = {
    Kind.DELETE_MESSAGE: _("{actor} deleted a message of {target}"),
    Kind.MUTE: _("{actor} muted {target}"),
    Kind.UNMUTE: _("{actor} unmuted {target}"),
    Kind.BAN: _("{actor} banned {target} for good"),
    Kind.UNBAN: _("{actor} lifted the ban of {target}"),
    Kind.REMOVE: _("{actor} removed {target}"),
    Kind.CHANGE_ROLE: _("{actor} changed the role of {target}"),
    Kind.SLOW_MODE: _("{actor} set slow mode"),
    Kind.ARCHIVE: _("{actor} archived the room"),
    Kind.UNARCHIVE: _("{actor} reopened the room"),
    Kind.ADD_HOOK: _("{actor} added a webhook"),
    Kind.REVOKE_HOOK: _("{actor} revoked a webhook"),
    Kind.ADD_OUTGOING: _("{actor} had messages sent to a webhook"),
    Kind.END_OUTGOING: _("{actor} ended an outgoing webhook"),
}
DONE_TO_NOBODY: dict[str, Any] = {Kind.DELETE_MESSAGE: _("{actor} deleted a message")}  # of a webhook
