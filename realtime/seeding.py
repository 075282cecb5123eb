"""What the commands share that fill the apps for the demo."""

from django.contrib.auth.models import User


def get_person(name: str) -> User:
    """People who are not there yet cannot log in: who runs a demo gives them passwords."""
    person, is_new = User.objects.get_or_create(username=name)
    if is_new:
        person.set_unusable_password()
        person.save(update_fields=["password"])
    return person
