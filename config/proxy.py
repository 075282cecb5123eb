"""Who is at the other end, when there are proxies between.

A proxy appends the address that it saw to `X-Forwarded-For`; what stands before is whatever the client wrote. So the header
is read from its end, and only as many entries as there are proxies of ours: `TRUST_PROXY=1` takes the last, `2` (a CDN in
front of a proxy) the last but one. Daphne's own `--proxy-headers` takes the first, which anybody can forge.
"""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any

from django.conf import settings

Application = Callable[..., Any]


def with_client_address(application: Application) -> Application:
    """The ASGI application, told the client's address in `scope["client"]`, for pages and sockets alike."""

    async def behind_proxies(scope: dict[str, Any], receive: Any, send: Any) -> None:
        if settings.TRUST_PROXY and "headers" in scope:
            values = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
            if address := client_address(values, settings.TRUST_PROXY):
                scope = {**scope, "client": (address, 0)}
        await application(scope, receive, send)

    return behind_proxies


def with_remote_addr(application: Application) -> Application:
    """The same for WSGI."""

    def behind_proxies(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        forwarded = environ.get("HTTP_X_FORWARDED_FOR", "")
        if settings.TRUST_PROXY and (address := client_address([forwarded], settings.TRUST_PROXY)):
            environ = {**environ, "REMOTE_ADDR": address}
        return application(environ, start_response)

    return behind_proxies


def client_address(values: Iterable[str], proxies: int) -> str | None:
    """The entry that the outermost of our proxies wrote. None if there are fewer entries than proxies, or it is no address."""
    entries = [entry.strip() for value in values for entry in value.split(",") if entry.strip()]
    if len(entries) < proxies:
        return None
    try:
        return str(ip_address(_without_port(entries[-proxies])))
    except ValueError:
        return None


def _without_port(entry: str) -> str:
    """`203.0.113.7:4711` and `[2001:db8::7]:4711`, as some proxies write them."""
    if entry.startswith("["):
        return entry[1:].partition("]")[0]
    return entry.partition(":")[0] if entry.count(":") == 1 else entry
