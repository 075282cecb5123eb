"""What staff can do. Each function asks whether they may, does it, and writes down who did what and why.

The right is asked for here, at the time of the action, whatever the page showed. What is refused is said in the language of who
asked; what is written down is in the site's, because anybody may read it.
"""

from dataclasses import dataclass
from typing import Any

from asgiref.sync import async_to_sync
from channels import DEFAULT_CHANNEL_LAYER
from channels.layers import get_channel_layer
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.utils import translation
from django.utils.functional import Promise
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from dashboard import hubs
from dashboard.models import StaffAction
from dashboard.permissions import may
from dashboard.store import Store, Unreachable

MANY = 100  # people; who would reach more must type the name of the group


class Refused(Exception):
    """It makes no sense as it was asked. The words are for the person who asked."""


@dataclass(frozen=True)
class Reach:
    """Whom a message to a group would reach."""

    members: int
    processes: int
    deaf: int  # consumers without a handler for its type: the message would close their sockets
    layers: tuple[str, ...]  # the aliases on which there are members


def reach(store: Store, group: str, message_type: str) -> Reach:
    answers = store.ask("group", {"group": group, "type": message_type, "limit": 0}).values()
    totals = [answer.get("total", 0) for answer in answers]
    deaf = sum(answer.get("deaf", 0) for answer in answers)
    layers = {alias for answer in answers for alias in answer.get("layers", ())}
    return Reach(sum(totals), sum(total > 0 for total in totals), deaf, tuple(sorted(layers)))


def broadcast(store: Store, user: Any, group: str, message: dict[str, Any], *, reason: str = "", confirmation: str = "") -> Reach:
    """Send a message to everybody in a group. Refused if it has no type, or if a consumer has no handler for it."""
    authorise(user, "broadcast")
    if not isinstance(message.get("type"), str) or not message["type"]:
        raise Refused(_('The message needs a "type": Channels calls the handler of that name.'))
    reached = reach(store, group, message["type"])
    if reached.deaf:
        text = _('{deaf} of {members} consumers have no handler for "{type}": Channels would close their sockets.')
        raise Refused(format_lazy(text, deaf=reached.deaf, members=reached.members, type=message["type"]))
    confirm(reached.members, group, confirmation)
    for alias in reached.layers or (DEFAULT_CHANNEL_LAYER,):
        layer = get_channel_layer(alias)
        if layer is None:
            raise Refused(format_lazy(_("There is no channel layer “{alias}” here."), alias=alias))
        async_to_sync(layer.group_send)(group, hubs.wrapped(group, message))
    result = format_lazy(_("{type} to {members} members"), type=message["type"], members=reached.members)
    record(user, "broadcast", group, reason, result)
    return reached


def disconnect(
    store: Store,
    user: Any,
    *,
    socket: str = "",
    boot: str = "",
    group: str = "",
    username: str = "",
    reason: str = "",
    confirmation: str = "",
) -> int:
    """Close one socket, or all of a group or of a person. Returns how many were closed."""
    authorise(user, "disconnect")
    details: dict[str, Any]
    target: str | Promise
    if socket:
        if not boot:  # each process has numbers of its own
            raise Refused(_("Say of which process the socket is."))
        details, target = {"id": socket}, format_lazy(_("socket {id} on {process}"), id=socket, process=_label(store, boot))
    elif username:
        details, target = {"user": username}, format_lazy(_("person {name}"), name=username)
    elif group:
        details, target = {"group": group}, format_lazy(_("group {name}"), name=group)
        confirm(reach(store, group, "").members, group, confirmation, of=1)
    else:
        raise Refused(_("Say which socket, person or group."))
    answers = _ask(store, user, "disconnect", target, reason, details, boot)
    closed = sum(answer.get("closed", 0) for answer in answers)
    people = sorted({name for answer in answers for name in answer.get("people", ())})
    text = _("{number} closed, of {people}") if people else _("{number} closed")
    record(user, "disconnect", target, reason, format_lazy(text, number=closed, people=", ".join(people)))
    return closed


def drain(store: Store, user: Any, boot: str, *, reason: str = "") -> int:
    """Send everybody who is on one process elsewhere, in batches."""
    authorise(user, "drain")
    target = _label(store, boot)
    closed = sum(answer.get("closed", 0) for answer in _ask(store, user, "drain", target, reason, {}, boot))
    record(user, "drain", target, reason, format_lazy(_("{number} sockets"), number=closed))
    return closed


def tap(store: Store, user: Any, group: str, *, is_open: bool, with_values: bool = False, reason: str = "") -> None:
    """Look at the messages of a group for a minute: their shape, or with the right to peek, and a reason, their values."""
    authorise(user, "peek" if with_values else "view")
    if with_values and not reason.strip():
        raise Refused(_("Say why you need to read what people write."))
    action, result = ("peek", _("values, 60 s")) if with_values else ("tap", _("shapes, 60 s"))
    details = {"group": group, "is_open": is_open, "with_values": with_values}
    if is_open:
        _ask(store, user, action, group, reason, details)
        record(user, action, group, reason, result)
    else:
        store.ask("tap", details)


def _label(store: Store, boot: str) -> Promise:
    row = next((row for row in store.processes() if row["boot"] == boot), None)
    if row is None:
        raise Refused(_("This process is not there any more."))
    return format_lazy(_("{process} on {host}"), process=f"{row['role']} {row['pid']}", host=row["host"])


def _ask(
    store: Store, user: Any, action: str, target: str | Promise, reason: str, details: dict[str, Any], boot: str = ""
) -> list[dict[str, Any]]:
    """Have it done. If no answer comes back it may be done all the same, and that is written down too."""
    try:
        return list(store.ask("tap" if action == "peek" else action, details, boot).values())
    except Unreachable:
        record(user, action, target, reason, _("no answer: it is not known whether it was done"))
        raise


def authorise(user: Any, action: str) -> None:
    if not may(user, action):
        raise PermissionDenied(f"This needs the permission dashboard.{action}.")


def confirm(members: int, name: str, confirmation: str, of: int = MANY) -> None:
    if members > of and confirmation != name:
        text = ngettext_lazy(
            "This reaches {members} member. Type the name of the group to go ahead.",
            "This reaches {members} members. Type the name of the group to go ahead.",
            members,
        )
        raise Refused(format_lazy(text, members=members))


def record(user: Any, action: str, target: str | Promise, reason: str, result: str | Promise) -> StaffAction:
    with translation.override(settings.LANGUAGE_CODE):
        return StaffAction.objects.create(
            user=user,
            username=user.get_username(),
            action=action,
            target=str(target)[:200],
            reason=reason.strip()[:200],
            result=str(result)[:200],
        )
