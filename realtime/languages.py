"""Which language words are in.

What one person reads is in theirs: pages by Django's LocaleMiddleware, sockets by `language_of`, what scripts say by the
catalogue of words.py. What is stored for several people is in the site's (`in_site_language`). What is told to several at once
is rendered once, in none (`shared_fragment`), and each browser says the marked words in its own. See docs/decisions/0005.
"""

from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.template.loader import get_template
from django.utils import translation

from realtime.auth import cookies_of


def language_of(scope: dict[str, Any]) -> str:
    """The language of whoever opens a socket, chosen as for a page: by cookie, by what the browser prefers, or the site's."""
    wanted = dict(scope["headers"]).get(b"accept-language", b"").decode("latin-1")
    asked = SimpleNamespace(COOKIES=cookies_of(scope), META={"HTTP_ACCEPT_LANGUAGE": wanted})
    return translation.get_language_from_request(asked)  # type: ignore[arg-type]


def in_site_language() -> translation.override:
    """`with in_site_language():` words that are stored, to be read by anybody."""
    return translation.override(settings.LANGUAGE_CODE)


def shared_fragment(template: str, context: dict[str, Any]) -> str:
    """HTML for all who will see it. Its words are in the language of the source, and marked with `data-word`.

    In the template: `<span data-word>{% translate "edited" context "fragment" %}</span>`, and for attributes
    `<a data-word="title" title="...">`. Where a page includes the same template they are in the reader's language at once.
    """
    with translation.override(None):
        return _fragment(template, context)


def personal_fragment(template: str, context: dict[str, Any], language: str) -> str:
    """HTML that one person alone will see, in their language, whoever causes it."""
    if translation.get_language() == language:  # as for most of many who are told together
        return _fragment(template, context)
    with translation.override(language):
        return _fragment(template, context)


def _fragment(template: str, context: dict[str, Any]) -> str:
    html = get_template(template).render(context)
    return "".join([html])  # a plain string: the encoder knows no SafeString
