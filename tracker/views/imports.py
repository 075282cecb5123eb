"""Files that are read into incidents: send one, and watch how far it has come."""

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from realtime.protocol import Refusal
from tracker import services
from tracker.forms import ImportForm, refuse
from tracker.models import Import

LISTED = 30


@login_required
def import_list(request: HttpRequest) -> HttpResponse:
    """One's own imports; POST sends a file."""
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
    runs = Import.objects.filter(owner=request.user.pk).order_by("-pk")[:LISTED]
    context = {"form": form, "runs": runs, "watch": services.watch_of(request.user)}
    return render(request, "tracker/import_list.html", context, status=status)


@login_required
@require_safe
def import_detail(request: HttpRequest, pk: int) -> HttpResponse:
    watch = services.watch_of(request.user)  # read before the row: what is newer in it comes again by the feed
    run = get_object_or_404(Import, pk=pk, owner=request.user.pk)
    return render(request, "tracker/import_detail.html", {"run": run, "watch": watch})


@login_required
@require_POST
def import_cancel(request: HttpRequest, pk: int) -> HttpResponse:
    run = get_object_or_404(Import, pk=pk, owner=request.user.pk)
    try:
        services.cancel_import(request.user, pk)
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(run)
