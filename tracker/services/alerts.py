"""Who is told of what. The rows of `Alert` say what an area's owner knows; here they are brought in step with what is.

An owner is told of an open incident in an active area that is severe enough; again when it is raised, moves in, or reopens. When
that holds no longer, the notification is withdrawn. Everything here may be done twice: what is in step already stays.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from realtime import jobs
from realtime.broadcast import broadcast
from realtime.signals import user_notification_withdrawn, user_notified
from tracker.frames import alert_event
from tracker.models import Alert, AreaOfInterest, Incident, Map, Severity, Watch
from tracker.services import matching
from tracker.words import grouped

AT_ONCE = 25  # pairs of a person and an incident that are told within the transaction of their cause; more are told by jobs
TOGETHER = 1_000  # alerts of one area that are written in one transaction
ALERTS_SHOWN = 20  # of one revision: who draws an area around everything need not hear of each


def settle_incidents(incidents: Mapping[int, Incident], reasons: Mapping[int, str]) -> None:
    """These incidents are new or have changed: tell whom it concerns, take back what no longer holds."""
    matched = matching.areas_around(list(incidents.values()))
    told = _known(incidents)
    over = [alert.pk for (area_id, pk), alert in told.items() if alert.withdrawn_at is None and area_id not in matched[pk]]
    if over:
        _withdraw(Alert.objects.filter(pk__in=over))
    news: dict[int, list[int]] = {}  # incident to areas
    for pk, areas in matched.items():
        news[pk] = [area_id for area_id in areas if _is_news(told.get((area_id, pk)), incidents[pk])]
        lowered = [area_id for area_id in areas.difference(news[pk]) if told[area_id, pk].severity != incidents[pk].severity]
        if lowered:  # remembered, for when it is raised again
            Alert.objects.filter(incident=pk, area__in=lowered).update(severity=incidents[pk].severity)
    _tell_owners(news, incidents, reasons)


def _tell_owners(news: Mapping[int, list[int]], incidents: Mapping[int, Incident], reasons: Mapping[int, str]) -> None:
    owners = _owners({area_id for areas in news.values() for area_id in areas})
    pairs: dict[tuple[int, int], list[int]] = defaultdict(list)  # (owner, incident) to areas
    for pk, areas in news.items():
        for area_id in areas:
            pairs[owners[area_id], pk].append(area_id)
    if len(pairs) > AT_ONCE:
        _enqueue(pairs, reasons)
        return
    for (owner_id, pk), area_ids in sorted(pairs.items()):
        _tell(owner_id, incidents[pk], area_ids, reasons[pk])


def settle_later(payload: dict[str, Any]) -> None:
    """The job for many: `pairs` of a person and an incident. What has changed meanwhile is looked at afresh."""
    for owner_id, pk, reason in payload["pairs"]:
        with transaction.atomic():
            Map.objects.lock_it()  # or who closes it at the same time finds no alert to take back
            incident = Incident.objects.filter(pk=pk).first()
            if incident is None:
                continue
            areas = AreaOfInterest.objects.filter(pk__in=matching.areas_around([incident])[pk], owner=owner_id)
            told = _known([pk])
            news = [area.pk for area in areas if _is_news(told.get((area.pk, pk)), incident)]
            if news:
                _tell(owner_id, incident, news, reason)


def settle_area(area: AreaOfInterest) -> None:
    """An area was drawn or changed: tell its owner once of what is open in it, take back what no longer is. The map is held."""
    inside = matching.incidents_in(area) if area.is_active else {}
    told = dict(area.alerts.filter(withdrawn_at=None).values_list("incident_id", "pk"))
    for gone in _chunks([alert for pk, alert in told.items() if pk not in inside]):
        _withdraw(Alert.objects.filter(pk__in=gone))
    news = {pk: severity for pk, severity in inside.items() if pk not in told}
    if not news:
        return
    watch, notice = Watch.objects.lock(pk=area.owner_id), f"tracker.area.{area.pk}.{area.owner_id}.{area.rev}"
    is_first = not Alert.objects.filter(notice=notice).exists()
    rev = watch.advance()
    worst = sorted(news, key=lambda pk: (news[pk], -pk))[:TOGETHER]
    _write([(area.pk, pk, news[pk]) for pk in worst], area.owner_id, Alert.Reason.DRAWN, notice, rev)
    if is_first:
        _tell_drawn(area, watch, rev, notice, len(news))
    if len(news) > len(worst):  # noted one by one, so that nobody is told of them again; that may take a while
        jobs.enqueue("tracker.area", {"area": area.pk}, key=f"tracker.area.{area.pk}")


@transaction.atomic
def settle_area_later(payload: dict[str, Any]) -> None:
    """The job for the rest of it."""
    Map.objects.lock_it()
    if area := AreaOfInterest.objects.filter(pk=payload["area"]).first():
        settle_area(area)


def _tell_drawn(area: AreaOfInterest, watch: Watch, rev: int, notice: str, count: int) -> None:
    shown = _shown(Alert.objects.filter(owner=area.owner_id, rev=rev))
    broadcast(watch.group, alert_event(shown))
    if count == 1:
        text, url = _headline(shown[0].incident), incident_url(shown[0].incident)
    else:
        words = ngettext_lazy("{count} open incident in “{area}”", "{count} open incidents in “{area}”", count)
        text, url = format_lazy(words, count=grouped(count), area=area.name), f"{reverse('tracker:map')}?area={area.pk}"
    _notify(area.owner_id, text, url, notice, [area], group=False)


def withdraw_all(incident_id: int) -> None:
    """The incident is about to be deleted."""
    _withdraw(Alert.objects.filter(incident=incident_id, withdrawn_at=None))


def withdraw_area(area: AreaOfInterest) -> None:
    _withdraw(Alert.objects.filter(area=area, withdrawn_at=None))


def incident_url(incident: Incident) -> str:
    """The map with the incident in its middle."""
    return f"{reverse('tracker:map')}?incident={incident.pk}"


def _is_news(alert: Alert | None, incident: Incident) -> bool:
    return alert is None or alert.withdrawn_at is not None or incident.severity < alert.severity


def _known(incidents: Iterable[int]) -> dict[tuple[int, int], Alert]:
    return {(alert.area_id, alert.incident_id): alert for alert in Alert.objects.filter(incident__in=list(incidents))}


def _owners(areas: Collection[int]) -> dict[int, int]:
    return dict(AreaOfInterest.objects.filter(pk__in=areas).values_list("pk", "owner_id")) if areas else {}


def _tell(owner_id: int, incident: Incident, area_ids: Collection[int], reason: str) -> None:
    """One person, one incident, whatever the number of their areas that it is in."""
    Watch.objects.get_or_create(user_id=owner_id)
    watch = Watch.objects.lock(pk=owner_id)
    rev, notice = watch.advance(), f"tracker.incident.{incident.pk}.{incident.rev}"
    before = Alert.objects.filter(incident=incident.pk, area__in=area_ids, owner=owner_id, withdrawn_at=None)
    if before:  # it is told anew, in one line and not in two
        reason = Alert.Reason.RAISED
        _withdraw(before)
    _write([(area_id, incident.pk, incident.severity) for area_id in area_ids], owner_id, reason, notice, rev)
    alerts = _shown(Alert.objects.filter(owner=owner_id, rev=rev))
    broadcast(watch.group, alert_event(alerts))
    _notify(owner_id, _headline(incident), incident_url(incident), notice, [alert.area for alert in alerts])


def _shown(alerts: QuerySet) -> list[Alert]:
    """The worst of what is told with one revision."""
    return list(alerts.select_related("area", "incident").order_by("severity", "-incident_id", "area_id")[:ALERTS_SHOWN])


def _write(rows: Iterable[tuple[int, int, int]], owner_id: int, reason: str, notice: str, rev: int) -> None:
    """(area, incident, severity): a row for each, whether or not there was one."""
    now = timezone.now()
    Alert.objects.bulk_create(
        [
            Alert(
                area_id=area_id,
                incident_id=incident_id,
                owner_id=owner_id,
                severity=severity,
                reason=reason,
                notice=notice,
                rev=rev,
                told_at=now,
            )
            for area_id, incident_id, severity in rows
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["area", "incident"],
        update_fields=["owner", "severity", "reason", "notice", "rev", "told_at", "withdrawn_at"],
    )


def _notify(owner_id: int, text: Any, url: str, notice: str, areas: list[AreaOfInterest], *, group: bool = True) -> None:
    """Toast, inbox, e-mail: whatever the person chose, if anything here can do it."""
    user = areas[0].owner
    user_notified.send(
        sender=None,
        user=user,
        kind="tracker.alert",
        text=text,
        detail=format_lazy(_("In {areas}"), areas=", ".join(area.name for area in areas)),
        url=url,
        dedupe_key=notice,
        group_key=f"tracker.area.{areas[0].pk}" if group else "",
        target=f"{Watch.feed_name}.{owner_id}",
        data={"area": areas[0].name},
    )


def _headline(incident: Incident) -> Any:
    """Lazy: in the language of whoever is told."""
    return format_lazy("{severity}: {name}", severity=Severity(incident.severity).label, name=incident.name)


def _withdraw(alerts: QuerySet) -> None:
    """Close these alerts, and take back each notification that no open alert stands behind any more."""
    notices = set(alerts.values_list("notice", "owner"))
    if not notices:
        return
    alerts.update(withdrawn_at=timezone.now())
    names = {notice for notice, _ in notices}
    held = set(Alert.objects.filter(notice__in=names, withdrawn_at=None).values_list("notice", "owner"))
    shared = {notice for notice, _ in held}
    for name in sorted(names - shared):  # nobody is left: at once for everybody
        user_notification_withdrawn.send(sender=None, user=None, dedupe_key=name)
    leaving = sorted((name, owner) for name, owner in notices - held if name in shared)
    people = get_user_model()._default_manager.in_bulk([owner for _, owner in leaving])
    for name, owner in leaving:
        user_notification_withdrawn.send(sender=None, user=people[owner], dedupe_key=name)


def _enqueue(pairs: Iterable[tuple[int, int]], reasons: Mapping[int, str]) -> None:
    waiting = [[owner_id, pk, reasons[pk]] for owner_id, pk in sorted(pairs)]
    chunks = [waiting[start : start + AT_ONCE] for start in range(0, len(waiting), AT_ONCE)]
    jobs.enqueue_all([jobs.new_job("tracker.alert", {"pairs": chunk}) for chunk in chunks])


def _chunks(items: Sequence[int]) -> Iterator[Sequence[int]]:
    return (items[start : start + TOGETHER] for start in range(0, len(items), TOGETHER))
