"""Which part of a conversation a page shows."""

from dataclasses import dataclass

from django.http import HttpRequest

from chat.models import Message, Room

PAGE = 50  # messages


@dataclass(frozen=True)
class MessagePage:
    """Some consecutive messages of a room. Places have no gaps, so what lies around them needs no query."""

    messages: list[Message]
    has_before: bool
    has_after: bool

    @property
    def first_seq(self) -> int:
        return self.messages[0].seq if self.messages else 0

    @property
    def last_seq(self) -> int:
        return self.messages[-1].seq if self.messages else 0


def read_page(request: HttpRequest, room: Room, at: int | None = None) -> MessagePage:
    """The messages `?before=`, `?after=` or `?at=` a place; without any of them the last ones."""
    messages = Message.objects.for_display().filter(room=room)
    at = at or place(request, "at")
    if after := place(request, "after"):
        found = messages.page_after(after, PAGE)
    elif at:
        found = messages.page_around(at, PAGE)
    else:
        found = messages.page_before(place(request, "before"), PAGE)
    if not found:
        return MessagePage([], has_before=False, has_after=False)
    return MessagePage(found, has_before=found[0].seq > 1, has_after=found[-1].seq < room.last_seq)


def place(request: HttpRequest, name: str) -> int | None:
    """A place of the query string; nonsense counts as not given."""
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 17 else None
