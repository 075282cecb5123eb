"""Where a webhook may go: out into the public Internet, encrypted, and nowhere else.

A person types the address and our server calls it, from inside our network: without a check they could make it knock on
the database, the cloud's metadata service or a neighbour (server-side request forgery).
"""

import ipaddress
import socket
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from realtime.protocol import Refusal

URL_LENGTH = 500  # characters
PORTS = {"https": 443, "http": 80}


def check_url(url: str) -> SplitResult:
    """Raises `Refusal` for what can never be called. Where the name leads to is asked at each call: it may change."""
    try:
        parts = urlsplit(url)
        str(parts.port)  # raises ValueError when it is none
        (parts.hostname or "").encode("idna")  # likewise, for a name that cannot be asked for
    except ValueError:
        raise _bad(_("That is not an address.")) from None
    schemes = {"https", "http"} if settings.DEBUG else {"https"}
    if parts.scheme not in schemes or not parts.hostname or len(url) > URL_LENGTH:
        raise _bad(_("The address begins with https or http://.") if settings.DEBUG else _("The address begins with https://."))
    if parts.username or parts.password or any(ord(character) <= 32 for character in url):
        raise _bad(_("The address has no user name and no spaces."))
    if not f"{parts.path}{parts.query}".isascii():
        raise _bad(_("What follows the name is written with % and digits where it is not plain ASCII."))
    if not settings.DEBUG and _literal_address(parts.hostname) and not _is_public(parts.hostname):
        raise _bad(_("The address is not on the public Internet."))
    return parts


def resolve(parts: SplitResult) -> tuple[str, int]:
    """The IP address and port to connect to. Raises `Refusal` unless every address of the name is public.

    Connect to this very address: asking the name again could give another (DNS rebinding).
    """
    port = parts.port or PORTS[parts.scheme]
    found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    addresses = [str(entry[4][0]) for entry in found]
    if not settings.DEBUG and not all(_is_public(address) for address in addresses):
        raise _bad(_("The address is not on the public Internet."))
    return addresses[0], port


def _is_public(address: str) -> bool:
    ip = ipaddress.ip_address(address.split("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    return ip.is_global and not ip.is_multicast and (mapped is None or _is_public(str(mapped)))


def _literal_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _bad(message: str | Promise) -> Refusal:
    return Refusal("bad_value", message, field="url")
