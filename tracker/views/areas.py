"""Areas of interest as pages. Shapes are drawn on the map; here they are GeoJSON, which works without scripts."""

import json
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_safe

from realtime.protocol import Refusal
from tracker import services
from tracker.forms import AreaForm, refuse
from tracker.models import Alert, AreaOfInterest
from tracker.views.incidents import PER_PAGE

ALERTS_LISTED = 50


@login_required
@require_safe
def area_list(request: HttpRequest) -> HttpResponse:
    open_alerts = Count("alerts", filter=Q(alerts__withdrawn_at=None))
    areas = AreaOfInterest.objects.visible_to(request.user).select_related("owner").annotate(open_alerts=open_alerts)
    page = Paginator(areas.order_by("name", "pk"), PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "tracker/area_list.html", {"page": page})


@login_required
@require_safe
def area_detail(request: HttpRequest, pk: int) -> HttpResponse:
    area = _visible(request, pk)
    alerts: Any = Alert.objects.none()
    if area.owner_id == request.user.pk:
        alerts = area.alerts.select_related("incident").order_by("-told_at", "-pk")[:ALERTS_LISTED]
    return render(
        request,
        "tracker/area_detail.html",
        {"area": area, "alerts": alerts, "may_change": area.may_be_changed_by(request.user)},
    )


@login_required
def area_create(request: HttpRequest) -> HttpResponse:
    return _form(request, None)


@login_required
def area_edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _form(request, _changeable(request, pk))


@login_required
def area_delete(request: HttpRequest, pk: int) -> HttpResponse:
    area = _changeable(request, pk)
    if request.method != "POST":
        return render(request, "tracker/area_delete.html", {"area": area})
    try:
        services.delete_area(request.user, pk)
    except Refusal as refusal:
        notes.error(request, refusal.message)
        return redirect(area)
    notes.success(request, gettext("“{name}” is no longer watched.").format(name=area.name))
    return redirect("tracker:area_list")


def _form(request: HttpRequest, area: AreaOfInterest | None) -> HttpResponse:
    initial: dict[str, Any] = {}
    if area:
        initial = {name: getattr(area, name) for name in ("name", "severity", "is_active", "is_shared")}
        initial["geometry"] = json.dumps(area.geometry)
    form, status = AreaForm(request.POST or None, user=request.user, initial=initial), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                done = services.save_area(request.user, services.Plan(id=area.pk if area else None, **form.cleaned_data))
                return redirect("tracker:area_detail", done.id)
            except Refusal as refusal:
                status = refuse(form, refusal)
    return render(request, "tracker/area_edit.html", {"form": form, "area": area}, status=status)


def _visible(request: HttpRequest, pk: int) -> AreaOfInterest:
    return get_object_or_404(AreaOfInterest.objects.visible_to(request.user).select_related("owner"), pk=pk)


def _changeable(request: HttpRequest, pk: int) -> AreaOfInterest:
    area = _visible(request, pk)
    if not area.may_be_changed_by(request.user):
        raise Http404
    return area
