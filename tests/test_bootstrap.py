"""bootstrap.py: what it does on machines that have or lack pip, ensurepip and uv."""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from unittest import TestCase, mock

import pytest

import bootstrap
from realtime.backing.process import free_port

pytestmark = pytest.mark.once

ROOT = Path(bootstrap.__file__).parent


class WhenToActTests(TestCase):
    def setUp(self):
        self.make_venv = self.enterContext(mock.patch("bootstrap.make_venv"))
        self.execv = self.enterContext(mock.patch("os.execv"))
        self.enterContext(mock.patch("bootstrap.has_packages", return_value=False))
        self.enterContext(mock.patch.dict(os.environ, {"SUITE_NO_BOOTSTRAP": ""}))
        self.directory = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(mock.patch("bootstrap.PYTHON", self.directory / "python"))

    def test_demo_and_test_go_on_in_the_environment_with_their_arguments(self):
        for word in ("demo", "test"):
            self.execv.reset_mock(side_effect=True)
            self.execv.side_effect = SystemExit  # exec does not return
            with self.assertRaises(SystemExit):
                bootstrap.enter([word, "--port", "8000"])
            python = self.directory / "python"
            self.execv.assert_called_once_with(python, [str(python), str(ROOT / "manage.py"), word, "--port", "8000"])

    def test_with_the_packages_at_hand_nothing_happens(self):
        with mock.patch("bootstrap.has_packages", return_value=True):
            bootstrap.enter(["demo"])
        self.make_venv.assert_not_called()

    def test_it_can_be_turned_off(self):
        with mock.patch.dict(os.environ, {"SUITE_NO_BOOTSTRAP": "1"}):
            bootstrap.enter(["demo"])
        self.make_venv.assert_not_called()

    def test_other_words_only_say_which_python_to_use(self):
        (self.directory / "python").touch()
        with self.assertRaisesRegex(SystemExit, r"use \.venv/bin/python manage\.py migrate --plan"):
            bootstrap.enter(["migrate", "--plan"])
        self.make_venv.assert_not_called()

    def test_other_words_without_an_environment_say_how_to_make_one(self):
        with self.assertRaisesRegex(SystemExit, r"python3 bootstrap\.py"):
            bootstrap.enter(["migrate"])


class InstallerTests(TestCase):
    def find_installer(self, *modules, uv=None):
        with (
            mock.patch("bootstrap.find_spec", side_effect=lambda name: name if name in modules else None),
            mock.patch("shutil.which", return_value=uv),
        ):
            return bootstrap.find_installer()

    def test_pip_of_the_system_installs_into_the_environment(self):
        python = str(bootstrap.PYTHON)
        self.assertEqual(self.find_installer("pip", "ensurepip"), [sys.executable, "-m", "pip", "--python", python, "install"])

    def test_ensurepip_gives_the_environment_a_pip_of_its_own(self):
        self.assertEqual(self.find_installer("ensurepip", uv="/bin/uv")[:2], [str(bootstrap.PYTHON), "-m"])

    def test_uv_will_do(self):
        self.assertEqual(self.find_installer(uv="/bin/uv")[:3], ["/bin/uv", "pip", "install"])

    def test_with_none_of_them_one_sentence_says_what_to_install(self):
        with self.assertRaises(SystemExit) as refusal:
            self.find_installer()
        self.assertRegex(str(refusal.exception), "^[^.]+ install python3-venv [^.]+`\\.$")


