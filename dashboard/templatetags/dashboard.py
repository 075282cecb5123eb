"""Numbers, times and small drawings of the dashboard's pages."""

import json
import time
from datetime import UTC, datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import capfirst
from django.utils.translation import gettext as _

from dashboard import words
from dashboard.queries.numbers import LOSSES
from dashboard.words import pointed

register = template.Library()
register.filter(words.said)

WIDTH, HEIGHT = 100, 24  # of a spark line, in its own units


@register.simple_tag
def glyph(name: str, classes: str = "") -> SafeString:
    """A symbol of our own sprite. Always decoration."""
    return format_html(
        '<svg class="icon glyph {}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        classes,
        static("dashboard/glyphs.svg"),
        name,
    )


@register.filter
def short(number: Any) -> str:
    """1234567 is 1.23M. Small numbers keep what matters of them."""
    if number is None or number == "":
        return "–"
    number = float(number)
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(number) >= size:
            return pointed(f"{number / size:.3g}{letter}" if letter != "k" else f"{number / 1e3:.1f}k")
    if number == int(number):
        return f"{int(number):,}".replace(",", " ")
    return pointed(f"{number:.2f}" if abs(number) < 10 else f"{number:.1f}" if abs(number) < 100 else f"{number:.0f}")


@register.filter
def whole(number: Any) -> str:
    """1234567 is 1 234 567, with narrow spaces."""
    return f"{int(number or 0):,}".replace(",", "\u202f")


@register.filter
def size(number: Any) -> str:
    """Bytes, in words."""
    if number is None:
        return "–"
    number = float(number)
    for letter in ("B", "kB", "MB", "GB"):
        if abs(number) < 1000 or letter == "GB":
            return f"{number:.0f} {letter}" if letter == "B" else pointed(f"{number:.1f} {letter}")
        number /= 1000
    return ""


@register.filter
def duration(seconds: Any) -> str:
    """3725 is 1 h 2 min."""
    if seconds is None or seconds == "":
        return "–"
    seconds = float(seconds)
    if seconds < 10:
        return pointed(f"{seconds:.1f} s")
    seconds = int(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60} s"
    if seconds < 86400:
        return f"{seconds // 3600} h {seconds % 3600 // 60} min"
    return f"{seconds // 86400} d {seconds % 86400 // 3600} h"


@register.filter
def ago(at: Any) -> str:
    """A moment of the past, in seconds since the epoch: 2 min ago."""
    if not at:
        return "–"
    seconds = int(max(0.0, time.time() - float(at)))
    size, name = next(((size, name) for size, name in ((86400, "d"), (3600, "h"), (60, "min")) if seconds >= size), (1, "s"))
    return _("%(time)s ago") % {"time": f"{seconds // size} {name}"}


@register.simple_tag
def spark(values: Any, label: str = "") -> SafeString:
    """A line of some values, drawn as an area; nothing when there are none."""
    values = [float(value or 0) for value in values or []]
    if len(values) < 2 or not any(values):
        return format_html('<svg class="spark" viewBox="0 0 {} {}" aria-hidden="true"></svg>', WIDTH, HEIGHT)
    top = max(values)
    step = WIDTH / (len(values) - 1)
    points = " ".join(f"{index * step:.1f},{HEIGHT - 1 - value / top * (HEIGHT - 3):.1f}" for index, value in enumerate(values))
    return format_html(
        '<svg class="spark" viewBox="0 0 {w} {h}" preserveAspectRatio="none" aria-hidden="true">'
        '<polygon points="0,{h} {points} {w},{h}"></polygon><polyline points="{points}"></polyline></svg>',
        w=WIDTH,
        h=HEIGHT,
        points=points,
    )


@register.simple_tag
def link(query: Any, **changes: Any) -> str:
    """The address of a list like this one, with changes."""
    return query.link(**changes)


@register.simple_tag
def heading(query: Any, column: str) -> dict[str, str]:
    """What the head of a sortable column needs: where it leads, and how it is sorted now."""
    is_current = query.sort == column
    if not is_current:
        return {"href": query.link(sort=column, order="asc" if column == "name" else "desc", page=1), "sorted": "none"}
    turned = "asc" if query.descending and column == "name" else "desc"
    return {"href": query.link(sort=column, order=turned, page=1), "sorted": "descending" if query.descending else "ascending"}


@register.inclusion_tag("dashboard/_live.html", takes_context=True)
def live(context: Any) -> dict[str, Any]:
    """The part of the page that changes, as it is now."""
    return {"html": mark_safe(context["live_html"](context.flatten()))}  # a rendered template


@register.filter
def clock(at: Any) -> str:
    """The time of day of a moment, in the server's zone."""
    return timezone.localtime(datetime.fromtimestamp(float(at), UTC)).strftime("%H:%M:%S") if at else ""


@register.filter
def since(at: Any) -> str:
    return duration(max(0.0, time.time() - float(at))) if at else "–"


@register.filter
def thousandths(seconds: Any) -> float:
    """Milliseconds."""
    return float(seconds or 0) * 1000


@register.filter
def share_of(number: Any, share: float) -> float:
    return float(number) * share


@register.filter
def loss(kind: str) -> str:
    """The kind of a loss in words."""
    return str(capfirst(LOSSES[kind][0])) if kind in LOSSES else kind


@register.filter
def pretty(message: Any) -> str:
    return json.dumps(message, indent=1, ensure_ascii=False, default=str)
