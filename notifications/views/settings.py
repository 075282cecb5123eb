"""How a person wants to be told: kinds by channels, rooms, quiet hours, a webhook, tokens."""

from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_variables
from django.views.decorators.http import require_POST, require_safe

from notifications import services
from notifications.forms import InboxForm, TokenForm, WebhookForm, refuse
from notifications.kinds import kinds
from notifications.models import Channel, Preference, TargetLevel, Webhook
from notifications.services.preferences import default_of
from notifications.views.inbox import next_url
from realtime.protocol import Refusal
from realtime.registry import sources


@login_required
@require_safe
def settings_page(request: HttpRequest) -> HttpResponse:
    return render_settings(request)


@login_required
@require_POST
def preferences_set(request: HttpRequest) -> HttpResponse:
    """The whole matrix: a box that is not ticked is not sent, and means no."""
    ticked = set(request.POST.getlist("on"))
    for row in matrix(request.user):
        for cell in row["cells"]:
            if (cell["name"] in ticked) != cell["is_on"]:
                services.set_preference(request.user, row["kind"].name, cell["channel"], not cell["is_on"])
    notes.success(request, gettext("Saved."))
    return redirect("notifications:settings")


@login_required
@require_POST
def level_set(request: HttpRequest) -> HttpResponse:
    try:
        services.set_level(request.user, request.POST.get("target", ""), request.POST.get("level", ""))
        notes.success(request, gettext("Saved."))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect(next_url(request) if "next" in request.POST else "notifications:settings")


@login_required
@require_POST
def inbox_set(request: HttpRequest) -> HttpResponse:
    form = InboxForm(request.POST)
    if not form.is_valid():
        return render_settings(request, inbox_form=form, status=422)
    try:
        services.set_inbox_settings(request.user, **form.cleaned_data)
    except Refusal as refusal:
        return render_settings(request, inbox_form=form, status=refuse(form, refusal))
    notes.success(request, gettext("Saved."))
    return redirect("notifications:settings")


@login_required
@require_POST
def webhook_set(request: HttpRequest) -> HttpResponse:
    """Set it, call it (`do=test`), or take it away (`do=remove`)."""
    form = WebhookForm(request.POST)
    try:
        match request.POST.get("do"):
            case "remove":
                services.remove_webhook(request.user)
                notes.success(request, gettext("The webhook is gone."))
            case "test":
                notes.success(request, gettext("It answered with {status}.").format(status=services.send_test(request.user)))
            case _ if not form.is_valid():
                return render_settings(request, webhook_form=form, status=422)
            case _:
                services.set_webhook(request.user, form.cleaned_data["url"])
                notes.success(request, gettext("Notifications go there from now on."))
    except Refusal as refusal:
        if request.POST.get("do") != "test":
            return render_settings(request, webhook_form=form, status=refuse(form, refusal))
        notes.error(request, refusal.message)
    return redirect("notifications:settings")


@login_required
@require_POST
@never_cache
@sensitive_variables("secret")
def token_create(request: HttpRequest) -> HttpResponse:
    """The answer to this one request shows the secret: it is in no URL, no session and no cache."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return render_settings(request, token_form=form, status=422)
    try:
        _, secret = services.tokens.issue(request.user, **form.cleaned_data)
    except Refusal as refusal:
        return render_settings(request, token_form=form, status=refuse(form, refusal))
    return render_settings(request, secret=secret)


@login_required
@require_POST
def token_revoke(request: HttpRequest, pk: int) -> HttpResponse:
    try:
        services.tokens.revoke(request.user, pk)
        notes.success(request, gettext("The token no longer works."))
    except Refusal as refusal:
        notes.error(request, refusal.message)
    return redirect("notifications:settings")


def render_settings(
    request: HttpRequest,
    *,
    inbox_form: InboxForm | None = None,
    webhook_form: WebhookForm | None = None,
    token_form: TokenForm | None = None,
    secret: str = "",
    status: int = 200,
) -> HttpResponse:
    inbox = services.inbox_of(request.user)
    hook = Webhook.objects.filter(user=request.user.pk).first()
    fields = ("time_zone", "quiet_from", "quiet_until", "email_after_minutes")
    context = {
        "inbox": inbox,
        "matrix": matrix(request.user),
        "channels": Channel.choices,
        "levels": TargetLevel.Level.choices,
        "targets": targets(request.user),
        "hook": hook,
        "inbox_form": inbox_form or InboxForm(initial={field: getattr(inbox, field) for field in fields}),
        "webhook_form": webhook_form or WebhookForm(initial={"url": hook.url if hook else ""}),
        "token_form": token_form or TokenForm(),
        "tokens": services.tokens.of(request.user),
        "secret": secret,
    }
    return render(request, "notifications/settings.html", context, status=status)


def matrix(user: Any) -> list[dict[str, Any]]:
    """A row for each kind, a cell for each channel."""
    chosen = {
        (kind, channel): is_on
        for kind, channel, is_on in Preference.objects.filter(user=user).values_list("kind", "channel", "is_on")
    }
    return [
        {
            "kind": kind,
            "cells": [
                {
                    "name": f"{kind.name}:{channel}",
                    "channel": channel,
                    "label": label,
                    "is_on": chosen.get((kind.name, channel), default_of(kind.name, channel)),
                }
                for channel, label in Channel.choices
            ],
        }
        for kind in kinds().values()
    ]


def targets(user: Any) -> list[dict[str, str]]:
    """The feeds with people in them that the person belongs to, whichever app they are of, with the level of each."""
    levels = dict(TargetLevel.objects.filter(user=user).values_list("target", "level"))
    found = [
        {"name": f"{source.name}.{pk}", "title": title, "level": levels.get(f"{source.name}.{pk}", TargetLevel.Level.MENTIONS)}
        for source in sources().values()
        for pk, title in source.titles(user)
    ]
    return sorted(found, key=lambda target: target["title"].lower())
