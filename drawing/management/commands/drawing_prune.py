from django.core.management.base import BaseCommand

from drawing.services import prune


class Command(BaseCommand):
    help = "Remove what was deleted or erased more than 30 days ago. Run it once a day."

    def handle(self, **options):
        boards, elements = prune()
        self.stdout.write(f"{boards} boards and {elements} elements removed.")
