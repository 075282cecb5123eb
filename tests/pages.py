"""What the tests of the shell read pages with."""

from html.parser import HTMLParser

from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

VISITOR_PAGES = ["/", "/accounts/login/", "/accounts/sign-up/", "/no-such-page/"]
MEMBER_PAGES = ["/", "/accounts/password_change/", "/accounts/password_change/done/", "/no-such-page/"]
STAFF_PAGES = ["/admin/", "/admin/auth/user/", "/admin/auth/user/add/"]


def make_person(name: str = "nina", **fields) -> User:
    return User.objects.create_user(name, password="a long enough one", **fields)


def every_page():
    """(what, response) for each page of the shell, and the first page of each app, as a visitor, a member and staff."""
    apps = [f"{reverse('home')}{label}/" for label in settings.SUITE_APPS]
    for who, client, paths in [
        ("visitor", Client(), [*VISITOR_PAGES, *apps]),
        ("member", logged_in(make_person("mia")), [*MEMBER_PAGES, *apps]),
        ("staff", logged_in(make_person("sid", is_staff=True, is_superuser=True)), STAFF_PAGES),
    ]:
        for path in paths:
            yield f"{path} as {who}", client.get(path, follow=True)
    yield "a refused form", Client(enforce_csrf_checks=True).post("/accounts/login/")


def logged_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


class Page(HTMLParser):
    """A page as a list of (tag, attributes), the text of its title, and what the policy would refuse in it."""

    def __init__(self, html: str):
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def inline(self) -> list[str]:
        return [trouble for tag, attributes in self.tags for trouble in inline_in(tag, attributes)]


def inline_in(tag: str, attributes: dict[str, str | None]):
    if tag == "style" or (tag == "script" and "src" not in attributes):
        yield f"<{tag}>"
    for name, value in attributes.items():
        value = (value or "").strip().lower()
        if name == "style" or name.startswith(("on", "hx-on")) or value.startswith(("js:", "javascript:")):
            yield f'<{tag} {name}="{value}">'
        if name.startswith("hx-trigger") and "[" in value:
            yield f'<{tag} {name}="{value}">: a filter needs eval'
