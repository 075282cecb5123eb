"""The pages around the apps: navigation, accounts, errors, static files."""

import json
import re
import tempfile
from pathlib import Path
from urllib.parse import urljoin

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.models import AnonymousUser, User
from django.core.management import call_command
from django.template import Context, Template
from django.template.loader import render_to_string
from django.test import Client, RequestFactory, SimpleTestCase, TestCase, override_settings
from django.utils.html import escape
from django.views.defaults import server_error

from config.context import suite_app
from config.templatetags.shell import avatar
from tests.pages import Page, every_page, logged_in, make_person

PASSWORD = "correct horse battery"
ROOT = Path(settings.BASE_DIR)
# An export is a file that people keep, not a page of ours: it brings its style along.
PAGES = [*ROOT.glob("templates/**/*.html"), *ROOT.glob("*/templates/**/*.html")]
TEMPLATES = sorted(path for path in PAGES if path.name != "export.html")
SCRIPTS = sorted([*ROOT.glob("static/js/*.js"), *ROOT.glob("*/static/**/*.js")])
ICONS = set(re.findall(r'<symbol id="([\w-]+)"', (ROOT / "static/icons.svg").read_text()))


class HomeTests(TestCase):
    def test_home_tells_what_each_app_shows_and_teaches(self):
        html = logged_in(make_person("sid", is_staff=True)).get("/").text
        for label in settings.SUITE_APPS:
            app = suite_app(label, RequestFactory().get("/"))
            for words in [app.name, app.summary, app.teaches]:
                self.assertTrue(words)
                self.assertIn(escape(words), html)
            self.assertIn({"href": app.url}, Page(html).all("a"))

    @override_settings(SUITE_APPS=[])
    def test_an_app_that_is_not_in_the_suite_is_on_no_page(self):
        html = self.client.get("/").text
        self.assertNotIn('id="site-nav"', html)
        self.assertNotIn("app-row", html)

    def test_the_app_a_person_is_in_is_marked(self):
        label = settings.SUITE_APPS[0]
        self.assertTrue(suite_app(label, RequestFactory().get(f"/{label}/17/")).is_current)
        self.assertFalse(suite_app(label, RequestFactory().get("/")).is_current)

    def test_a_member_is_greeted_by_name(self):
        self.assertContains(logged_in(make_person()).get("/"), "Good to see you, nina.")

    def test_only_staff_is_shown_the_way_to_the_admin(self):
        self.assertNotContains(logged_in(make_person()).get("/"), 'href="/admin/"')
        self.assertContains(logged_in(make_person("stan", is_staff=True)).get("/"), 'href="/admin/"')


class PageTests(TestCase):
    def test_every_page_of_ours_has_one_heading_and_its_landmarks(self):
        for what, response in every_page():
            if "/admin/" in what:
                continue
            page = Page(response.text)
            with self.subTest(what):
                # Where a side list is the whole page of a phone it has a heading too; one of the two is displayed.
                headings = [heading for heading in page.all("h1") if "sidebar__title" not in (heading.get("class") or "")]
                self.assertEqual(len(headings), 1)
                self.assertEqual(len(page.all("main")), 1)
                self.assertIn({"class": "skip-link", "href": "#content"}, page.all("a"))
                self.assertEqual(page.all("html")[0]["lang"], "en-gb")

    def test_no_id_is_used_twice(self):
        for what, response in every_page():
            ids = [attributes["id"] for _, attributes in Page(response.text).tags if "id" in attributes]
            with self.subTest(what):
                self.assertEqual(sorted(ids), sorted(set(ids)))

    def test_the_page_tells_scripts_who_reads_it_and_where_the_socket_is(self):
        person = make_person()
        for client, user_id in [(Client(), ""), (logged_in(person), str(person.pk))]:
            meta = {tag.get("name"): tag.get("content") for tag in Page(client.get("/").text).all("meta")}
            self.assertEqual(meta["user-id"], user_id)
            self.assertEqual(meta["socket-url"], "/ws/")
            self.assertEqual(len(meta["csrf-token"]), 64)

    def test_htmx_swaps_no_error_page_into_a_target(self):
        meta = {tag.get("name"): tag.get("content") for tag in Page(self.client.get("/").text).all("meta")}
        self.assertEqual(json.loads(meta["htmx-config"])["noSwap"], [204, 304, "4xx", "5xx"])

    def test_htmx_blocks_and_its_websocket_extension_is_not_loaded(self):
        scripts = {tag["src"]: tag for tag in Page(self.client.get("/").text).all("script")}
        htmx = next(tag for src, tag in scripts.items() if "/htmx-" in src)
        self.assertNotIn("defer", htmx)
        self.assertNotIn("async", htmx)
        self.assertFalse([src for src in scripts if "hx-ws" in src])

    def test_a_name_cannot_bring_markup_into_an_avatar(self):
        self.assertIn(">&lt;<", avatar(User(pk=1, username="<b>")))

    def test_an_avatar_shows_initials_on_a_hue_of_its_own(self):
        self.assertEqual(
            avatar(User(pk=25, username="ada.lovelace"), "small"),
            '<span class="avatar avatar--small" data-hue="1" aria-hidden="true">al</span>',
        )

    def test_a_message_of_the_server_becomes_a_toast(self):
        page = render_to_string("_toast.html", {"text": "<Saved>", "level": "success"})
        self.assertIn('data-level="success"', page)
        self.assertIn("&lt;Saved&gt;", page)


