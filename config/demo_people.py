"""The people of the demo. Their passwords are public, so they exist only where DEBUG is on or DEMO says so."""

from django.conf import settings
from django.contrib.auth.models import User
from django.utils.translation import gettext_lazy as _

DEMO_PEOPLE = {
    "ann": _("A member"),
    "bob": _("A member, for the other window"),
    "sam": _("Staff, sees the dashboard and the admin too"),
}
STAFF = {"sam"}


def is_demo() -> bool:
    """A laptop, or a place whose deployer wants the demo there."""
    return settings.DEBUG or settings.DEMO


def get_demo_person(username: str) -> User:
    """The demo person of this name, made when missing: staff may do everything."""
    if username not in DEMO_PEOPLE:
        raise ValueError(f"{username!r} is not one of {', '.join(DEMO_PEOPLE)}")
    return make_person(username, is_staff=username in STAFF)


def make_person(username: str, *, is_staff: bool = False) -> User:
    """A person whose password is their name, or DEMO_PASSWORD. Also for one that a seed made, who could not log in so far."""
    person, is_new = User.objects.get_or_create(username=username)
    if is_new or not person.has_usable_password():
        person.is_staff = person.is_superuser = is_staff
        person.set_password(settings.DEMO_PASSWORD or username)
        person.save(update_fields=["is_staff", "is_superuser", "password"])
    return person


def welcome(url: str) -> str:
    """Where the site is and, if it is a demo, who can log in."""
    lines = ["", f"  {settings.SITE_NAME} is at {url}", ""]
    if is_demo():
        lines += ["  Log in as   password   who"]
        lines += [f"  {name:<11} {_shown_password(name):<10} {what}" for name, what in DEMO_PEOPLE.items()]
        lines += ["", "  Open a second, private window to be two people.", ""]
    return "\n".join(lines)


def _shown_password(name: str) -> str:
    return "(DEMO_PASSWORD)" if settings.DEMO_PASSWORD else name
