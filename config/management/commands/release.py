"""What a new version does once, before its processes start."""

import os
import shutil
from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, call_command

from config.demo_people import is_demo


class Command(BaseCommand):
    help = "Brings tables up to date, hands static files to the proxy, and fills a demo. Run it as often as you like."
    requires_system_checks: list[str] = []  # those of the database are wanted too

    def handle(self, **_: Any) -> None:
        self.check(databases=["default"])
        call_command("migrate", interactive=False, stdout=self.stdout)
        if target := os.environ.get("STATIC_FOR_PROXY"):
            # Files of earlier versions stay: a page that is still open, or a process not yet replaced, asks for those.
            shutil.copytree(settings.STATIC_ROOT, target, dirs_exist_ok=True)
            self.stdout.write(f"Static files are in {target}.")
        if is_demo():
            call_command("seed", stdout=self.stdout)