class SignUpTests(TestCase):
    def sign_up(self, **changes):
        answers = {"username": "nina", "password1": PASSWORD, "password2": PASSWORD, **changes}
        return self.client.post("/accounts/sign-up/", answers)

    def assertRefused(self, response, words):
        self.assertContains(response, escape(words))
        self.assertIsInstance(get_user(self.client), AnonymousUser)

    def test_signing_up_logs_in(self):
        self.assertRedirects(self.sign_up(), "/")
        self.assertEqual(get_user(self.client).username, "nina")

    def test_signing_up_leads_to_where_the_person_was_going(self):
        response = self.sign_up(next="/accounts/password_change/")
        self.assertRedirects(response, "/accounts/password_change/")

    def test_signing_up_never_leads_to_another_site(self):
        for number, url in enumerate(["https://evil.example/", "//evil.example/", "javascript:alert(1)"]):
            self.client.logout()
            self.assertRedirects(self.sign_up(username=f"nina{number}", next=url), "/")

    def test_a_name_is_taken_whatever_its_case(self):
        make_person("Nina")
        self.assertRefused(self.sign_up(), "A user with that username already exists.")

    def test_a_name_that_could_not_be_mentioned_is_refused(self):
        for name in ["nina@home", "nina+1", ".nina"]:
            self.assertRefused(self.sign_up(username=name), "Use letters, digits, dots, hyphens and underscores")

    def test_a_name_too_long_to_stand_beside_a_message_is_refused(self):
        self.assertRefused(self.sign_up(username="n" * 31), "at most 30 characters")

    def test_a_weak_password_is_refused(self):
        self.assertRefused(self.sign_up(password1="password", password2="password"), "This password is too common.")

    def test_two_different_passwords_are_refused(self):
        self.assertRefused(self.sign_up(password2="another one"), "The two password fields didn’t match.")

    def test_an_error_is_tied_to_its_field_and_keeps_what_was_typed(self):
        field = next(tag for tag in Page(self.sign_up(username="a b").text).all("input") if tag["name"] == "username")
        self.assertEqual((field["value"], field["aria-invalid"]), ("a b", "true"))
        self.assertIn("id_username_error", field["aria-describedby"])

    def test_a_member_has_no_use_for_the_page(self):
        self.assertRedirects(logged_in(make_person()).get("/accounts/sign-up/"), "/")


class LogInTests(TestCase):
    def test_logging_in_leads_to_where_the_person_was_going(self):
        make_person()
        answers = {"username": "nina", "password": "a long enough one", "next": "/accounts/password_change/"}
        self.assertRedirects(self.client.post("/accounts/login/", answers), "/accounts/password_change/")

    def test_a_wrong_password_is_answered_without_telling_whether_the_name_exists(self):
        make_person()
        answers = [
            self.client.post("/accounts/login/", {"username": name, "password": "wrong"}).context["form"].errors
            for name in ["nina", "nobody"]
        ]
        self.assertEqual(answers[0], answers[1])
        self.assertIn("__all__", answers[0])

    def test_nobody_is_promised_a_mail_that_we_cannot_send(self):
        self.assertEqual(self.client.get("/accounts/password_reset/").status_code, 404)


