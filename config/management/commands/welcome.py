"""Says where the site is."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand

from config.demo_people import welcome


class Command(BaseCommand):
    help = "Prints the address of the site (SITE_URL) and, in a demo, who can log in."

    def handle(self, **_: Any) -> None:
        self.stdout.write(welcome(settings.SITE_URL or "http://localhost:8000"))