class MakeVenvTests(TestCase):
    """With real interpreters, and requirements that ask for nothing, so that no network is needed."""

    def setUp(self):
        self.root = Path(self.enterContext(tempfile.TemporaryDirectory()))
        for name in ("bootstrap.py", "manage.py"):
            (self.root / name).write_text((ROOT / name).read_text())
        (self.root / "requirements-dev.txt").write_text("# nothing\n")

    def python(self, *arguments):
        """The interpreter under our own environment, as a bare machine has it: without our packages."""
        base = Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}")
        environment = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SUITE_NO_BOOTSTRAP")}
        return subprocess.run(
            [base, *arguments], cwd=self.root, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def test_it_is_made_once_and_again_when_the_requirements_change(self):
        first = self.python("bootstrap.py")
        self.assertEqual(first.returncode, 0, first.stderr + first.stdout)
        self.assertIn("Making .venv", first.stdout)
        self.assertEqual(self.python("bootstrap.py").stdout, "")
        (self.root / "requirements-dev.txt").write_text("# still nothing\n")
        again = self.python("bootstrap.py")
        self.assertNotIn("Making .venv", again.stdout)
        self.assertIn("Installing", again.stdout)

    def test_an_environment_whose_python_is_gone_is_made_anew(self):
        self.python("bootstrap.py")
        python = self.root / ".venv" / "bin" / "python"
        python.unlink()
        python.symlink_to("/nonexistent/python")
        self.assertIn("Making .venv", self.python("bootstrap.py").stdout)
        self.assertTrue(python.exists())

    def test_a_failed_install_is_shown_and_tried_again(self):
        (self.root / "requirements-dev.txt").write_text("no-hash-for-this==1.0\n")
        for _ in range(2):
            failed = self.python("bootstrap.py")
            self.assertEqual(failed.returncode, 1)
            self.assertIn("hash", failed.stderr)
            self.assertIn("This failed:", failed.stderr)


class RequirementsTests(TestCase):
    LOCKS = ("requirements", "requirements-dev")

    def locked(self, name):
        return (ROOT / f"{name}.txt").read_text()

    def test_everything_asked_for_is_locked(self):
        for name in self.LOCKS:
            asked = re.findall(r"^([\w-]+)", (ROOT / f"{name}.in").read_text(), re.MULTILINE)
            asked = [package for package in asked if package != "-r"]
            locked = set(re.findall(r"^([\w-]+)==", self.locked(name), re.MULTILINE))
            self.assertGreater(len(asked), 8)
            self.assertEqual({package.lower() for package in asked} - locked, set())

    def test_what_is_tested_is_what_runs(self):
        versions = [set(re.findall(r"^([\w.-]+==\S+)", self.locked(name), re.MULTILINE)) for name in self.LOCKS]
        self.assertEqual(versions[0] - versions[1], set())

    def test_every_package_has_its_hashes(self):
        for name in self.LOCKS:
            for package in re.split(r"^(?=\w)", self.locked(name), flags=re.MULTILINE)[1:]:
                self.assertIn("--hash=sha256:", package)

    def test_the_oldest_python_gets_what_only_it_needs(self):
        for name in self.LOCKS:
            self.assertRegex(self.locked(name), r"(?m)^async-timeout==[\d.]+ ; python_full_version < '3\.11\.3'")

    def test_no_place_to_download_from_is_named(self):
        for name in self.LOCKS:
            self.assertNotRegex(self.locked(name), r"https?://|--index|--extra-index|--find-links|--trusted-host")


class DemoTests(TestCase):
    """`manage.py demo`, with a database and a port of its own."""

    def test_it_starts_prints_where_to_look_and_stops_cleanly(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            port = str(free_port())
            with self.demo("--port", port, "--no-life") as demo:
                said = self.read_until(demo, "Stop with Ctrl-C.")
                self.assertIn(f"http://127.0.0.1:{port}/", said)
                for name in ("ann", "bob", "sam"):
                    self.assertRegex(said, rf"(?m)^  {name} +{name} ")
                demo.send_signal(number)
                self.assertIn("Stopped.", demo.communicate(timeout=30)[0])
                self.assertEqual(demo.returncode, 0)

    def test_a_taken_port_is_said_in_a_sentence(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with self.demo("--port", str(port)) as demo:
                said = demo.communicate(timeout=60)[0]
        self.assertEqual(demo.returncode, 1)
        self.assertEqual(said, f"CommandError: Cannot listen on port {port} (Address already in use): try --port {port + 1}.\n")

    def demo(self, *arguments):
        state = self.enterContext(tempfile.TemporaryDirectory())
        environment = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")}
        return subprocess.Popen(
            [sys.executable, "manage.py", "demo", *arguments],
            cwd=ROOT,
            env={**environment, "STATE_DIR": state},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def read_until(self, process, words):
        said = ""
        for line in process.stdout:
            said += line
            if words in line:
                return said
        self.fail(f"It ended, saying:\n{said}")
