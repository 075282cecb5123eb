"""Boards with something on them, for the demo. Everything is drawn through the services."""

import random

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand
from django.db import transaction

from drawing import services
from drawing.demo import BOARDS, PEOPLE, DemoBoard
from drawing.elements import encode
from drawing.models import Board, Element
from realtime.limits import unlimited
from realtime.people import get_person


class Command(BaseCommand):
    help = "Fill drawing with boards to look at. Run it as often as you like."

    def handle(self, **options):
        people = {name: get_person(name) for name in PEOPLE}
        with unlimited(), transaction.atomic():
            boards = [get_board(plan, people) for plan in BOARDS]
        for board in boards:
            if not board.thumbnail_rev:
                services.draw_thumbnail(board.pk)
        self.stdout.write(f"{len(boards)} boards, {Element.objects.filter(board__in=boards).count()} elements.")


def get_board(plan: DemoBoard, people: dict[str, User]) -> Board:
    """The board, drawn when it is made. Whoever changed something on it keeps that."""
    owner, *others = (people[name] for name in plan.members)
    if board := Board.objects.filter(title=plan.title, owner=owner).first():
        return board
    board = services.create_board(owner, plan.title, plan.access, plan.background)
    places = {owner.username: board.participants.get(user=owner)}
    for person in others:
        places[person.username] = services.share_board(owner, board.pk, person, "editor")
    drawn = plan.draw(random.Random(plan.title))
    puts = [services.Put(board.pk, places[who].pk, key, encode(shape)) for key, (who, shape) in enumerate(drawn, start=1)]
    for answer in services.draw_all(puts):
        if not isinstance(answer, services.Drawn):
            raise answer
    board.refresh_from_db()
    return board