class LogOutTests(TestCase):
    def test_logging_out_takes_a_post(self):
        self.client.force_login(make_person())
        self.assertEqual(self.client.get("/accounts/logout/").status_code, 405)
        self.assertRedirects(self.client.post("/accounts/logout/"), "/")
        self.assertIsInstance(get_user(self.client), AnonymousUser)

    def test_the_menu_logs_out_by_a_form(self):
        forms = Page(logged_in(make_person()).get("/").text).all("form")
        self.assertIn({"method": "post", "action": "/accounts/logout/"}, forms)


class DemoLoginTests(TestCase):
    def test_it_does_not_exist_outside_debug(self):
        make_person("ann")
        self.assertEqual(self.client.post("/accounts/demo/ann/").status_code, 404)
        self.assertIsInstance(get_user(self.client), AnonymousUser)
        self.assertNotContains(self.client.get("/"), "/accounts/demo/")

    @override_settings(DEBUG=True)
    def test_one_click_logs_in_as_a_demo_person_made_on_the_way(self):
        self.assertContains(self.client.get("/"), 'action="/accounts/demo/ann/"')
        self.assertRedirects(self.client.post("/accounts/demo/ann/"), "/")
        self.assertEqual(get_user(self.client).username, "ann")
        self.assertTrue(User.objects.get(username="ann").check_password("ann"))
        self.assertFalse(User.objects.get(username="ann").is_staff)

    @override_settings(DEBUG=True)
    def test_nobody_else_can_be_logged_in_without_a_password(self):
        make_person("root", is_superuser=True)
        self.assertEqual(self.client.post("/accounts/demo/root/").status_code, 404)
        self.assertIsInstance(get_user(self.client), AnonymousUser)

    @override_settings(DEBUG=True)
    def test_it_takes_a_post_with_a_token(self):
        self.assertEqual(self.client.get("/accounts/demo/ann/").status_code, 405)
        self.assertEqual(Client(enforce_csrf_checks=True).post("/accounts/demo/ann/").status_code, 403)

    @override_settings(DEBUG=True)
    def test_a_person_who_was_there_before_is_left_as_they_are(self):
        make_person("sam")
        self.client.post("/accounts/demo/sam/")
        sam = User.objects.get(username="sam")
        self.assertFalse(sam.is_superuser)
        self.assertTrue(sam.check_password("a long enough one"))


class ErrorPageTests(TestCase):
    def test_a_missing_page_says_so_in_our_own_words(self):
        self.assertContains(self.client.get("/no-such-page/"), "Nothing here", status_code=404)

    def test_a_form_without_a_token_is_explained(self):
        response = Client(enforce_csrf_checks=True).post("/accounts/login/")
        self.assertContains(response, "That form was too old", status_code=403)

    def test_the_page_for_a_broken_server_needs_nothing_that_may_be_broken(self):
        static = {"BACKEND": "config.storage.SuiteStaticFilesStorage"}
        with (
            tempfile.TemporaryDirectory() as nothing_collected,
            override_settings(STATIC_ROOT=nothing_collected, STORAGES=settings.STORAGES | {"staticfiles": static}),
            self.assertNumQueries(0),
        ):
            response = server_error(RequestFactory().get("/"))
        self.assertContains(response, "Something broke on our side", status_code=500)
        self.assertEqual(Page(response.text).inline(), [])


