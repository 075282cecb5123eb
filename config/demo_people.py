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
    is_staff = username in STAFF
    person, is_new = User.objects.get_or_create(
        username=username, defaults={"is_staff": is_staff, "is_superuser": is_staff}
    )
    if is_new:
        person.set_password(username)
        person.save(update_fields=["password"])
    return person
