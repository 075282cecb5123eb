"""How each person wants to be told, and asking that for many at once."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import time
from typing import Any
from zoneinfo import available_timezones

from django.contrib.auth import get_user_model
from django.db import transaction
from django.utils.translation import gettext_lazy as _

from notifications.kinds import kind_of, kinds
from notifications.models import Channel, Inbox, Preference, TargetLevel, Webhook
from notifications.services.inboxes import locked_inbox
from notifications.services.waiting import move_digest
from realtime.addresses import check_url
from realtime.feeds import split_name
from realtime.protocol import Refusal
from realtime.registry import sources

EMAIL_MINUTES = (5, 15, 60, 240, 1440)


@dataclass(frozen=True, slots=True)
class Ways:
    """By which channels one person is told of something, besides the bell."""

    browser: bool
    email: bool
    webhook: bool


def ways_for(user_ids: Collection[int], kind: str, target: str = "") -> dict[int, Ways]:
    """For those of these people who want to hear of this at all. Three queries, whatever their number."""
    refused = TargetLevel.objects.filter(user__in=user_ids, target=target, level=TargetLevel.Level.NONE)
    wanted = set(user_ids) - (set(refused.values_list("user_id", flat=True)) if target else set())
    people = get_user_model().objects.filter(pk__in=wanted, is_active=True).values_list("pk", "email")
    chosen = {
        (user_id, channel): is_on
        for user_id, channel, is_on in Preference.objects.filter(user__in=wanted, kind=kind).values_list(
            "user_id", "channel", "is_on"
        )
    }
    hooked = set(Webhook.objects.filter(user__in=wanted, off_at=None).values_list("user_id", flat=True))

    def is_on(user_id: int, channel: Channel) -> bool:
        return chosen.get((user_id, channel), default_of(kind, channel))

    return {
        user_id: Ways(
            browser=is_on(user_id, Channel.BROWSER),
            email=bool(email) and is_on(user_id, Channel.EMAIL),
            webhook=user_id in hooked and is_on(user_id, Channel.WEBHOOK),
        )
        for user_id, email in people
        if is_on(user_id, Channel.IN_APP)
    }


def default_of(kind: str, channel: str) -> bool:
    return kind_of(kind).email if channel == Channel.EMAIL else True


def set_preference(user: Any, kind: str, channel: str, is_on: bool) -> None:
    """Choose whether one kind of notification comes by one channel. In-app off means not at all."""
    if kind not in kinds():
        raise Refusal("not_found", _("There is no such kind."), field="kind")
    if channel not in Channel.values:
        raise Refusal("bad_value", _("There is no such channel."), field="channel")
    Preference.objects.update_or_create(user=user, kind=kind, channel=channel, defaults={"is_on": is_on})


def set_level(user: Any, target: str, level: str) -> None:
    """How much to hear of one feed that the person may read."""
    if level not in TargetLevel.Level.values:
        raise Refusal("bad_value", _("Choose everything, what concerns you, or nothing."), field="level")
    if not may_read(user, target):
        raise Refusal("not_found", _("There is no such room."), field="target")
    if level == TargetLevel.Level.MENTIONS:
        TargetLevel.objects.filter(user=user, target=target).delete()
    else:
        TargetLevel.objects.update_or_create(user=user, target=target, defaults={"level": level})


def followers_of(targets: Iterable[str]) -> dict[str, list[int]]:
    """Who asked to hear everything of each of these feeds; feeds that nobody follows are left out."""
    followers: dict[str, list[int]] = defaultdict(list)
    rows = TargetLevel.objects.filter(target__in=list(targets), level=TargetLevel.Level.ALL)
    for target, user_id in rows.values_list("target", "user_id"):
        followers[target].append(user_id)
    return followers


def may_read(user: Any, target: str) -> bool:
    """Whether this is a feed that the person may join, whichever app it belongs to."""
    name, _, pk = target.rpartition(".")
    source = sources().get(name)
    return bool(source and pk.isdecimal() and len(pk) < 19 and source.heads([split_name(target)[1]], user))


@transaction.atomic
def set_inbox_settings(
    user: Any, *, time_zone: str, quiet_from: time | None, quiet_until: time | None, email_after_minutes: int
) -> Inbox:
    """Quiet hours in the person's own time, and how long to wait before an e-mail."""
    if time_zone and time_zone not in available_timezones():
        raise Refusal("bad_value", _("There is no such time zone."), field="time_zone")
    if (quiet_from is None) != (quiet_until is None):
        raise Refusal("bad_value", _("Quiet hours need a beginning and an end."), field="quiet_until")
    if email_after_minutes not in EMAIL_MINUTES:
        raise Refusal("bad_value", _("Choose one of the times."), field="email_after_minutes")
    inbox = locked_inbox(user)
    inbox.advance(0, time_zone=time_zone, quiet_from=quiet_from, quiet_until=quiet_until, email_after_minutes=email_after_minutes)
    move_digest(inbox)
    return inbox


def set_webhook(user: Any, url: str) -> Webhook:
    """Have one's notifications POSTed to `url`, also if it was switched off. A new address gets a new secret."""
    check_url(url)
    on = {"failing_since": None, "off_at": None}
    hook, is_new = Webhook.objects.update_or_create(user=user, defaults=on, create_defaults={"url": url})
    if not is_new and hook.url != url:
        hook.delete()
        hook = Webhook.objects.create(user=user, url=url)
    return hook


def remove_webhook(user: Any) -> None:
    Webhook.objects.filter(user=user).delete()
