"""The doctor in a terminal, and for a deploy script: it ends with 1 if something is critical."""

import sys
from argparse import ArgumentParser
from typing import Any

from django.core.management import BaseCommand, CommandError
from django.core.management.base import no_translations

from dashboard.queries.doctor import diagnose
from dashboard.store import Unreachable, store


class Command(BaseCommand):
    help = "Looks for what is wrong with the channel layer. Status 1 if something is critical, with --strict a warning too."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--strict", action="store_true")

    @no_translations
    def handle(self, *, strict: bool, **_: Any) -> None:
        try:
            findings = diagnose(store())
        except Unreachable as error:
            raise CommandError(f"The store does not answer: {error}") from None
        for finding in findings:
            self.stdout.write(
                f"[{finding.level}] {finding.title}\n  {finding.evidence}\n  {finding.consequence}\n  → {finding.cure}\n"
            )
        if not findings:
            self.stdout.write("Nothing is wrong.")
        bad = {"critical", "warning"} if strict else {"critical"}
        if any(finding.level in bad for finding in findings):
            sys.exit(1)
