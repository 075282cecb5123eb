"""What inboxes are put through by `manage.py faults` (docs/faults.md): people send each other notes and take some of them back,
and do with what comes what can be done with it."""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import unescape
from typing import Any

from django.contrib.auth.models import User

from notifications.frames import render
from notifications.kinds import kinds
from notifications.models import Channel, Inbox, Notification
from notifications.services import inbox_of, set_preference
from realtime.feeds import split_name
from realtime.models import Receipt
from realtime.protocol import Command
from realtime.receipts import WHOLE
from realtime.registry import Handler
from tests.faults.workload import Row

KINDS = {"send": 5, "take back": 1, "mark": 5, "read all": 1, "clear all": 1}  # how often each, of 13
SEND, TAKE_BACK = "notifications.neighbour.send", "notifications.neighbour.takeback"
FLEETING = "Fleeting"  # how notes begin that may be taken back. Nobody marks these: it might be a moment too late
GROUPS = ["", "work", "play"]
LINE = re.compile(r'<li class="notification".*?</li>', re.DOTALL)
FACTS = re.compile(r'data-id="(\d+)" data-rev="(\d+)" data-raised="(\d+)".*?aria-label="Choose: (.*?)"', re.DOTALL)
FLAGS = {"unread": "data-unread>|data-unread ", "done": "data-done>|data-done ", "saved": "data-saved>|data-saved "}
NEXT = re.compile(r'href="\?([^"]*before=\d+)"')


