"""Template tags of the shell: `{% icon "bell" %}`, `{% avatar user %}`, `{% demo_people as people %}`."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from django import template
from django.conf import settings
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

from config.demo_people import DEMO_PEOPLE, is_demo

register = template.Library()

HUES = 12  # as many as components.css has; avatar.js counts the same


@register.simple_tag
@lru_cache(maxsize=1000)  # the same few stand in each line of each list
def icon(name: str, classes: str = "") -> SafeString:
    """A symbol of static/icons.svg. Always decoration: the words stand beside it or in aria-label."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true"><use href="{}#{}"></use></svg>',
        f" {classes}" if classes else "",
        static("icons.svg"),
        name,
    )


@register.simple_tag
def avatar(person: Any, size: str = "") -> SafeString:
    """Initials of a person on a colour that follows from the id. `size` is "", "small" or "large"."""
    return format_html(
        '<span class="avatar{}" data-hue="{}" aria-hidden="true">{}</span>',
        f" avatar--{size}" if size else "",
        (person.pk or 0) % HUES,
        initials(person.get_username()),
    )


def initials(name: str) -> str:
    words = [word for word in re.split(r"[\s._-]+", name) if word]
    return "".join(word[0] for word in words[:2]) or "?"


@register.simple_tag
def demo_people() -> Mapping[str, Any]:
    """Who can be logged in with one click: nobody outside a demo, nor in one whose passwords are secret."""
    return DEMO_PEOPLE if is_demo() and not settings.DEMO_PASSWORD else {}
