"""Fills a new database for server tests, and prints as JSON what is in it: `python -m tests.world`.

People `ann`, `bob` and `sam` are those of the demo; the others cannot log in with a password, but have a session like all.
"""

import json
import os
import sys
from importlib import import_module

import django

OTHERS = ["cat", "dan", "eve", "fay", "gus", "hal", "ida", "jon"]


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    people = make_people()
    world = {"people": {name: describe(person) for name, person in people.items()}, "rooms": make_rooms(people)}
    json.dump(world, sys.stdout)


def make_people() -> dict:
    from django.contrib.auth.models import User

    from config.demo_people import DEMO_PEOPLE, get_demo_person

    return {name: get_demo_person(name) for name in DEMO_PEOPLE} | {name: User.objects.create_user(name) for name in OTHERS}


def make_rooms(people: dict) -> dict:
    """`lobby` is open and has everybody in it; `studio` is closed and has all but cat."""
    from chat import services

    rooms = {
        "lobby": services.create_room(people["ann"], name="Lobby"),
        "studio": services.create_room(people["ann"], name="Studio", kind="closed"),
    }
    for name, person in people.items():
        if name != "ann":
            services.join_room(person, rooms["lobby"].pk)
        if name not in {"ann", "cat"}:
            services.invite_member(people["ann"], rooms["studio"].pk, person)
    for room in rooms.values():
        room.refresh_from_db()
    return {name: {"id": room.pk, "feed": room.group, "rev": room.rev, "epoch": room.epoch} for name, room in rooms.items()}


def describe(person) -> dict:
    """The person's id, and a session that counts as logged in, however it is asked."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(person.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = person.get_session_auth_hash()
    session.save()
    return {"id": person.pk, "session": session.session_key}


if __name__ == "__main__":
    main()
