"""What every answer says about itself, and that nothing in a page needs the policy to be weaker."""

from django.http import HttpResponse
from django.test import RequestFactory, TestCase

from config.middleware import ASKED_AGAIN, with_headers
from tests.pages import Page, every_page, logged_in, make_person


class HeadersTests(TestCase):
    def test_every_page_carries_the_strict_policy(self):
        for what, response in every_page():
            policy = response.headers.get("Content-Security-Policy", "")
            with self.subTest(what):
                self.assertIn("default-src 'none'", policy)
                self.assertIn("script-src 'self'", policy)
                self.assertIn("style-src 'self'", policy)
                self.assertIn("frame-ancestors 'none'", policy)
                self.assertNotIn("unsafe-", policy)

    def test_no_page_holds_inline_script_style_or_handler(self):
        for what, response in every_page():
            with self.subTest(what):
                self.assertEqual(Page(response.text).inline(), [])

    def test_every_page_closes_what_it_does_not_need(self):
        for what, response in every_page():
            with self.subTest(what):
                self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
                self.assertEqual(response.headers["X-Frame-Options"], "DENY")
                self.assertEqual(response.headers["Referrer-Policy"], "same-origin")
                self.assertEqual(response.headers["Cross-Origin-Opener-Policy"], "same-origin")
                self.assertEqual(response.headers["Cross-Origin-Resource-Policy"], "same-origin")
                self.assertIn("camera=()", response.headers["Permissions-Policy"])
                self.assertIn("geolocation=(self)", response.headers["Permissions-Policy"])

    def test_pages_of_a_person_are_kept_by_no_cache(self):
        response = logged_in(make_person()).get("/")
        self.assertEqual(response.headers["Cache-Control"], "no-store, private")

    def test_a_page_may_be_kept_if_it_is_asked_for_again_each_time(self):
        for says, expected in [(ASKED_AGAIN, ASKED_AGAIN), ("public, max-age=60", "no-store, private")]:
            request = RequestFactory().get("/", headers={"cookie": "sessionid=x"})
            response = with_headers(request, HttpResponse("<p>", headers={"Cache-Control": says}))
            self.assertEqual(response.headers["Cache-Control"], expected)

    def test_pages_of_a_visitor_may_be_kept(self):
        self.assertNotIn("no-store", self.client.get("/").headers.get("Cache-Control", ""))

    async def test_the_headers_are_the_same_under_asgi(self):
        response = await self.async_client.get("/")
        self.assertIn("camera=()", response.headers["Permissions-Policy"])

    def test_scripts_cannot_read_the_cookies(self):
        person = make_person()
        self.client.post("/accounts/login/", {"username": person.username, "password": "a long enough one"})
        self.client.get("/accounts/login/")
        for name in ["sessionid", "csrftoken"]:
            cookie = self.client.cookies[name]
            self.assertTrue(cookie["httponly"], name)
            self.assertEqual(cookie["samesite"], "Lax", name)
