"""The map, and what it is filled with."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tracker import services
from tracker.asking import filtered
from tracker.forms import AreaForm, IncidentForm
from tracker.models import AreaOfInterest, Incident, Map, Severity
from tracker.views.answers import fresh, geojson, json, refusing

POINTS = 60_000  # of one answer to the map
LISTED = 50  # beside the map, before scripts take over


@login_required
@require_safe
def map_page(request: HttpRequest) -> HttpResponse:
    context = {
        "map": Map.objects.the(),
        "watch": services.watch_of(request.user),
        "severities": Severity,
        "incident_form": IncidentForm(auto_id="incident-%s"),
        "area_form": AreaForm(user=request.user, auto_id="area-%s"),
        "incidents": Incident.objects.open().for_display().order_by("severity", "-created_at")[:LISTED],
        "tile_url": settings.TRACKER_TILE_URL,
        "tile_attribution": settings.TRACKER_TILE_ATTRIBUTION,
    }
    return render(request, "tracker/map.html", context)


@login_required
@require_safe
@refusing
def points(request: HttpRequest) -> HttpResponse:
    """Open incidents in columns, for a map that shows very many: the newest first, as the map was at revision `rev` or later."""
    the_map = Map.objects.the()  # read before the rows: what is newer in them comes again by the feed, and changes nothing
    return fresh(request, lambda: json(_columns(request, the_map)), the_map)


def _columns(request: HttpRequest, the_map: Map) -> dict[str, Any]:
    found = filtered(request.GET).order_by("-pk").values_list("pk", "lon", "lat", "severity", "created_at", "name")
    rows = list(found[: POINTS + 1])
    ids, lons, lats, severities, created, names = list(zip(*rows[:POINTS], strict=True)) or [()] * 6
    return {
        "rev": the_map.rev,
        "epoch": the_map.epoch,
        "is_cut": len(rows) > POINTS,
        "ids": ids,
        "lon": lons,
        "lat": lats,
        "severity": severities,
        "created": [int(moment.timestamp()) for moment in created],
        "name": names,
    }


@login_required
@require_safe
def area_collection(request: HttpRequest) -> HttpResponse:
    """One's own areas, and those that are shared, as GeoJSON."""
    watch, the_map = services.watch_of(request.user), Map.objects.the()  # read before the rows, as above
    revs = {"rev": watch.rev, "map_rev": the_map.rev}

    def collection() -> HttpResponse:
        areas = AreaOfInterest.objects.visible_to(request.user).order_by("pk")
        return geojson({"type": "FeatureCollection", **revs, "features": [area.geojson_feature for area in areas]})

    return fresh(request, collection, watch, the_map)
