from django.core.management.base import BaseCommand

from chat.services import prune_attachments


class Command(BaseCommand):
    help = "Remove uploads that were never posted. Run it once a day."

    def handle(self, **options):
        self.stdout.write(f"{prune_attachments()} files removed.")
