"""Incidents as pages: the list, one of them with its history, and the forms that work without scripts."""

from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_POST, require_safe

from realtime.protocol import Refusal
from tracker import services
from tracker.asking import filtered
from tracker.forms import IncidentForm, ReportForm, refuse
from tracker.models import Incident, Severity
from tracker.services.bulk import ASKED

PER_PAGE = 25
EDITABLE = ("name", "description", "severity", "lon", "lat")


@login_required
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    problem = ""
    try:
        incidents = filtered(request.GET)
    except Refusal as refusal:
        incidents, problem = Incident.objects.none(), refusal.message
    page = Paginator(incidents.for_display().order_by("-created_at", "-pk"), PER_PAGE).get_page(request.GET.get("page"))
    asked = request.GET.copy()
    asked.pop("page", None)
    changeable = incidents if request.user.is_staff else incidents.filter(reporter=request.user.pk)
    context = {
        "page": page,
        "problem": problem,
        "severities": Severity,
        "asked": request.GET,
        "query": asked.urlencode(),
        "bulk_query": [(name, request.GET[name]) for name in ASKED if request.GET.get(name)],
        "changeable": changeable.count() if page.paginator.count else 0,
    }
    return render(request, "tracker/incident_list.html", context, status=400 if problem else 200)


@login_required
@require_safe
def incident_detail(request: HttpRequest, pk: int) -> HttpResponse:
    incident = get_object_or_404(Incident.objects.for_display(), pk=pk)
    history = incident.history.select_related("actor").order_by("-pk")[:100]
    context = {"incident": incident, "history": history, "may_change": incident.may_be_changed_by(request.user)}
    is_part = request.headers.get("X-Part") == "details"
    return render(request, "tracker/_incident_details.html" if is_part else "tracker/incident_detail.html", context)


def incident_report(request: HttpRequest) -> HttpResponse:
    """Anybody may report, logged in or not: whoever sees a fire has no account."""
    initial = {name: request.GET[name] for name in ("lat", "lon") if name in request.GET}
    form, status = ReportForm(request.POST or None, initial=initial), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            user = request.user if request.user.is_authenticated else None
            facts = {field: form.cleaned_data[field] for field in EDITABLE}
            key, address = form.cleaned_data["client_id"], request.META.get("REMOTE_ADDR", "")
            try:
                done = services.report_incident(services.Report(user, client_id=key, address=address, **facts))
            except Refusal as refusal:
                status = refuse(form, refusal)
            else:
                notes.success(request, gettext("Thank you. It is on the map."))
                return redirect("tracker:incident_detail", done.id) if user else redirect("tracker:incident_report")
    return render(request, "tracker/incident_report.html", {"form": form}, status=status)


@login_required
def incident_edit(request: HttpRequest, pk: int) -> HttpResponse:
    incident = _changeable(request, pk)
    form, status = IncidentForm(request.POST or None, initial={field: getattr(incident, field) for field in EDITABLE}), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.change_incident(request.user, pk, **form.cleaned_data)
                return redirect(incident)
            except Refusal as refusal:
                status = refuse(form, refusal)
    return render(request, "tracker/incident_edit.html", {"form": form, "incident": incident}, status=status)


@login_required
@require_POST
def incident_close(request: HttpRequest, pk: int) -> HttpResponse:
    """Close it; with `closed=0`, reopen it."""
    _say(request, lambda: services.change_incident(request.user, pk, closed=request.POST.get("closed") != "0"))
    return redirect("tracker:incident_detail", pk)


@login_required
def incident_delete(request: HttpRequest, pk: int) -> HttpResponse:
    incident = _changeable(request, pk)
    if request.method != "POST":
        return render(request, "tracker/incident_delete.html", {"incident": incident})
    if not _say(request, lambda: services.delete_incident(request.user, pk)):
        return redirect(incident)
    notes.success(request, gettext("Deleted."))
    return redirect("tracker:incident_list")


def _changeable(request: HttpRequest, pk: int) -> Incident:
    incident = get_object_or_404(Incident.objects.for_display(), pk=pk)
    if not incident.may_be_changed_by(request.user):
        raise Http404
    return incident


def _say(request: HttpRequest, verb: Any) -> bool:
    try:
        verb()
    except Refusal as refusal:
        notes.error(request, refusal.message)
        return False
    return True
