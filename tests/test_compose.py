"""docker-compose.yml: valid, hardened, and in step with what reads it. That it runs is tried with a real engine, by hand."""

import re
import subprocess
import sys
from unittest import TestCase

import pytest
from ruamel.yaml import YAML

from tests.server import ROOT

pytestmark = pytest.mark.once

FILE = ROOT / "docker-compose.yml"
ONE_SHOTS = {"migrate", "welcome"}
FROM_OUTSIDE = {"proxy"}
# By the file itself, which has one PostgreSQL, one Valkey and one disk, and is no place for load tests or debugging.
DECIDED = {"DATABASE_URL", "REDIS_URL", "REDIS_SENTINELS", "REDIS_MASTER", "REDIS_TLS_VERIFY", "REDIS_PREFIX"}
DECIDED |= {"RATE_LIMITS", "DEBUG_TOOLBAR", "STATE_DIR", "MEDIA_ROOT", "PORT"}
BUILT = {"web", "worker", "migrate", "welcome", "life", "load"}  # of our image, whose user is 10001


class ComposeTests(TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = FILE.read_text()
        cls.compose = YAML(typ="safe").load(cls.text)
        cls.services = cls.compose["services"]

    def test_it_is_valid(self):
        done = validate(self.text)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_the_schema_would_find_a_mistake(self):
        self.assertNotEqual(validate(self.text.replace("healthcheck:", "healthchecks:", 1)).returncode, 0)

    def test_there_is_no_other_compose_file_that_would_win(self):
        found = [path.name for pattern in ("compose*.y*ml", "docker-compose*.y*ml") for path in ROOT.glob(pattern)]
        self.assertEqual(found, ["docker-compose.yml"])

    def test_every_container_can_do_as_little_as_possible(self):
        for name, service in self.services.items():
            with self.subTest(name):
                self.assertIs(service["read_only"], True)
                self.assertEqual(service["cap_drop"], ["ALL"])
                self.assertEqual(service["security_opt"], ["no-new-privileges:true"])
                self.assertIn("mem_limit", service)
                self.assertIn("pids_limit", service)
                self.assertTrue(name in BUILT or service["user"] not in {"root", "0"})
                self.assertNotIn("privileged", service)

    def test_our_image_does_not_run_as_root(self):
        self.assertRegex((ROOT / "deploy/Dockerfile").read_text(), r"(?m)^USER 10001:10001$")

    def test_only_the_proxy_is_reached_from_outside_and_by_default_only_from_this_machine(self):
        self.assertEqual({name for name, service in self.services.items() if "ports" in service}, FROM_OUTSIDE)
        for port in self.services["proxy"]["ports"]:
            self.assertRegex(port, r"^\$\{\w+:-127\.0\.0\.1:")

    def test_everything_that_lasts_says_how_it_is(self):
        lasting = {name for name, service in self.services.items() if "profiles" not in service} - ONE_SHOTS
        self.assertEqual({name for name in lasting if "healthcheck" not in self.services[name]}, set())

    def test_whoever_needs_something_waits_until_it_is_well(self):
        for name, service in self.services.items():
            for needed, how in service.get("depends_on", {}).items():
                wanted = "service_completed_successfully" if needed in ONE_SHOTS else "service_healthy"
                self.assertEqual(how["condition"], wanted, f"{name} needs {needed}")

    def test_two_web_processes_run_unless_more_are_asked_for(self):
        web = self.services["web"]
        self.assertEqual(web["deploy"]["replicas"], 2)
        self.assertNotIn("container_name", web)

    def test_every_variable_has_a_default_and_stands_in_the_example(self):
        variables = dict(re.findall(r"\$\{(\w+)(:-)?", self.text))
        self.assertEqual([name for name, default in variables.items() if not default], [])
        example = re.findall(r"(?m)^(\w+)=", (ROOT / "deploy/env.example").read_text())
        self.assertEqual(set(variables), set(example))

    def test_every_setting_that_the_readme_names_can_be_set(self):
        table = (ROOT / "README.md").read_text().partition("| variable | meaning |")[2].partition("\n\n")[0]
        named = {name for row in table.splitlines() for name in re.findall(r"`([A-Z_]{4,})`", row.split("|")[1] if row else "")}
        self.assertEqual(named - set(re.findall(r"\$\{(\w+)", self.text)), DECIDED)

    def test_the_example_holds_no_secret(self):
        for name, value in re.findall(r"(?m)^(\w*(?:KEY|PASSWORD)\w*)=(.*)$", (ROOT / "deploy/env.example").read_text()):
            self.assertEqual(value, "", name)

    def test_the_key_that_everybody_knows_is_one_that_the_checks_refuse(self):
        self.assertTrue(self.services["web"]["environment"]["SECRET_KEY"].startswith("${SECRET_KEY:-insecure"))


def validate(text):
    """Against the schema of the compose specification, which the tool brings with it."""
    options = ["--builtin-schema", "vendor.compose-spec", "--default-filetype", "yaml", "-"]
    return subprocess.run([sys.executable, "-m", "check_jsonschema", *options], input=text, capture_output=True, text=True)
