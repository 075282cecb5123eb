"""Whose address it is, when there are proxies between: nobody can write it for themselves."""

from unittest import IsolatedAsyncioTestCase, TestCase

import pytest
from django.test import override_settings

from config.proxy import client_address, with_client_address, with_remote_addr

pytestmark = pytest.mark.once


class ClientAddressTests(TestCase):
    def test_the_last_entry_is_what_our_proxy_saw(self):
        self.assertEqual(client_address(["6.6.6.6, 203.0.113.7"], 1), "203.0.113.7")

    def test_behind_two_proxies_it_is_the_last_but_one(self):
        self.assertEqual(client_address(["6.6.6.6, 203.0.113.7, 10.0.0.2"], 2), "203.0.113.7")

    def test_a_header_that_comes_twice_is_one_list(self):
        self.assertEqual(client_address(["6.6.6.6", "203.0.113.7"], 1), "203.0.113.7")

    def test_fewer_entries_than_proxies_are_not_believed(self):
        self.assertIsNone(client_address(["203.0.113.7"], 2))
        self.assertIsNone(client_address([], 1))

    def test_what_is_no_address_is_not_believed(self):
        for entry in ("unknown", "_hidden", "203.0.113.7.example.org", "<script>"):
            self.assertIsNone(client_address([entry], 1), entry)

    def test_a_port_is_left_out(self):
        self.assertEqual(client_address(["203.0.113.7:4711"], 1), "203.0.113.7")
        self.assertEqual(client_address(["[2001:db8::7]:4711"], 1), "2001:db8::7")
        self.assertEqual(client_address(["2001:db8::7"], 1), "2001:db8::7")


class TrustTests(IsolatedAsyncioTestCase):
    async def client_seen(self, kind):
        seen = []

        async def application(scope, receive, send):
            seen.append(scope["client"])

        scope = {"type": kind, "client": ("10.0.0.9", 1), "headers": [(b"x-forwarded-for", b"6.6.6.6, 203.0.113.7")]}
        await with_client_address(application)(scope, None, None)
        return seen[0][0]

    async def test_pages_and_sockets_are_told_the_address(self):
        with override_settings(TRUST_PROXY=1):
            self.assertEqual([await self.client_seen(kind) for kind in ("http", "websocket")], ["203.0.113.7"] * 2)

    async def test_nobody_is_believed_unless_told_so(self):
        with override_settings(TRUST_PROXY=0):
            self.assertEqual(await self.client_seen("http"), "10.0.0.9")

    def test_pages_alone_are_told_it_too(self):
        seen = []
        application = with_remote_addr(lambda environ, start_response: seen.append(environ["REMOTE_ADDR"]) or [])
        for proxies in (0, 1):
            with override_settings(TRUST_PROXY=proxies):
                application({"REMOTE_ADDR": "10.0.0.9", "HTTP_X_FORWARDED_FOR": "6.6.6.6, 203.0.113.7"}, None)
        self.assertEqual(seen, ["10.0.0.9", "203.0.113.7"])
