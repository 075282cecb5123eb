from django.core.management.base import BaseCommand, CommandError

from chat.models import Room
from chat.verify import troubles_of

PROGRESS = 100  # rooms


class Command(BaseCommand):
    help = "Read every room and say what of it is not whole. Changes nothing; exit status 1 if there is any trouble."

    def add_arguments(self, parser):
        parser.add_argument("--room", type=int, help="only the room with this number")

    def handle(self, *, room, **options):
        rooms = Room.objects.order_by("pk") if room is None else Room.objects.filter(pk=room)
        numbers = list(rooms.values_list("pk", flat=True))
        if room is not None and not numbers:
            raise CommandError(f"There is no room {room}.")
        troubles = 0
        for done, number in enumerate(numbers, 1):
            # Read now and not with the list: it may have been a while.
            for fresh in Room.objects.filter(pk=number):
                for trouble in troubles_of(fresh):
                    troubles += 1
                    self.stdout.write(f"Room {number}: {trouble}.")
            if done % PROGRESS == 0:
                self.stderr.write(f"{done} of {len(numbers)} rooms")
        if troubles:
            raise CommandError(f"Rooms: {len(numbers)}. Troubles: {troubles}.", returncode=1)
        self.stdout.write(f"Rooms: {len(numbers)}. All are whole.")
