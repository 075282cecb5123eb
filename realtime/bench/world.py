"""Fills the new database of a site: tables, people with a session each, rooms. `python -m realtime.bench.world ROOMS PEOPLE`
prints what the client needs to know, as JSON. It runs in the settings of the site it is for."""

import json
import sys
from importlib import import_module

import django


def main(module: str, rooms: int, people: int) -> None:
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("migrate", run_syncdb=True, verbosity=0)  # tables without migrations refer to those that have them
    users = make_people(people)
    world = {"cookies": make_sessions(users), "rooms": import_module(module).make_rooms(users, rooms)}
    json.dump(world, sys.stdout)


def make_people(number: int) -> list:
    from django.contrib.auth.models import User

    return User.objects.bulk_create([User(username=f"person{i}", password="!") for i in range(number)], batch_size=500)


def make_sessions(users: list) -> list[str]:
    """A session that counts as logged in for each of them; the keys, which are the cookies."""
    from datetime import timedelta

    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.models import Session
    from django.utils import timezone

    store = import_module(settings.SESSION_ENGINE).SessionStore()
    expire = timezone.now() + timedelta(days=1)
    sessions = [
        Session(
            session_key=store._get_new_session_key(),
            session_data=store.encode(
                {
                    SESSION_KEY: str(user.pk),
                    BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
                    HASH_SESSION_KEY: user.get_session_auth_hash(),
                }
            ),
            expire_date=expire,
        )
        for user in users
    ]
    Session.objects.bulk_create(sessions, batch_size=500)
    return [session.session_key for session in sessions]


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
