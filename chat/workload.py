"""What chat is put through by `manage.py faults`: people post, edit, delete and react in two rooms (docs/faults.md)."""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from django.contrib.auth.models import User

from chat import services
from chat.frames import message_event
from chat.models import Message, Room
from realtime.feeds import split_name
from realtime.limits import unlimited
from realtime.models import Receipt
from realtime.protocol import Command
from realtime.registry import Handler

KINDS = {"post": 6, "edit": 3, "delete": 1, "react": 3}  # how often each, of 13
EMOJI = ["👍", "🎉", "😄"]
REMEMBERED = 30  # messages that one may still edit, delete or react to
ARTICLE = re.compile(r"<article .*?</article>", re.DOTALL)
FACTS = re.compile(r'id="message-(\d+)".*?data-seq="(\d+)" data-rev="(\d+)"')

Row = tuple[int, int, int, str]  # id, seq, rev, html


class ChatWorkload:
    refusals = frozenset({"not_found"})  # somebody may delete a message while another one reacts to it

    def commands(self) -> dict[type[Command], Handler]:
        return {}

    def prepare(self, people: Sequence[str]) -> dict[str, dict[str, Any]]:
        owner, *others = User.objects.filter(username__in=people).order_by("pk")
        with unlimited():
            rooms = [services.create_room(owner, name=f"Faults {number}") for number in (1, 2)]
            for room in rooms:
                for person in others:
                    services.join_room(person, room.pk)
                room.refresh_from_db()
        return {room.name: _facts(room) for room in rooms}

    def stored(self, feed: str) -> dict[str, Any]:
        room = Room.objects.get(pk=split_name(feed)[1])
        messages = Message.objects.for_display().filter(room=room).order_by("seq")
        posts = messages.values_list("posted_rev", "pk", "client_id")
        others = Receipt.objects.filter(feed=feed).values_list("rev", "row_id", "client_id")
        return {
            "rev": room.rev,
            "changes": [[rev, pk, str(client_id)] for rev, pk, client_id in [*posts, *others]],
            "rows": [_row(event.id, event.seq, event.rev, event.html) for event in map(message_event, messages)],
        }

    def step(self, tab: Any, name: str, chance: random.Random) -> None:
        kind = chance.choices([*KINDS], [*KINDS.values()])[0]
        which, emoji, number = chance.random(), chance.choice(EMOJI), chance.randrange(10**6)
        own = [pk for pk in tab.made("chat.message.post", name)[-REMEMBERED:] if pk not in tab.memory]
        shown = sorted(tab.rows(name))[-REMEMBERED:]
        if kind == "react" and shown:
            # The client has one command on its way at a time, so it knows what its last one about this message was.
            pk = shown[int(which * len(shown))]
            on = tab.memory[pk, emoji] = not tab.memory.get((pk, emoji), False)
            tab.post("chat.reaction.set", name, id=pk, emoji=emoji, on=on)
        elif kind == "edit" and own:
            tab.post("chat.message.edit", name, id=own[int(which * len(own))], body=f"{tab.name} thinks again: {number}")
        elif kind == "delete" and own:
            pk = own[int(which * len(own))]
            tab.memory[pk] = "deleted"
            tab.post("chat.message.delete", name, id=pk)
        else:
            tab.post("chat.message.post", name, body=f"{tab.name} says *{number}*")

    def rows(self, frame: dict[str, Any], shown: Mapping[int, Row]) -> list[Row]:
        if not frame["type"].startswith("chat.message."):
            return []
        return [_row(frame["id"], frame["seq"], frame["rev"], frame["html"])]

    def page(self, feed: dict[str, Any], get: Callable[[str], str]) -> list[Row]:
        """All pages, from the last to the first, as somebody who scrolls up gets them."""
        rows: list[Row] = []
        before = ""
        while True:
            text = get(f"{feed['url']}messages/{before}")
            page = [_row_of_article(article) for article in ARTICLE.findall(text)]
            rows = page + rows
            if "data-has-before" not in text:
                return rows
            before = f"?before={page[0][1]}"


def _facts(room: Room) -> dict[str, Any]:
    return {"feed": room.group, "rev": room.rev, "epoch": room.epoch, "url": room.get_absolute_url()}


def _row_of_article(article: str) -> Row:
    found = FACTS.search(article)
    assert found, article
    pk, seq, rev = map(int, found.groups())
    return _row(pk, seq, rev, article)


def _row(pk: int, seq: int, rev: int, html: str) -> Row:
    return pk, seq, rev, html.strip()
