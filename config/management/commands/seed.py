"""The demo's people, and something to see in every app."""

from typing import Any

from django.conf import settings
from django.core.management import BaseCommand, CommandError, call_command, get_commands

from config.demo_people import DEMO_PEOPLE, get_demo_person, is_demo


class Command(BaseCommand):
    help = "Fills the suite with something to see, by the seed_<app> of each app. What is there already is left as it is."

    def handle(self, **_: Any) -> None:
        if not is_demo():
            raise CommandError("Seeding makes people with well-known names: set DEBUG=1 on a laptop, or DEMO=1 elsewhere.")
        for name in DEMO_PEOPLE:
            get_demo_person(name)
        for command in [f"seed_{app}" for app in settings.SUITE_APPS]:
            if command in get_commands():
                self.stdout.write(f"Filling in something to see ({command}).")
                call_command(command, stdout=self.stdout)
                self.stdout.flush()
