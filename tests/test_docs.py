"""Documents that are written from the code are current."""

import os
import re
import shlex
import subprocess
import sys
from io import StringIO

import pytest
from django.conf import settings
from django.core.management import call_command

pytestmark = pytest.mark.once


def test_the_reference_of_the_wire_is_current():
    """In a process of its own: other tests have made events that nobody sends."""
    command = [sys.executable, "manage.py", "protocol", "--check"]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env={**os.environ, "DEBUG": "1"}, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_page_on_scaling_shows_what_the_command_says():
    text = (settings.BASE_DIR / "docs/scaling.md").read_text()
    shown = re.findall(r"```console\n\$ python3 manage\.py ([^\n]*)\n(.*?)```", text, re.DOTALL)
    assert len(shown) == 3
    for command, output in shown:
        said = StringIO()
        call_command(*shlex.split(command), stdout=said)
        assert output == said.getvalue(), f"manage.py {command} now says:\n{said.getvalue()}"
