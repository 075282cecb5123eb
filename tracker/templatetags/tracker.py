"""Tags of the tracker's templates: `{% severity_mark incident.severity %}`."""

from collections.abc import Iterator
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from tracker.geo.countries import country_at
from tracker.geo.minimap import picture_of_area, picture_of_point
from tracker.models import AreaOfInterest, Incident, IncidentChange, Severity

register = template.Library()


@register.simple_tag
def severity_mark(severity: int) -> SafeString:
    """Its shape in its colour. Always decoration: the word stands beside it, or in a label."""
    return format_html(
        '<svg class="severity" data-severity="{0}" viewBox="0 0 24 24" aria-hidden="true">'
        '<use href="{1}#severity-{0}"></use></svg>',
        severity,
        static("tracker/severity.svg"),
    )


@register.inclusion_tag("tracker/_mini_map.html")
def mini_map(thing: Incident | AreaOfInterest) -> dict[str, Any]:
    """Where it is, as a small picture."""
    if isinstance(thing, Incident):
        return {"picture": picture_of_point(thing.lon, thing.lat), "severity": thing.severity}
    return {"picture": picture_of_area(thing.geometry)}


@register.filter
def and_worse(severity: int) -> str:
    """ "High and worse", of the number of a severity."""
    return str(Severity(severity).and_worse)


@register.filter
def country(incident: Incident) -> str:
    """Where it is, in a word; "" at sea."""
    return country_at(incident.lon, incident.lat)


@register.filter
def history_line(change: IncidentChange) -> str:
    """What one change was, in a sentence: "ann raised it from Medium to Urgent"."""
    who = change.actor.get_username() if change.actor else gettext("Somebody")
    if not change.changes:
        return gettext("{who} reported it").format(who=who) if change.actor else gettext("Reported")
    return gettext("{who} {changes}").format(who=who, changes=", ".join(_verbs(change.changes)))


def _verbs(changes: dict[str, list[Any]]) -> Iterator[str]:
    if "severity" in changes:
        old, new = changes["severity"]
        change = gettext("raised it from {old} to {new}") if new < old else gettext("lowered it from {old} to {new}")
        yield change.format(old=Severity(old).label, new=Severity(new).label)
    if "closed" in changes:
        yield gettext("closed it") if changes["closed"][1] else gettext("reopened it")
    if "name" in changes:
        yield gettext("renamed it from “{name}”").format(name=changes["name"][0])
    if "lon" in changes or "lat" in changes:
        yield gettext("moved it")
    if "description" in changes or "url" in changes:
        yield gettext("changed the details")
    if "reporter_id" in changes:
        yield gettext("gave it to somebody else")
