"""What scripts say, in one language: the catalogue that static/realtime/words.js reads."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase
from django.utils import translation
from django.utils.translation import trans_real
from django.views.decorators.cache import cache_control
from django.views.i18n import JavaScriptCatalog

FRAGMENT = "fragment"  # the gettext context of words in HTML that is the same for everybody (languages.py)


class Words(JavaScriptCatalog):
    """Django's catalogue for scripts, and those words of templates that reach a browser without its language."""

    def get_catalog(self) -> dict[str, Any]:
        prefix = FRAGMENT + trans_real.CONTEXT_SEPARATOR
        of_templates = trans_real.translation(translation.get_language())._catalog  # type: ignore[attr-defined]
        fragments = {key: said for key, said in of_templates.items() if isinstance(key, str) and key.startswith(prefix)}
        return {**super().get_catalog(), **fragments}


@cache_control(public=True, max_age=3600)  # seconds
def words(request: HttpRequest, language: str) -> HttpResponseBase:
    if language not in dict(settings.LANGUAGES):
        raise Http404
    with translation.override(language):
        response = Words.as_view()(request)
    response.headers["Content-Language"] = language
    return response
