"""Long work: files that are read into incidents, changes of many. Begin it, and watch how far it has come."""

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from realtime.protocol import Refusal
from tracker import services
from tracker.forms import ImportForm, refuse
from tracker.models import Run

LISTED = 30


@login_required
def run_list(request: HttpRequest) -> HttpResponse:
    """One's own; POST sends a file."""
    form, status = ImportForm(request.POST or None, request.FILES or None), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            facts = form.cleaned_data
            file = facts.pop("file")
            try:
                return redirect(services.upload(request.user, file, **facts))
            except Refusal as refusal:
                status = refuse(form, refusal)
    runs = Run.objects.filter(owner=request.user.pk).order_by("-pk")[:LISTED]
    context = {"form": form, "runs": runs, "watch": services.watch_of(request.user)}
    return render(request, "tracker/run_list.html", context, status=status)


@login_required
@require_POST
def bulk_create(request: HttpRequest) -> HttpResponse:
    """Change all incidents that a list shows: the list's own query string, with `kind` and `value`."""
    try:
        value = int(request.POST.get("value") or 0) if request.POST.get("value", "").isdecimal() else None
        return redirect(services.change_many(request.user, request.POST.get("kind", ""), request.POST.dict(), value))
    except Refusal as refusal:
        notes.error(request, refusal.message)
        return redirect("tracker:incident_list")


@login_required
@require_safe
def run_detail(request: HttpRequest, pk: int) -> HttpResponse:
    watch = services.watch_of(request.user)  # read before the row: what is newer in it comes again by the feed
    run = get_object_or_404(Run, pk=pk, owner=request.user.pk)
    return render(request, "tracker/run_detail.html", {"run": run, "watch": watch})


@login_required
@require_POST
def run_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Run, pk=pk, owner=request.user.pk)
    try:
        services.cancel_run(request.user, pk)
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(run)
