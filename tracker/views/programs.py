"""Tokens for programs, and how one talks to us."""

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST

from realtime.protocol import Refusal
from tracker import services
from tracker.forms import TokenForm, refuse


@login_required
@sensitive_variables("secret")
def program_list(request: HttpRequest) -> HttpResponse:
    """One's tokens; POST makes one, and its secret is shown in the answer and never again."""
    form, status, secret = TokenForm(request.POST or None), 200, ""
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                _, secret = services.tokens.issue(request.user, **form.cleaned_data)
                form, status = TokenForm(), 200
            except Refusal as refusal:
                status = refuse(form, refusal)
    context = {"form": form, "tokens": services.tokens.of(request.user), "secret": secret}
    return render(request, "tracker/program_list.html", context, status=status)


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        services.tokens.revoke(request.user, pk)
        notes.success(request, gettext("Revoked. What used it is out."))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("tracker:program_list")
