from django.core.management.base import BaseCommand, CommandError

from chat.export import FORMATS, export
from chat.models import Room


class Command(BaseCommand):
    help = "Write a room to standard output, as JSON lines or as one HTML page."

    def add_arguments(self, parser):
        parser.add_argument("room", help="its number, or its name if no other room has it")
        parser.add_argument("--format", choices=FORMATS, default="jsonl")

    def handle(self, *, room, format, **options):
        for piece in export(find_room(room), format):
            self.stdout.write(piece, ending="")


def find_room(text: str) -> Room:
    rooms = Room.objects.filter(pk=int(text)) if text.isdecimal() else Room.objects.filter(name=text)
    if len(found := rooms[:2]) != 1:
        raise CommandError(f"There is no room {text}." if not found else f"Several rooms are called {text}: give the number.")
    return found[0]
