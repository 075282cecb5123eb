"""Rooms with a past, for the demo. Everything is said through the services; only the clock is turned back afterwards."""

import io
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils import timezone
from PIL import Image, ImageDraw

from chat import services
from chat.demo import PEOPLE, ROOMS, DemoRoom, Line
from chat.models import Membership, Message, MessageEdit, Room
from realtime.limits import unlimited
from realtime.people import get_person

NAMESPACE = UUID("0b6c1a2e-6f0d-4b7c-9a55-2f1f6f5d7c11")  # makes the same client ids each time, so nothing is said twice


class Command(BaseCommand):
    help = "Fill chat with rooms and conversations to look at. Run it as often as you like."

    def handle(self, **options):
        now = timezone.now()
        people = {name: get_person(name) for name in PEOPLE}
        with unlimited(), transaction.atomic():
            rooms = {plan: get_room(plan, people) for plan in ROOMS}
            fill({plan: room for plan, room in rooms.items() if room.last_seq == 0}, people, now)
        self.stdout.write(f"{len(rooms)} rooms, {Message.objects.filter(room__in=rooms.values()).count()} messages.")


def get_room(plan: DemoRoom, people: dict[str, User]) -> Room:
    owner, *others = (people[name] for name in plan.members)
    if plan.kind == Room.Kind.DIRECT:
        return services.open_direct_room(owner, others[0])
    if room := Room.objects.filter(name=plan.name, created_by=owner).first():
        return room
    room = services.create_room(owner, name=plan.name, kind=plan.kind, topic=plan.topic)
    for person in others:
        services.invite_member(owner, room.pk, person)
    return room


def fill(rooms: dict[DemoRoom, Room], people: dict[str, User], now: datetime) -> None:
    """Let everything happen in new rooms, in the order of time. Whoever changed something in an old one keeps it."""
    lines = [(plan, number, line) for plan in rooms for number, line in enumerate(plan.lines)]
    messages: dict[str, Message] = {}
    for plan, number, line in sorted(lines, key=lambda it: -it[2].minutes_ago):
        message = say(line, rooms[plan], client_id(plan, number), people[line.author], messages)
        decorate(line, message, client_id(plan, number), people)
        turn_back(message, now - timedelta(minutes=line.minutes_ago))
        messages[line.key] = message
    for plan, room in rooms.items():
        started = now - timedelta(minutes=plan.lines[0].minutes_ago + 5)
        last = now - timedelta(minutes=plan.lines[-1].minutes_ago)
        Room.objects.filter(pk=room.pk).update(created_at=started, last_message_at=last)
        Membership.objects.filter(room=room).update(joined_at=started)
        for name in plan.members:
            services.mark_read(people[name], room.pk, len(plan.lines) - plan.unread.get(name, 0))


def client_id(plan: DemoRoom, number: int) -> UUID:
    return uuid5(NAMESPACE, f"{plan.kind} {plan.name} {number}")


def say(line: Line, room: Room, key: UUID, author: User, messages: dict[str, Message]) -> Message:
    attachments: tuple[UUID, ...] = ()
    if line.picture:
        file = SimpleUploadedFile(line.picture, draw_picture())
        attachments = (services.upload_attachment(author, room.pk, file).pk,)
    draft = services.Draft(
        room_id=room.pk,
        author=author,
        body=line.edited_from or line.body,
        client_id=key,
        reply_to=messages[line.reply_to].pk if line.reply_to else None,
        attachments=attachments,
    )
    return Message.objects.get(pk=services.post_message(draft).id)


def decorate(line: Line, message: Message, key: UUID, people: dict[str, User]) -> None:
    """What happened to a message after it was posted."""
    if line.edited_from:
        services.edit_message(people[line.author], message.room_id, message.pk, line.body, uuid5(key, "edit"))
    for emoji, names in line.reactions.items():
        for name in names.split():
            services.set_reaction(people[name], message.room_id, message.pk, emoji, True, uuid5(key, f"{emoji} {name}"))
    if line.deleted:
        services.delete_message(people[line.author], message.room_id, message.pk, uuid5(key, "delete"))


def turn_back(message: Message, at: datetime) -> None:
    """The services know only the present. Nobody has seen these rows yet, so their times may still be set."""
    message.refresh_from_db()
    message.created_at = at
    message.edited_at = message.edited_at and at + timedelta(minutes=2)
    message.deleted_at = message.deleted_at and at + timedelta(minutes=1)
    message.save(update_fields=["created_at", "edited_at", "deleted_at"])
    MessageEdit.objects.filter(message=message).update(created_at=at + timedelta(minutes=2))


def draw_picture(width: int = 960, height: int = 540) -> bytes:
    """A rocket at sunrise."""
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for row in range(height):
        share = row / height
        draw.line([(0, row), (width, row)], fill=(int(28 + 215 * share), int(38 + 122 * share), int(92 + 28 * share)))
    draw.ellipse([(width * 0.62, height * 0.5), (width * 0.82, height * 0.86)], fill=(255, 214, 140))
    for hill, colour in enumerate([(96, 72, 104), (66, 52, 84), (38, 32, 58)]):
        top = height * (0.72 + hill * 0.09)
        draw.ellipse([(width * (0.35 * hill - 0.5), top), (width * (0.35 * hill + 0.65), top + height)], fill=colour)
    x, y = width * 0.3, height * 0.22
    draw.polygon([(x - 34, y + 150), (x - 78, y + 214), (x - 34, y + 196)], fill=(196, 62, 58))
    draw.polygon([(x + 34, y + 150), (x + 78, y + 214), (x + 34, y + 196)], fill=(196, 62, 58))
    draw.polygon([(x - 22, y + 200), (x + 22, y + 200), (x, y + 300)], fill=(255, 196, 84))
    draw.ellipse([(x - 44, y), (x + 44, y + 210)], fill=(240, 238, 232))
    draw.ellipse([(x - 18, y + 62), (x + 18, y + 98)], fill=(64, 116, 160), outline=(38, 32, 58), width=5)
    output = io.BytesIO()
    picture.save(output, format="PNG")
    return output.getvalue()
