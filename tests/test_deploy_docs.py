"""The commands of deploy/README.md fit what they are for. Those of Docker need an engine, so here they are held against the
compose file; those of ours against their own options. The rest is run: honcho in test_procfile.py, `faults --deploy` in CI."""

import json
import re
import shlex
import subprocess
from unittest import TestCase

import pytest
from django.core.management import get_commands, load_command_class
from ruamel.yaml import YAML

from tests.server import ROOT

pytestmark = pytest.mark.once

README = ROOT / "deploy/README.md"
TAKES_VALUE = {"--scale", "--profile", "-h", "-U", "-d", "-C", "--concurrency"}


def blocks(language="sh"):
    return re.findall(rf"^ *```{language}\n(.*?)^ *```$", README.read_text(), re.DOTALL | re.MULTILINE)


def commands():
    """Each line of the shell blocks, and each command in a table, as words."""
    lines = [line.strip() for block in blocks() for line in block.splitlines()]
    lines += re.findall(r"`((?:docker|git|python|deploy)[^`]*)`", README.read_text())
    for line in filter(None, lines):
        for part in re.split(r" && | [<>] \S+$", line):
            if words := shlex.split(part):
                yield words


def arguments_after(words, name):
    """What comes after a word, without options and their values."""
    rest, found = iter(words[words.index(name) + 1 :]), []
    for word in rest:
        if word in TAKES_VALUE:
            next(rest)
        elif not word.startswith("-"):
            found.append(word)
    return found


class DocumentedCommandsTests(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.commands = list(commands())
        cls.compose = YAML(typ="safe").load((ROOT / "docker-compose.yml").read_text())

    def test_there_are_some_of_each_kind(self):
        self.assertGreater(len([words for words in self.commands if words[:2] == ["docker", "compose"]]), 12)
        self.assertGreater(len([words for words in self.commands if "manage.py" in " ".join(words)]), 6)

    def test_every_service_and_profile_is_in_the_compose_file(self):
        services = self.compose["services"]
        profiles = {profile for service in services.values() for profile in service.get("profiles", [])}
        for words in self.commands:
            if words[:2] != ["docker", "compose"]:
                continue
            verb = arguments_after(words, "compose")[0]
            named = arguments_after(words, verb)
            for service in named[:1] if verb in {"exec", "run"} else named:
                self.assertIn(service, services, words)
            if "--profile" in words:
                self.assertIn(words[words.index("--profile") + 1], profiles)

    def test_every_management_command_is_there_and_takes_what_it_is_given(self):
        known = get_commands()
        for words in self.commands:
            if "manage.py" not in words:
                continue
            name, *arguments = words[words.index("manage.py") + 1 :]
            self.assertIn(name, known, words)
            app = known[name]
            command = app if not isinstance(app, str) else load_command_class(app, name)
            command.create_parser("manage.py", name).parse_args(arguments)  # ends the process when it does not understand

    def test_every_process_that_honcho_is_asked_for_is_in_the_procfile(self):
        kinds = re.findall(r"(?m)^(\w+):", (ROOT / "Procfile").read_text())
        asked = [words for words in self.commands if words[0] == "honcho"]
        self.assertEqual(len(asked), 2)
        for words in asked:
            self.assertLessEqual(set(arguments_after(words, "start")), set(kinds))

    def test_every_block_is_a_shell_script_and_every_example_of_yaml_is_yaml(self):
        for block in blocks():
            checked = subprocess.run(["sh", "-n"], input=block, capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, checked.stderr)
        (probes,) = blocks("yaml")
        self.assertEqual(YAML(typ="safe").load(probes)["readinessProbe"]["httpGet"]["path"], "/readyz")

    def test_every_file_it_points_to_is_there(self):
        for path in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
            self.assertTrue((README.parent / path).exists(), path)
        for path in re.findall(r"`(deploy/[\w.]+)`", README.read_text()):
            self.assertTrue((ROOT / path).exists(), path)


class AppJsonTests(TestCase):
    """app.json, which Heroku and Dokku read."""

    @classmethod
    def setUpClass(cls):
        cls.app = json.loads((ROOT / "app.json").read_text())
        cls.review = cls.app["environments"]["review"]

    def test_it_starts_what_the_procfile_has(self):
        kinds = set(re.findall(r"(?m)^(\w+):", (ROOT / "Procfile").read_text()))
        for formation in (self.app["formation"], self.review["formation"]):
            self.assertEqual(set(formation), kinds - {"release"})

    def test_every_variable_is_one_that_the_settings_read(self):
        source = (ROOT / "config/settings.py").read_text() + (ROOT / "config/layers.py").read_text()
        for name in self.app["env"] | self.review["env"]:
            self.assertIn(f'"{name}"', source)

    def test_its_secrets_are_made_for_each_and_stand_nowhere(self):
        self.assertEqual(self.app["env"]["SECRET_KEY"]["generator"], "secret")
        self.assertEqual(self.review["env"]["DEMO_PASSWORD"], {"generator": "secret"})

    def test_only_review_apps_are_filled_with_the_demo(self):
        self.assertNotIn("DEMO", self.app["env"])
        self.assertEqual(self.review["env"]["DEMO"]["value"], "1")

    def test_as_many_processes_are_reckoned_with_as_are_started(self):
        for env, formation in ((self.app["env"], self.app["formation"]), (self.review["env"], self.review["formation"])):
            self.assertEqual(int(env["PROCESSES"]["value"]), sum(kind["quantity"] for kind in formation.values()))

    def test_it_asks_whether_a_new_process_is_ready(self):
        self.assertEqual([check["path"] for check in self.app["healthchecks"]["web"]], ["/readyz"])
