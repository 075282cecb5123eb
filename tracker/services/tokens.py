"""Access tokens for programs that report or read incidents."""

from typing import Any

from django.views.decorators.debug import sensitive_variables

from realtime import tokens
from realtime.models import AccessToken
from realtime.protocol import Refusal

SCOPES = {"tracker:read": "read incidents", "tracker:write": "report and change incidents"}
TOKENS = 10  # of one person, that work at the same time


@sensitive_variables("secret")
def issue_token(user: Any, name: str, scopes: list[str]) -> tuple[AccessToken, str]:
    """A new token and its secret, which nobody can be shown again. Raises `Refusal`."""
    if not scopes or not set(scopes) <= SCOPES.keys():
        raise Refusal("bad_value", "Choose what the token may do.", field="scopes")
    if own_tokens(user).count() >= TOKENS:
        raise Refusal("not_allowed", f"You may have {TOKENS} tokens. Revoke one first.")
    return AccessToken.issue(user, name.strip(), " ".join(sorted(scopes)))


def revoke_token(user: Any, token_id: int) -> None:
    token = own_tokens(user).filter(pk=token_id).first()
    if token is None:
        raise Refusal("not_found", "There is no such token.")
    tokens.revoke(token)


def own_tokens(user: Any) -> Any:
    """Those that this app gave out and that still work."""
    return AccessToken.objects.filter(user=user, revoked_at=None, scopes__startswith="tracker:").order_by("-pk")