class NotificationsWorkload:
    refusals: frozenset[str] = frozenset()

    def commands(self) -> dict[type[Command], Handler]:
        from notifications.tests import neighbour  # once it is imported it is in everybody's vocabulary

        return {neighbour.SendNote: neighbour.send_note, neighbour.TakeBackNote: neighbour.take_back_note}

    def prepare(self, people: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Nobody wants to hear of anything but notes: what other apps have to say would be changes that no command here made."""
        users = User.objects.filter(username__in=people)
        for user in users:
            for kind in kinds().keys() - {"notifications.note"}:
                set_preference(user, kind, Channel.IN_APP, False)
        return {_name(user.username): _facts(user, inbox_of(user)) for user in users}

    def stored(self, feed: str) -> dict[str, Any]:
        inbox = Inbox.objects.get(pk=split_name(feed)[1])
        receipts = Receipt.objects.filter(feed=feed).values_list("rev", "row_id", "client_id")
        lines = Notification.objects.filter(inbox=inbox).select_related("actor")
        return {
            "rev": inbox.rev,
            "changes": [[rev, pk, str(client_id)] for rev, pk, client_id in receipts],
            "rows": [_gone(line.pk, line.rev) if line.withdrawn_at else _row(render(inbox, line)) for line in lines]
            + [_badge(inbox.rev, inbox.unread_count)],
        }

    def step(self, tab: Any, name: str, chance: random.Random) -> None:
        kind = chance.choices([*KINDS], [*KINDS.values()])[0]
        which, group, number, is_fleeting = chance.random(), chance.choice(GROUPS), chance.randrange(10**6), chance.random() < 0.4
        others = sorted(_name(other) for other in tab.server.people if other != tab.name and _name(other) in tab.server.rooms)
        if kind == "take back" and (notes := [note for note in tab.memory.get(SEND, {}) if note in tab.acks]):
            note = notes[int(which * len(notes))]
            tab.post(TAKE_BACK, tab.memory[SEND].pop(note), note=note)
        elif kind in {"send", "take back"} and others:
            to = others[int(which * len(others))]
            if is_fleeting:
                note = tab.post(SEND, to, text=f"{FLEETING}: {number}", group=group and f"{group} fleeting")
                tab.memory.setdefault(SEND, {})[note] = to
            else:
                tab.post(SEND, to, text=f"{tab.name} says {number}", group=group)
        elif tab.sees_own(name):
            self._look_after(tab, name, kind, which)

    def _look_after(self, tab: Any, name: str, kind: str, which: float) -> None:
        """Do something to the inbox that is not already so: a command that changes nothing has no revision of its own."""
        lines = [row for pk, row in sorted(tab.rows(name).items()) if pk != WHOLE and row.content and not _is_fleeting(row)]
        if kind == "mark" and (choices := [(row.id, mark) for row in lines for mark in _marks(row)]):
            pk, mark = choices[int(which * len(choices))]
            tab.post("notifications.item.mark", name, ids=[pk], mark=mark)
        elif kind == "read all" and any(_has(row, "unread") for row in lines):
            tab.post("notifications.inbox.mark", name, mark="read")
        elif kind == "clear all" and any(not _has(row, "done") and not _has(row, "saved") for row in lines):
            tab.post("notifications.inbox.mark", name, mark="done")

    def rows(self, frame: dict[str, Any], shown: Mapping[int, Row]) -> list[Row]:
        if not frame["type"].startswith("notifications."):
            return []
        changed = [_badge(frame["rev"], frame["unread"])]
        match frame["type"]:
            case "notifications.item.raised" | "notifications.item.changed":
                changed.append(_row(frame["html"]))
            case "notifications.item.withdrawn":
                changed.append(_gone(frame["id"], frame["rev"]))
            case "notifications.inbox.read":
                changed += [_with(row, unread=False) for row in _before(frame, shown)]
            case "notifications.inbox.cleared":
                changed += [_with(row, unread=False, done=True) for row in _before(frame, shown) if not _has(row, "saved")]
        return changed

    def page(self, feed: dict[str, Any], get: Callable[[str], str]) -> list[Row]:
        """What is not done, what is, and the number at the bell."""
        pages = [*_pages(get, "folder=all"), *_pages(get, "folder=done")]
        rev, unread = (int(re.search(rf'data-{name}="(\d+)"', pages[0])[1]) for name in ("rev", "unread"))  # type: ignore[index]
        return [_row(line) for page in pages for line in LINE.findall(page)] + [_badge(rev, unread)]


def _name(person: str) -> str:
    return f"inbox of {person}"


def _facts(user: User, inbox: Inbox) -> dict[str, Any]:
    return {"feed": inbox.group, "rev": inbox.rev, "epoch": inbox.epoch, "of": user.username, "has_presence": False}


def _pages(get: Callable[[str], str], query: str | None) -> Iterator[str]:
    while query is not None:
        page = get(f"/notifications/?{query}")
        yield page
        found = NEXT.search(page)
        query = unescape(found[1]) if found else None


def _before(frame: dict[str, Any], shown: Mapping[int, Row]) -> list[Row]:
    return [row for pk, row in shown.items() if pk != WHOLE and row.content and row.rev < frame["rev"]]


# A row's content: its flags, each followed by a space, a bar, its text


def _row(html: str) -> Row:
    found = FACTS.search(html)
    assert found, html
    pk, rev, raised = map(int, found.groups()[:3])
    opening = html[: html.index(">") + 1]
    flags = "".join(f"{flag} " for flag, pattern in FLAGS.items() if re.search(pattern, opening))
    return Row(pk, -raised, rev, f"{flags}|{unescape(found[4])}")


def _gone(pk: int, rev: int) -> Row:
    return Row(pk, 0, rev, "")


def _badge(rev: int, unread: int) -> Row:
    return Row(WHOLE, -(10**9), rev, f"|{unread} unread")


def _has(row: Row, flag: str) -> bool:
    return flag in row.content.partition("|")[0].split()


def _with(row: Row, **flags: bool) -> Row:
    wanted = {flag: flags.get(flag, _has(row, flag)) for flag in FLAGS}
    text = row.content.partition("|")[2]
    return row._replace(content="".join(f"{flag} " for flag, is_on in wanted.items() if is_on) + f"|{text}")


def _is_fleeting(row: Row) -> bool:
    return FLEETING in row.content


def _marks(row: Row) -> list[str]:
    """What changes something."""
    read = ["read", "done"] if _has(row, "unread") else ["unread"] + (["undone"] if _has(row, "done") else ["done"])
    return [*read, "unsaved" if _has(row, "saved") else "saved"]
