"""Access tokens: how a program shows who it is, over HTTP and on the socket.

    Authorization: Bearer bc_...

The same header opens `/ws/`, carries commands to `/commands/`, and reads the apps' JSON under `@require_token(scope)`.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import wraps
from typing import Any

from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from realtime.limits import Limit
from realtime.models import AccessToken
from realtime.protocol import Refusal, encode

USED_EVERY = timedelta(minutes=1)  # how exact `last_used_at` is: a busy program does not cost a write for each call
TOKENS_PER_PERSON = 10  # of one app, that work at the same time
calls_per_token = Limit("API calls", burst=60, per_second=5)

View = Callable[..., HttpResponse]


def token_from_header(value: str) -> AccessToken | None:
    """The token (with its user) that an Authorization header shows; None for any that is wrong, revoked or inactive."""
    scheme, _, secret = value.partition(" ")
    if scheme.lower() != "bearer" or not (secret := secret.strip()):
        return None
    token = AccessToken.objects.usable(secret).select_related("user").first()
    if token:
        _note_use(token)
    return token


def _note_use(token: AccessToken) -> None:
    now = timezone.now()
    if token.last_used_at is None or token.last_used_at < now - USED_EVERY:
        unnoted = Q(last_used_at=None) | Q(last_used_at__lt=now - USED_EVERY)  # other processes see the same token
        AccessToken.objects.filter(unnoted, pk=token.pk).update(last_used_at=now)
        token.last_used_at = now


def require_token(scope: str) -> Callable[[View], View]:
    """For views of programs: `request.user` becomes the token's, and a `Refusal` becomes JSON.

    Cookies are not looked at, which is why there is no CSRF token either: no other site can add the header.
    """

    def decorate(view: View) -> View:
        @csrf_exempt
        @wraps(view)
        def wrapper(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            try:
                request.user = _authorise(request, scope).user
                return view(request, *args, **kwargs)
            except Refusal as refusal:
                return refusal_response(refusal)

        return wrapper

    return decorate


def _authorise(request: HttpRequest, scope: str) -> AccessToken:
    token = token_from_header(request.headers.get("Authorization", ""))
    if token is None:
        raise Refusal("not_logged_in", "Send a valid token: Authorization: Bearer bc_…")
    if not token.allows(scope):
        raise Refusal("not_allowed", f"This token does not have the scope {scope}.")
    calls_per_token.spend(token.pk)
    return token


@dataclass(frozen=True)
class OwnTokens:
    """What one app gives out to people, so that programs of theirs may act for them. `scopes`: "app:read", with its words."""

    app: str
    scopes: Mapping[str, Any]

    def of(self, user: Any) -> QuerySet[AccessToken]:
        """A person's tokens of this app that still work, the latest first."""
        return AccessToken.objects.filter(user=user, revoked_at=None, scopes__startswith=f"{self.app}:").order_by("-pk")

    @sensitive_variables("secret")
    def issue(self, user: Any, name: str, scopes: Collection[str]) -> tuple[AccessToken, str]:
        """A new token and its secret, which nobody can be shown again. Raises `Refusal`."""
        if not scopes or not set(scopes) <= self.scopes.keys():
            raise Refusal("bad_value", _("Choose what the token may do."), field="scopes")
        if self.of(user).count() >= TOKENS_PER_PERSON:
            message = format_lazy(_("You may have {limit} tokens. Revoke one first."), limit=TOKENS_PER_PERSON)
            raise Refusal("not_allowed", message)
        return AccessToken.issue(user, name.strip(), " ".join(sorted(scopes)))

    def revoke(self, user: Any, token_id: int) -> None:
        """End one of the person's own. Raises `Refusal` for any other."""
        token = self.of(user).filter(pk=token_id).first()
        if token is None:
            raise Refusal("not_found", _("There is no such token."))
        revoke(token)


def revoke(token: AccessToken) -> None:
    """End a token for good. Saving it also has its open sockets checked again, which closes them."""
    if token.revoked_at is None:
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])


def refusal_response(refusal: Refusal) -> HttpResponse:
    """`{"type": "realtime.error", "code": ..., "message": ...}` with the status that fits."""
    response = HttpResponse(encode(refusal.to_event()), content_type="application/json", status=refusal.status)
    if refusal.status == 401:
        response["WWW-Authenticate"] = "Bearer"
    if refusal.retry_after is not None:
        response["Retry-After"] = str(max(1, round(refusal.retry_after)))
    return response
