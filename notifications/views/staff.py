"""For staff: what could not be delivered, and speaking to everybody."""

from typing import Any

from django.contrib import messages as notes
from django.contrib.admin.views.decorators import staff_member_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext, ngettext

from notifications import services
from notifications.forms import AnnouncementForm, refuse
from realtime.models import Job
from realtime.protocol import Refusal

SHOWN = 100


@staff_member_required(login_url="login")
def job_list(request: HttpRequest) -> HttpResponse:
    """Jobs that were given up, with what went wrong. POST tries them again."""
    dead = Job.objects.dead().order_by("-dead_at")
    if request.method == "POST":
        ids = [int(pk) for pk in request.POST.getlist("id") if pk.isdecimal() and len(pk) < 19]
        revived = services.retry_dead(request.user, dead.filter(pk__in=ids))
        said = ngettext("{count} will be tried again.", "{count} will be tried again.", revived)
        notes.success(request, said.format(count=revived))
        return redirect("notifications:job_list")
    context: dict[str, Any] = {
        "dead": dead[:SHOWN],
        "dead_count": dead.count(),
        "waiting": Job.objects.filter(dead_at=None).count(),
    }
    return render(request, "notifications/job_list.html", context)


@staff_member_required(login_url="login")
def announce(request: HttpRequest) -> HttpResponse:
    form, status = AnnouncementForm(request.POST or None, initial=request.GET.dict()), 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                services.enqueue_announcement(request.user, **form.cleaned_data)
            except Refusal as refusal:
                status = refuse(form, refusal)
            else:
                notes.success(request, gettext("It is on its way."))
                return redirect("notifications:announce")
    return render(request, "notifications/announce.html", {"form": form}, status=status)
