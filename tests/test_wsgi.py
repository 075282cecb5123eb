"""`config/wsgi.py` on a real WSGI server: pages work without their live parts, and sockets elsewhere hear what is posted."""

import re
import sys
import urllib.parse
import urllib.request
from http.cookies import SimpleCookie
from unittest import IsolatedAsyncioTestCase

import pytest
from django.conf import settings

from tests.clients import Client
from tests.server import Daphne, private_postgres, private_redis, running_server

pytestmark = pytest.mark.services

SERVE = """
from wsgiref.simple_server import make_server
from config.wsgi import application
make_server("{host}", {port}, application).serve_forever()
"""


class WsgiServer(Daphne):
    def command(self):
        return [sys.executable, "-c", SERVE.format(host=self.host, port=self.port)]


class Browser:
    """A browser without scripts."""

    def __init__(self, url, session):
        self.url, self.cookies = url, {"sessionid": session}

    def get(self, path):
        return self.ask(path)

    def post(self, path, page, **form):
        """Fill in the form on `page` that goes to `path`."""
        (markup,) = re.findall(rf'<form[^>]*action="{path}".*?</form>', page, re.DOTALL)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', markup))
        return self.ask(path, urllib.parse.urlencode(hidden | form).encode())

    def ask(self, path, data=None):
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        with urllib.request.urlopen(urllib.request.Request(self.url + path, data, headers), timeout=10) as answer:
            for name, morsel in SimpleCookie(answer.headers.get("Set-Cookie", "")).items():
                self.cookies[name] = morsel.value
            return answer.read().decode()


class WsgiTests(IsolatedAsyncioTestCase):
    async def test_what_is_posted_on_a_plain_page_is_on_it_and_on_live_pages(self):
        postgres = private_postgres()
        with private_redis() as redis, running_server(postgres.url, redis.url) as server:
            pages = WsgiServer(server.environment)
            try:
                pages.start()
                async with Client(server, "ann") as ann:
                    bob = Browser(pages.url, server.people["bob"]["session"])
                    room = f"/chat/{server.rooms['lobby']['id']}/"
                    page = bob.get(room)
                    self.assertIn('<meta name="socket-url" content="">', page)
                    page = bob.post(f"{room}messages/post/", page, body="from a plain page")
                    self.assertIn("from a plain page", page)
                    await ann.shows("from a plain page", seconds=2)  # by a hint: the tick would take up to 18 s
                    await ann.said("from a live one")
                    self.assertIn("from a live one", bob.get(room))
                sam = Browser(pages.url, server.people["sam"]["session"])  # staff, for the dashboard
                for app in settings.SUITE_APPS:
                    with self.subTest(app):
                        self.assertIn("</h1>", sam.get(f"/{app}/"))
                pages.stop()
                self.assertEqual(pages.trouble(), "")
            finally:
                pages.close()
