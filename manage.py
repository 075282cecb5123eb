#!/usr/bin/env python3
"""Everything starts here: `python3 manage.py demo` shows the suite, `python3 manage.py test` tests it."""

import os
import sys

import bootstrap


def main() -> None:
    bootstrap.enter(sys.argv[1:])
    if sys.argv[1:2] in (["demo"], ["test"], ["bench"], ["faults"]):
        os.environ.setdefault("DEBUG", "1")  # for a laptop; the settings read it while they load
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.conf import settings
    from django.core.exceptions import ImproperlyConfigured
    from django.core.management import execute_from_command_line

    try:
        _ = settings.DEBUG  # loads them
    except ImproperlyConfigured as refusal:
        sys.exit(str(refusal))
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
