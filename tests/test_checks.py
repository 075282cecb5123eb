"""The checks at start: each finds what it is for, and says nothing on a laptop."""

import os
from unittest import mock

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.test import TestCase, override_settings
from django.utils import timezone

from config.demo_people import make_person
from config.layers import channel_layers
from realtime.checks import check_pools
from realtime.models import Process

PUBLIC = override_settings(ALLOWED_HOSTS=["chat.example.org"])


def found():
    """Ids of what is found, those of the database too."""
    return {message.id for message in run_checks(databases=["default"])}


def layers(**urls):
    return override_settings(CHANNEL_LAYERS=channel_layers(urls))


def on_platform(variable):
    return mock.patch.dict(os.environ, {variable: "1"})


class ProductionTests(TestCase):
    def test_a_laptop_is_left_in_peace(self):
        with override_settings(DEBUG=True, SECRET_KEY="insecure-key", DEMO=True, ALLOWED_HOSTS=["localhost", "[::1]", "proxy"]):
            self.assertEqual(found(), set())

    def test_so_is_an_office_that_looks_at_a_demo(self):
        with override_settings(DEBUG=True, SECRET_KEY="insecure-key", DEMO=True, ALLOWED_HOSTS=["192.168.1.5", "desk.local"]):
            self.assertEqual(found(), set())

    def test_debug_on_a_public_host_is_refused(self):
        with PUBLIC, override_settings(DEBUG=True, DEMO_PASSWORD="a secret"):
            self.assertIn("config.E001", found())

    def test_debug_on_a_platform_is_refused_whatever_the_hosts(self):
        for variable in ("DYNO", "RENDER", "KUBERNETES_SERVICE_HOST"):
            with on_platform(variable), override_settings(DEBUG=True):
                self.assertIn("config.E001", found(), variable)

    def test_the_key_of_a_laptop_is_refused_on_a_public_host(self):
        for hosts in (["chat.example.org"], ["localhost", ".example.org"], ["*"], ["9.9.9.9"]):
            with override_settings(SECRET_KEY="insecure-key-for-a-laptop-only", ALLOWED_HOSTS=hosts):
                self.assertIn("config.E002", found(), hosts)

    def test_people_whose_passwords_everybody_knows_are_refused_on_a_public_host(self):
        with PUBLIC, override_settings(DEMO=True):
            self.assertIn("config.E003", found())
            with override_settings(DEMO_PASSWORD="a secret"):
                self.assertNotIn("config.E003", found())

    def test_people_left_over_from_a_demo_are_found(self):
        person = make_person("sam")
        with PUBLIC:
            self.assertIn("config.E004", found())
            person.set_password("something else")
            person.save()
            self.assertNotIn("config.E004", found())

    def test_an_error_keeps_a_release_from_going_on(self):
        with PUBLIC, override_settings(DEBUG=True), self.assertRaises(SystemCheckError):
            call_command("release", stdout=mock.Mock())


class PlatformTests(TestCase):
    @pytest.mark.only_on("sqlite")
    def test_a_database_in_a_file_is_refused_where_files_go_with_the_process(self):
        with on_platform("DYNO"):
            self.assertIn("config.E005", found())

    def test_uploads_on_a_disk_that_is_emptied_are_warned_of(self):
        with on_platform("DYNO"), mock.patch.dict(os.environ, {"MEDIA_ROOT": ""}):
            self.assertIn("config.W001", found())
        with on_platform("DYNO"), mock.patch.dict(os.environ, {"MEDIA_ROOT": "/mnt/shared"}):
            self.assertNotIn("config.W001", found())


class LayerTests(TestCase):
    def test_our_own_layers_pass(self):
        with layers(REDIS_URL="redis://localhost"):
            self.assertEqual(found(), set())

    def test_a_jobs_layer_that_wakes_every_worker_is_refused(self):
        pubsub = channel_layers({"REDIS_URL": "redis://localhost"})["default"]
        with override_settings(CHANNEL_LAYERS={"default": pubsub, "jobs": pubsub}):
            self.assertEqual(found(), {"realtime.E001"})

    def test_a_core_layer_whose_sockets_time_out_before_its_pop_is_refused(self):
        url = "redis://localhost"
        for hosts in ([url], [{"address": url}], [{"address": url, "socket_timeout": 5}], None):
            core = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": hosts}}
            with override_settings(CHANNEL_LAYERS={"default": core}):
                self.assertEqual(found(), {"realtime.E002"}, hosts)

    def test_a_core_layer_with_a_longer_timeout_or_none_passes(self):
        for seconds in (15, None):
            hosts = [{"address": "redis://localhost", "socket_timeout": seconds}]
            core = {"BACKEND": "channels_redis.core.RedisChannelLayer", "CONFIG": {"hosts": hosts}}
            with override_settings(CHANNEL_LAYERS={"default": core}):
                self.assertEqual(found(), set())

    def test_a_layer_in_memory_is_refused_to_more_than_one_process(self):
        with layers():
            self.assertEqual(found(), set())
            with override_settings(PROCESSES=2):
                self.assertEqual(found(), {"realtime.E003"})

    def test_a_layer_in_memory_is_refused_beside_a_process_that_lives(self):
        Process.objects.create(host="web-1", pid=7, until=timezone.now() + timezone.timedelta(seconds=20))
        with layers():
            self.assertEqual(found(), {"realtime.E003"})
            Process.objects.update(until=timezone.now())
            self.assertEqual(found(), set())


@pytest.mark.only_on("postgresql")
class PoolTests(TestCase):
    def test_pools_that_the_server_cannot_serve_are_warned_of_with_a_size_that_fits(self):
        with override_settings(PROCESSES=1000):
            (warning,) = check_pools(databases=["default"])
        self.assertEqual(warning.id, "realtime.W001")
        self.assertIn("1000 processes", warning.msg)
        self.assertIn("DATABASE_POOL to 1,", warning.hint)

    def test_pools_that_fit_are_not(self):
        self.assertEqual(check_pools(databases=["default"]), [])
