"""Other people's scripts are exactly the files their authors published."""

import hashlib
import json
from pathlib import Path

import pytest
from django.conf import settings
from django.test import SimpleTestCase

pytestmark = pytest.mark.once

OURS = [Path(settings.BASE_DIR, place, "vendor") for place in ("static", "tests")]
OF_APPS = [Path(settings.BASE_DIR, app, "static", app, "vendor") for app in settings.SUITE_APPS]
VENDORS = OURS + [vendor for vendor in OF_APPS if vendor.exists()]


class VendoredTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.packages = [(vendor, package) for vendor in VENDORS for package in json.loads((vendor / "VENDORED.json").read_text())]

    def test_every_file_has_the_recorded_sha256(self):
        for vendor, package in self.packages:
            for name, file in package["files"].items():
                with self.subTest(name):
                    self.assertEqual(hashlib.sha256((vendor / name).read_bytes()).hexdigest(), file["sha256"])

    def test_no_file_is_unrecorded(self):
        for vendor in VENDORS:
            with self.subTest(vendor):
                recorded = {name for place, package in self.packages if place == vendor for name in package["files"]}
                self.assertEqual({path.name for path in vendor.iterdir()} - {"VENDORED.json"}, recorded)

    def test_every_package_brings_its_licence(self):
        for _, package in self.packages:
            with self.subTest(package["name"]):
                self.assertIn(package["licence_file"], package["files"])
                self.assertTrue(package["licence"])

    def test_every_name_says_the_version(self):
        for _, package in self.packages:
            for name in package["files"]:
                with self.subTest(name):
                    self.assertIn(package["version"], name)

    def test_no_script_asks_for_a_source_map(self):
        # It is not there, and collectstatic fails on the missing file.
        for script in (script for vendor in VENDORS if "static" in vendor.parts for script in vendor.glob("*.js")):
            with self.subTest(script.name):
                self.assertNotIn("sourceMappingURL", script.read_text())

    def test_htmx_and_its_websocket_extension_are_vendored(self):
        htmx = next(package for _, package in self.packages if package["name"] == "htmx")
        self.assertEqual(set(htmx["files"]) - {htmx["licence_file"]}, {"htmx-4.0.1.min.js", "hx-ws-4.0.1.min.js"})
