"""Tell one person something, from a shell or a script: it reaches their open pages."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from notifications import services
from realtime.protocol import Refusal


class Command(BaseCommand):
    help = 'Notify a person: manage.py notify ann "The build is done" --url /chat/'

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("user", help="user name")
        parser.add_argument("text")
        parser.add_argument("--url", default="", help="where it leads")
        parser.add_argument("--key", default="", help="the same key notifies once")

    def handle(self, *, user: str, text: str, url: str, key: str, **_: Any) -> None:
        person = get_user_model().objects.filter(username=user, is_active=True).first()
        if person is None:
            raise CommandError(f"There is nobody called {user}.")
        try:
            told = services.notify(person, "notifications.note", text, url=url, dedupe_key=key)
        except Refusal as refusal:
            raise CommandError(refusal.message) from None
        self.stdout.write(f"{user} has it." if told else f"{user} knows it already, or does not want to know.")
