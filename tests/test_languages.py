"""Pages, scripts and sockets in the reader's language; stored and shared words in one that holds for all."""

import shutil
import subprocess
import sys
from gettext import GNUTranslations
from http import HTTPStatus
from io import BytesIO

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings
from django.contrib.auth import get_user_model
from django.test import TestCase, override_settings
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from realtime.languages import in_site_language, language_of
from realtime.protocol import Refusal
from tests.languages import PSEUDO, catalogues, leftovers, pseudo_language

GERMAN = {"Accept-Language": "de-AT,de;q=0.9"}
TOOLS = shutil.which("xgettext")


class PageTests(TestCase):
    def test_a_page_is_in_the_language_the_browser_prefers(self):
        page = self.client.get("/", headers=GERMAN)
        self.assertContains(page, '<html lang="de" dir="ltr">')
        self.assertContains(page, "Anmelden")
        self.assertContains(page, '<script src="/words/de.js"></script>', html=True)

    def test_in_english_no_catalogue_is_loaded(self):
        page = self.client.get("/", headers={"Accept-Language": "en-US"})
        self.assertContains(page, '<html lang="en-gb"')
        self.assertNotContains(page, "/words/")

    def test_each_language_is_offered_by_its_own_name(self):
        self.assertContains(self.client.get("/", headers=GERMAN), 'lang="en-gb" >English</button>')

    def test_a_chosen_language_lasts_and_leads_back(self):
        answer = self.client.post("/language/", {"language": "de", "next": "/accounts/login/"})
        self.assertRedirects(answer, "/accounts/login/")
        self.assertContains(self.client.get("/", headers={"Accept-Language": "en"}), '<html lang="de"')

    def test_another_site_is_not_led_to(self):
        answer = self.client.post("/language/", {"language": "de", "next": "https://elsewhere.example/"})
        self.assertEqual(answer["Location"], "/")

    def test_every_word_of_the_shell_can_be_translated(self):
        user = get_user_model().objects.create_user("ann", password="a-good-password")
        with pseudo_language():
            for url in ["/", "/accounts/login/", "/accounts/sign-up/", "/nowhere/"]:
                with self.subTest(url=url):
                    self.assertEqual(leftovers(self.client.get(url, headers=PSEUDO).content.decode()), [])
            self.client.force_login(user)
            for url in ["/", "/accounts/password_change/", "/accounts/password_change/done/"]:
                with self.subTest(url=url):
                    self.assertEqual(leftovers(self.client.get(url, headers=PSEUDO).content.decode(), ["ann"]), [])


class WordsTests(TestCase):
    def test_the_catalogue_of_scripts(self):
        answer = self.client.get("/words/de.js")
        self.assertEqual(answer["Content-Type"], 'text/javascript; charset="utf-8"')
        self.assertEqual(answer["Content-Language"], "de")
        self.assertContains(answer, "Verbindung wird hergestellt")

    def test_a_language_that_there_is_not(self):
        self.assertEqual(self.client.get("/words/tlh.js").status_code, HTTPStatus.NOT_FOUND)


class SocketLanguageTests(TestCase):
    def test_the_cookie_wins_over_what_the_browser_prefers(self):
        scope = {"headers": [(b"cookie", b"django_language=de"), (b"accept-language", b"en")]}
        self.assertEqual(language_of(scope), "de")

    def test_a_program_without_either_gets_the_language_of_the_site(self):
        self.assertEqual(language_of({"headers": []}), "en-gb")

    def test_a_header_that_is_none(self):
        self.assertEqual(language_of({"headers": [(b"accept-language", b"\xff\xfe;q=x" * 99), (b"cookie", b"=;=a/b")]}), "en-gb")


class RefusalTests(TestCase):
    def test_it_is_in_the_language_of_whoever_shows_it(self):
        with translation.override("de"):
            refusal = Refusal("not_allowed", _("Log in"))
        self.assertEqual(refusal.message, "Log in")
        with translation.override("de"):
            self.assertEqual(refusal.to_event().message, "Anmelden")

    @override_settings(LANGUAGE_CODE="de")
    def test_what_is_stored_is_in_the_language_of_the_site(self):
        with translation.override("en-gb"), in_site_language():
            self.assertEqual(str(_("Log in")), "Anmelden")


def messages_of(path):
    with path.open("rb") as file:
        return {(message.context, message.id): message for message in read_po(file) if message.id}


@pytest.mark.once
@pytest.mark.parametrize("path", catalogues("de"), ids=lambda path: str(path.relative_to(settings.BASE_DIR)))
class TestCatalogue:
    def test_it_is_complete(self, path):
        lacking = [key for key, message in messages_of(path).items() if not all_strings(message) or message.fuzzy]
        assert lacking == []

    def test_its_placeholders_are_those_of_the_source(self, path):
        with path.open("rb") as file:
            assert [(message.id, errors) for message, errors in read_po(file).check()] == []

    def test_it_is_compiled(self, path):
        with path.open("rb") as source, path.with_suffix(".mo").open("rb") as compiled:
            write_mo(fresh := BytesIO(), read_po(source))
            fresh.seek(0)
            assert said_by(compiled) == said_by(fresh)


def said_by(compiled):
    return {key: said for key, said in GNUTranslations(compiled)._catalog.items() if key}  # without its header


def all_strings(message):
    return all(message.string) if isinstance(message.string, tuple) else message.string


@pytest.mark.once
@pytest.mark.skipif(not TOOLS, reason="GNU gettext is not installed (apt install gettext).")
def test_the_catalogues_list_what_the_source_says(tmp_path):
    """`manage.py makemessages` on a copy: it finds nothing that is not in the catalogues, and all that is."""
    copy = tmp_path / "site"
    shutil.copytree(settings.BASE_DIR, copy, ignore=shutil.ignore_patterns(".*", "var", "vendor", "docs", "*.json", "*.png"))
    command = [sys.executable, "manage.py", "makemessages"]
    environment = {"PATH": "/usr/bin:/bin", "DEBUG": "1", "STATE_DIR": str(tmp_path / "var")}
    subprocess.run(command, cwd=copy, check=True, capture_output=True, env=environment)
    for path in catalogues("de"):
        fresh = set(messages_of(copy / path.relative_to(settings.BASE_DIR)))
        assert fresh == set(messages_of(path)), f"run manage.py makemessages, translate, manage.py compilemessages: {path}"
