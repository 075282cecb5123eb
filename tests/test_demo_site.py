"""A demo outside a laptop: `seed`, `welcome`, `serve`, `load`, and passwords that strangers do not know."""

import os
import subprocess
import sys
import tempfile
from io import StringIO
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import SimpleTestCase, TestCase, override_settings

from config.load import Result
from realtime.backing.process import free_port
from tests.procfile import status
from tests.server import ROOT, running_server
from tests.test_procfile import wait_until

DEMO = override_settings(DEMO=True)


def told(*arguments, **options):
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


class SeedTests(TestCase):
    def test_outside_a_demo_nothing_is_seeded(self):
        with self.assertRaisesMessage(CommandError, "DEMO=1"):
            told("seed")
        self.assertFalse(User.objects.exists())

    @DEMO
    def test_every_app_is_filled_and_a_second_time_changes_nothing(self):
        first = told("seed")
        for app in settings.SUITE_APPS:
            if (ROOT / app / f"management/commands/seed_{app}.py").exists():
                self.assertIn(f"(seed_{app})", first)
        people = User.objects.count()
        told("seed")
        self.assertEqual(User.objects.count(), people)
        self.assertTrue(User.objects.get(username="ann").check_password("ann"))

    @DEMO
    @override_settings(DEMO_PASSWORD="known to few")
    def test_a_password_of_their_own_lets_nobody_in_by_name_or_by_a_click(self):
        told("seed")
        for name in ("ann", "sam"):
            self.assertFalse(self.client.login(username=name, password=name))
            self.assertEqual(self.client.post(f"/accounts/demo/{name}/").status_code, 404)
        self.assertNotContains(self.client.get("/"), "/accounts/demo/")
        self.assertTrue(self.client.login(username="ann", password="known to few"))
        self.assertNotIn("known to few", told("welcome"))


class WelcomeTests(SimpleTestCase):
    @DEMO
    @override_settings(SITE_URL="https://chat.example.org")
    def test_it_says_where_to_go_and_who_can_log_in(self):
        self.assertIn("is at https://chat.example.org", told("welcome"))
        self.assertRegex(told("welcome"), r"(?m)^  ann +ann ")

    def test_a_real_site_has_nobody_to_name(self):
        self.assertNotIn("password", told("welcome"))


class ReleaseTests(TestCase):
    def test_static_files_of_earlier_versions_stay_where_the_proxy_finds_them(self):
        with tempfile.TemporaryDirectory() as name:
            source, target = Path(name, "static"), Path(name, "proxy")
            for directory, file in ((source, "page.new.css"), (target, "page.old.css")):
                directory.mkdir()
                (directory / file).touch()
            with mock.patch.dict(os.environ, {"STATIC_FOR_PROXY": str(target)}), override_settings(STATIC_ROOT=source):
                told("release")
            self.assertEqual({path.name for path in target.iterdir()}, {"page.new.css", "page.old.css"})


class ServeTests(SimpleTestCase):
    def serve(self, **environment):
        state = self.enterContext(tempfile.TemporaryDirectory())
        ours = {"STATE_DIR": state, "DATABASE_URL": "", "REDIS_URL": "", "PORT": str(free_port())}
        return {**os.environ, **ours, **environment}, [sys.executable, "manage.py", "serve"]

    def test_it_takes_the_port_from_the_environment(self):
        environment, command = self.serve(DEBUG="1", ALLOWED_HOSTS="")
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE) as server:
            try:
                wait_until(lambda: status(f"http://127.0.0.1:{environment['PORT']}/healthz") == 200, "it serves")
                # No table is there yet: it lives, and must not be given visitors.
                self.assertEqual(status(f"http://127.0.0.1:{environment['PORT']}/readyz"), 503)
            finally:
                server.terminate()
        self.assertEqual(server.returncode, 0)

    def test_an_error_of_the_checks_keeps_it_from_starting(self):
        environment, command = self.serve(DEBUG="1", ALLOWED_HOSTS="chat.example.org")
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1)
        self.assertIn("config.E001", done.stderr)

    @pytest.mark.only_on("postgresql")
    def test_a_database_that_is_away_does_not(self):
        environment, command = self.serve(DEBUG="1", ALLOWED_HOSTS="", DATABASE_URL="postgres://nobody@127.0.0.1:1/none")
        with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as server:
            try:
                wait_until(lambda: status(f"http://127.0.0.1:{environment['PORT']}/healthz") == 200, "it serves all the same")
                self.assertEqual(status(f"http://127.0.0.1:{environment['PORT']}/readyz"), 503)
            finally:
                server.terminate()
            self.assertIn("its checks are left out", server.stderr.read())


class LoadTests(SimpleTestCase):
    def test_it_is_whole_only_when_everything_arrived_and_nobody_was_cut_off(self):
        whole = {"sockets": 2, "posted": 3, "accepted": 3, "wanted": 6, "delivered": 6}
        self.assertTrue(Result(**whole).is_whole)
        for name, number in {"accepted": 2, "delivered": 5, "closed": 1}.items():
            self.assertFalse(Result(**{**whole, name: number}).is_whole, name)

    def test_it_refuses_a_real_site_and_what_is_out_of_bounds(self):
        with self.assertRaisesMessage(CommandError, "DEMO=1"):
            told("load")
        with DEMO:
            for given in ({"sockets": 0}, {"seconds": 1e9}, {"rate": 200, "sockets": 10}):
                with self.assertRaises(CommandError):
                    told("load", **given)


@pytest.mark.services
class LoadedSiteTests(SimpleTestCase):
    def test_people_of_its_own_write_to_each_other_and_are_gone_afterwards(self):
        with running_server() as server:
            command = [sys.executable, "manage.py", "load", "--url", server.url, "--sockets", "20", "--rooms", "4"]
            options = ["--rate", "10", "--seconds", "2"]
            done = subprocess.run(
                [*command, *options], cwd=ROOT, env=server.environment, capture_output=True, text=True, timeout=60
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            posted = int(done.stdout.split()[1])
            self.assertGreaterEqual(posted, 19)
            self.assertIn(f"{posted * 5} of {posted * 5}", done.stdout)
            self.assertEqual(server.rows("SELECT 1 FROM auth_user WHERE username LIKE 'load-%'"), [])
