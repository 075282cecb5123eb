"""`manage.py makemessages`: all languages, pages and scripts, each app into its own catalogue. Needs GNU gettext.

After it, translate what is new in `*/locale/*/LC_MESSAGES/*.po`, and run `manage.py compilemessages`.
"""

from typing import Any

from django.conf import settings
from django.core.management.base import CommandParser
from django.core.management.commands import makemessages
from django.utils.translation import to_locale

DOMAINS = ["django", "djangojs"]
# What nobody reads in a browser, or is not ours.
IGNORED = [".*", "var", "node_modules", "*/tests/*", "tests/*", "*/vendor/*", "vendor/*", "*/bench/*", "docs/*", "conftest.py"]


class Command(makemessages.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(ignore_patterns=IGNORED, no_location=True, no_wrap=True, no_obsolete=True)

    def handle(self, *args: Any, **options: Any) -> None:
        if not (options["locale"] or options["all"]):
            options["locale"] = [to_locale(code) for code, _ in settings.LANGUAGES if not code.startswith("en")]
        for domain in DOMAINS:
            super().handle(*args, **{**options, "domain": domain, "extensions": ["js"] if domain == "djangojs" else []})
