"""For after a restore: what browsers know from after the backup did not happen."""

from typing import Any

from django.apps import apps
from django.core.management import BaseCommand

from realtime.feeds import Feed, new_epoch


class Command(BaseCommand):
    help = (
        "Run it once after a backup was restored, before the servers start. Browsers that have seen more than the backup holds "
        "would otherwise miss what is written in place of it; they start from a fresh page instead."
    )

    def handle(self, **_: Any) -> None:
        told = 0
        for model in apps.get_models():
            if issubclass(model, Feed):
                told += model._default_manager.update(epoch=new_epoch())
        self.stdout.write(f"{told} feeds begin a new epoch.")
