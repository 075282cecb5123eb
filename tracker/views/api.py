"""Incidents for programs, as GeoJSON with a token. `openapi.json` describes it, from the same structs that read it."""

from typing import Annotated, Any

import msgspec
from django.contrib.auth.decorators import login_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from realtime.limits import Limit
from realtime.protocol import Refusal
from realtime.tokens import require_token
from tracker import services
from tracker.asking import bad, filtered
from tracker.formats import geojson as features
from tracker.models import SOURCE_LENGTH, Incident, Map, Tombstone
from tracker.observations import Outcome
from tracker.views.answers import fresh, geojson, json, refusing

BODY_BYTES = 1_000_000
FEATURES = 1_000  # in one request, and in one page of an answer
DEPTH = 12  # of arrays and objects in a body

features_per_token = Limit("ingested features", burst=5_000, per_second=500)


class Result(msgspec.Struct, omit_defaults=True):
    """What became of one feature, by its place in the request: created, changed, same or failed."""

    index: int
    status: str
    id: int | None = None
    external_id: str | None = None
    code: str | None = None
    message: str | None = None
    field: str | None = None


class Ingested(msgspec.Struct):
    """What became of all of them. `rev` is the revision of the map after that."""

    rev: int
    created: int
    changed: int
    same: int
    failed: int
    results: list[Result]


class Page(msgspec.Struct, omit_defaults=True):
    """Incidents, newest first; `next` is the address of the page after this one. With `since=<rev>`: what has changed after that
    revision, oldest change first, and the ids of what was deleted."""

    type: Annotated[str, msgspec.Meta(pattern="^FeatureCollection$")]
    rev: int
    features: list[dict[str, Any]]
    next: str | None = None
    deleted: list[int] | None = None


@csrf_exempt
def incidents(request: HttpRequest) -> HttpResponse:
    """GET and HEAD read, POST reports."""
    if request.method == "POST":
        return incident_ingest(request)
    return incident_page(request)


@require_token("tracker:write")
def incident_ingest(request: HttpRequest) -> HttpResponse:
    """A Feature or a FeatureCollection of points. By `source` and `external_id` what is sent twice is there once."""
    found = _features(_body(request))
    if len(found) > FEATURES:
        raise Refusal("too_long", f"{FEATURES} features at once; these are {len(found)}.", field="features")
    source = request.GET.get("source") or _common_source(found) or "api"
    if len(source) > SOURCE_LENGTH:
        raise bad("source", f"A source has a name of at most {SOURCE_LENGTH} characters.")
    features_per_token.spend(request.user.pk, len(found))
    outcomes = services.ingest(request.user, source, [_observe(feature) for feature in found])
    results = [_result(index, outcome) for index, outcome in enumerate(outcomes)]
    counts = {status: sum(result.status == status for result in results) for status in ("created", "changed", "same", "failed")}
    answer = Ingested(rev=Map.objects.the().rev, results=results, **counts)
    return json(answer, 422 if counts["failed"] == len(results) else 201 if counts["created"] else 200)


@require_safe
@require_token("tracker:read")
def incident_page(request: HttpRequest) -> HttpResponse:
    """`bbox`, `severity`, `state`, `hours`, `q`; `since` a moment or a revision; `limit`; `before` an id, for the next page."""
    the_map = Map.objects.the()
    read = _changes if request.GET.get("since", "").isdecimal() else _page
    return fresh(request, lambda: geojson(read(request, the_map)), the_map)


@login_required
@require_safe
@refusing
def incident_collection(request: HttpRequest) -> HttpResponse:
    """The same pages with the session in place of a token, for who looks at them in a browser."""
    the_map = Map.objects.the()
    return fresh(request, lambda: geojson(_page(request, the_map)), the_map)


@require_safe
@refusing
def openapi(request: HttpRequest) -> HttpResponse:
    from tracker.openapi import document

    return json(document(request.build_absolute_uri("/")))


def _page(request: HttpRequest, the_map: Map) -> Page:
    limit = _number(request, "limit", FEATURES)
    wanted = filtered(request.GET).order_by("-pk")
    if "before" in request.GET:
        wanted = wanted.filter(pk__lt=_number(request, "before", 2**53))
    rows = list(wanted[: limit + 1])
    address = None
    if len(rows) > limit:
        asked = request.GET.copy()
        asked["before"] = str(rows[limit - 1].pk)
        address = request.build_absolute_uri(f"{request.path}?{asked.urlencode()}")
    shown = [incident.geojson_feature for incident in rows[:limit]]
    return Page(type="FeatureCollection", rev=the_map.rev, features=shown, next=address)


def _changes(request: HttpRequest, the_map: Map) -> Page:
    """Also what is closed by now, so that a copy can be kept in step; up to a limit, and `rev` says how far."""
    since, limit = int(request.GET["since"][:18]), _number(request, "limit", FEATURES)
    rows = list(Incident.objects.filter(rev__gt=since).order_by("rev")[: limit + 1])
    reached = rows[limit - 1].rev if len(rows) > limit else the_map.rev
    gone = Tombstone.objects.filter(feed=the_map.group, rev__gt=since, rev__lte=reached, model="Incident")
    shown = [incident.geojson_feature for incident in rows[:limit]]
    deleted = list(gone.order_by("rev").values_list("object_id", flat=True))
    return Page(type="FeatureCollection", rev=reached, features=shown, deleted=deleted)


def _body(request: HttpRequest) -> Any:
    try:
        if int(request.headers.get("Content-Length") or 0) > BODY_BYTES:
            raise RequestDataTooBig
        body = request.body
    except (RequestDataTooBig, ValueError):
        raise Refusal("too_long", f"A body may have {BODY_BYTES:,} bytes.") from None
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Refusal("bad_json", "This is not JSON.") from None
    if features.deeper_than(DEPTH, value):
        raise Refusal("bad_json", f"Nested deeper than {DEPTH} levels.")
    return value


def _features(value: Any) -> list[Any]:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "Feature":
        return [value]
    if kind == "FeatureCollection" and isinstance(value.get("features"), list) and value["features"]:
        return value["features"]
    raise Refusal("bad_value", "Send a Feature, or a FeatureCollection that has some.", field="type")


def _common_source(found: list[Any]) -> str:
    """A source may stand in the first feature, for all of them."""
    properties = found[0].get("properties") if isinstance(found[0], dict) else None
    source = properties.get("source") if isinstance(properties, dict) else None
    return source if isinstance(source, str) else ""


def _observe(feature: Any) -> Any:
    try:
        return features.observe(feature)
    except Refusal as refusal:
        return refusal


def _result(index: int, outcome: Outcome) -> Result:
    if outcome.refusal:
        refusal = outcome.refusal
        return Result(index=index, status="failed", code=refusal.code, message=refusal.message, field=refusal.field)
    assert outcome.incident is not None
    return Result(index=index, status=outcome.status, id=outcome.incident.pk, external_id=outcome.incident.external_id)


def _number(request: HttpRequest, name: str, most: int) -> int:
    text = request.GET.get(name, str(most))
    if not text.isdecimal() or len(text) > 18 or not 1 <= int(text) <= most:
        raise bad(name, f"{name} is a number from 1 to {most}.")
    return int(text)
