"""config/settings.py refuses to be insecure, and says what to set. In processes of their own: settings load once."""

import os
import subprocess
import sys
from unittest import TestCase

import pytest
from django.conf import settings

pytestmark = pytest.mark.once

PRODUCTION = {
    "SECRET_KEY": "a-key-for-this-test-that-is-long-enough-and-has-many-different-letters-0123456789",
    "ALLOWED_HOSTS": "chat.example.org",
}
OURS = {"DEBUG", "SECRET_KEY", "ALLOWED_HOSTS", "DATABASE_URL", "REDIS_URL", "CSRF_TRUSTED_ORIGINS", "TRUST_PROXY"}


def manage(*arguments, **environment):
    inherited = {name: value for name, value in os.environ.items() if name not in OURS}
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=settings.BASE_DIR,
        env={**inherited, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


class SettingsTests(TestCase):
    def test_without_a_secret_key_it_refuses_and_names_the_variable(self):
        for key in ({}, {"SECRET_KEY": ""}):
            done = manage("check", ALLOWED_HOSTS="chat.example.org", **key)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("Set SECRET_KEY", done.stderr)

    def test_without_hosts_it_refuses_and_names_the_variable(self):
        for hosts in ("", " , "):
            done = manage("check", **{**PRODUCTION, "ALLOWED_HOSTS": hosts})
            self.assertNotEqual(done.returncode, 0, f"hosts: {hosts!r}")
            self.assertIn("Set ALLOWED_HOSTS", done.stderr)

    def test_the_refusal_is_a_sentence_and_not_a_traceback(self):
        done = manage("check")
        self.assertNotIn("Traceback", done.stderr)

    def test_a_value_that_cannot_be_is_named_in_a_sentence(self):
        for name, value in {"DATABASE_URL": "nosuch://x", "PROCESSES": "many", "TRUST_PROXY": "nginx"}.items():
            done = manage("check", **PRODUCTION, **{name: value})
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"^Set {name} to [^\n]+\n$")

    def test_what_is_set_to_nothing_is_as_if_it_was_not_set(self):
        done = manage("check", DEBUG="1", DATABASE_URL="", REDIS_URL="", DATABASE_POOL="", TRUST_PROXY="", PROCESSES="")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_platform_that_knows_its_host_need_not_be_told(self):
        hosts = {**PRODUCTION, "ALLOWED_HOSTS": "", "RENDER_EXTERNAL_HOSTNAME": "chat.onrender.com"}
        self.assertIn("ALLOWED_HOSTS = ['chat.onrender.com']", manage("diffsettings", **hosts).stdout)

    def test_the_check_for_deployment_has_no_complaint_in_production(self):
        done = manage("check", "--deploy", "--fail-level", "WARNING", **PRODUCTION)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("no issues (0 silenced)", done.stdout)

    def test_the_demo_refuses_to_make_its_people_in_production(self):
        done = manage("demo", DEBUG="0", **PRODUCTION)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("DEBUG=1", done.stderr)
        self.assertNotIn("Traceback", done.stderr)
