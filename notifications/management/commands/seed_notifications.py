"""Something in every folder of the demo's people. What chat has to tell is there already: its seed goes through the services."""

from datetime import timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.utils import timezone

from notifications import services
from notifications.models import Notification
from realtime.limits import unlimited

WELCOME = "Welcome to Backchannel. Open this page in two windows: what you do in one, the other shows."


class Command(BaseCommand):
    help = "Fill inboxes with something to look at. Run it as often as you like."

    def handle(self, **options: Any) -> None:
        people = list(get_user_model().objects.filter(username__in=["ann", "bob", "sam"]))
        staff = next((person for person in people if person.is_staff), None)
        with unlimited():
            for person in people:
                self.fill(person, staff)
        self.stdout.write(f"{Notification.objects.filter(withdrawn_at=None).count()} notifications.")

    def turn_back(self, person: Any) -> None:
        """The demo has a past; only the clock is changed, not the order."""
        now = timezone.now()
        fresh = Notification.objects.of(person).filter(raised_at__gt=now - timedelta(minutes=2)).order_by("-raised_rev")
        for number, notification in enumerate(fresh):
            notification.raised_at = now - timedelta(minutes=3 + 37 * number)
        Notification.objects.bulk_update(fresh, ["raised_at"])

    def fill(self, person: Any, staff: Any) -> None:
        old = services.notify(person, "notifications.note", "Nightly backup: 214 MB, 0 errors", dedupe_key="seed.backup")
        kept = services.notify(
            person,
            "notifications.note",
            "curl can do this too: see the settings",
            url="/notifications/settings/",
            dedupe_key="seed.curl",
        )
        services.notify(
            person, "notifications.announcement", WELCOME, url="/notifications/", actor=staff, dedupe_key="seed.welcome"
        )
        self.turn_back(person)
        if old:
            services.mark(person, [old.pk], "done")
        if kept:
            services.mark(person, [kept.pk], "saved")