class TemplateTests(SimpleTestCase):
    """What no page test would see: a branch that is not rendered, a partial that only a socket sends."""

    FORBIDDEN = {
        # A field called `html` holds what was sanitised before it was saved; nothing else may skip the escape.
        r"(?<!\.html)\|\s*safe\b|autoescape\s+off": "unescaped text",
        r"\sstyle\s*=": "inline style",
        r"<style\b|<script(?![^>]*\ssrc=)": "inline element",
        r"\son\w+\s*=": "inline handler",
        r"hx-on|[\"']\s*(?:js|javascript):|hx-trigger\S*=[\"'][^\"']*\[": "htmx would need eval",
    }

    def test_no_template_needs_a_weaker_policy(self):
        for path in TEMPLATES:
            source = re.sub(r"(?s){% comment %}.*?{% endcomment %}|{#.*?#}", "", path.read_text())
            for pattern, why in self.FORBIDDEN.items():
                with self.subTest(path=path.relative_to(ROOT), why=why):
                    self.assertEqual([found.group() for found in re.finditer(pattern, source)], [])

    def test_every_icon_that_is_asked_for_is_drawn(self):
        for path in TEMPLATES:
            for name in re.findall(r'{% icon "([^"]+)"', path.read_text()):
                with self.subTest(path=path.relative_to(ROOT)):
                    self.assertIn(name, ICONS)
        for label in settings.SUITE_APPS:
            self.assertIn(apps.get_app_config(label).icon, ICONS)

    def test_an_icon_is_hidden_from_those_who_listen(self):
        html = Template('{% load shell %}{% icon "bell" "large" %}').render(Context())
        use = '<use href="/static/icons.svg#bell"></use>'
        self.assertHTMLEqual(html, f'<svg class="icon large" aria-hidden="true">{use}</svg>')


class StaticFilesTests(TestCase):
    """With the storage of a deployment, as `collectstatic` leaves it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.root = Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        storages = settings.STORAGES | {"staticfiles": {"BACKEND": "config.storage.SuiteStaticFilesStorage"}}
        cls.enterClassContext(override_settings(STATIC_ROOT=str(cls.root), STORAGES=storages))
        call_command("collectstatic", interactive=False, verbosity=0)

    def test_every_file_a_page_asks_for_is_there_under_a_hashed_name(self):
        for what, response in every_page():
            page = Page(response.text)
            urls = [tag[name] for _, tag in page.tags for name in ["src", "href"] if name in tag]
            for url in [url.partition("#")[0] for url in urls if url.startswith("/static/")]:
                with self.subTest(what, url=url):
                    self.assertTrue((self.root / url.removeprefix("/static/")).is_file())
                    self.assertRegex(url, r"\.[0-9a-f]{12}\.")

    def test_every_module_imports_its_neighbours_by_their_hashed_names(self):
        manifest = json.loads((self.root / "staticfiles.json").read_text())["paths"]
        for path in SCRIPTS:
            name = path.as_posix().split("/static/")[1]
            source = (self.root / manifest[name]).read_text()
            for url in re.findall(r"""^(?:import|export|}).*?["'](\.[^"']+)["']""", source, re.MULTILINE):
                with self.subTest(name, url=url):
                    self.assertIn(urljoin(name, url), manifest.values())

    def test_no_module_uses_an_import_that_is_not_rewritten(self):
        for path in SCRIPTS:
            code = re.sub(r"(?s)/\*.*?\*/|//[^\n]*", "", path.read_text())
            with self.subTest(path.relative_to(ROOT)):
                self.assertNotRegex(code, r"\bimport\s*\(")
                self.assertNotRegex(code, r"""\bfrom\s*["'](?!\.\.?/)""")


class GuessingTests(TestCase):
    def test_passwords_cannot_be_guessed_fast(self):
        make_person("ann")
        answers = [self.client.post("/accounts/login/", {"username": "ann", "password": f"{n}"}).text for n in range(6)]
        self.assertNotIn("Too many attempts", "".join(answers[:5]))
        self.assertIn("Too many attempts. Try again in", answers[5])

    def test_who_knows_the_password_is_not_held_up(self):
        make_person("ann")
        for _ in range(8):
            self.client.post("/accounts/logout/")
            self.client.post("/accounts/login/", {"username": "ann", "password": "a long enough one"})
        self.assertTrue(get_user(self.client).is_authenticated)

    def test_one_name_under_attack_does_not_lock_out_another(self):
        make_person("ann")
        bob = make_person("bob")
        for n in range(6):
            self.client.post("/accounts/login/", {"username": "ann", "password": f"{n}"})
        self.client.post("/accounts/login/", {"username": "bob", "password": "a long enough one"})
        self.assertEqual(get_user(self.client), bob)
