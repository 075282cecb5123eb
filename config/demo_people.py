"""The people of the demo. Their passwords are public, so they exist only where DEBUG is on."""

from django.contrib.auth.models import User

DEMO_PEOPLE = {
    "ann": "A member",
    "bob": "A member, for the other window",
    "sam": "Staff, sees the admin too",
}
STAFF = {"sam"}


def get_demo_person(username: str) -> User:
    """The demo person of this name, made when missing: the password is the name, and staff may do everything."""
    if username not in DEMO_PEOPLE:
        raise ValueError(f"{username!r} is not one of {', '.join(DEMO_PEOPLE)}")
    return make_person(username, is_staff=username in STAFF)


def make_person(username: str, *, is_staff: bool = False) -> User:
    """A person whose password is their name. Also for one that a seed made, who could not log in so far."""
    person, is_new = User.objects.get_or_create(username=username)
    if is_new or not person.has_usable_password():
        person.is_staff = person.is_superuser = is_staff
        person.set_password(username)
        person.save(update_fields=["is_staff", "is_superuser", "password"])
    return person
