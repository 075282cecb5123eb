"""Chat in the reader's language: every page, what is refused, what is exported; and in the site's what is stored."""

import re
from contextlib import contextmanager
from datetime import timedelta
from http import HTTPStatus
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from babel.messages.pofile import read_po
from django.conf import settings
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import SimpleTestCase, override_settings
from django.urls import reverse
from django.utils import timezone, translation

from chat import services
from chat.models import Membership, Message, ModerationAction, OutgoingHook, Room
from chat.services import access
from chat.tests.people import Place
from realtime.protocol import Refusal
from realtime.signals import user_notified
from realtime.testing import Browser, RealtimeTestCase, forget_limits
from tests.languages import PSEUDO, leftovers, pseudo_language

GERMAN = {"Accept-Language": "de"}
DATA = [
    *["owner", "moderator", "member", "muted", "banned", "left", "stranger", "staff", "robot", "idler", "Ci"],
    *["harbour", "quay", "Old", "note.txt", "UTC", "chat:read", "chat:write", "https://example.org", "https://"],
]


def words_of(page):
    """Its title and its content: the shell around them is tested by itself, and so is what other apps put into it."""
    html = page.content.decode()
    parts = re.findall(r"<title>.*?·|<main.*</main>", html, re.DOTALL) or [html]
    return leftovers(" ".join(parts).replace("<title>", "<p>").replace(" ·", "</p>"), DATA)


class PageTests(RealtimeTestCase):
    """Looked at by the owner of a room in which everything has happened."""

    @classmethod
    def setUpTestData(cls):
        cls.place = place = Place()
        cls.room, cls.owner = place.room, place.owner
        Room.objects.filter(pk=cls.room.pk).update(slow_mode_seconds=7)
        cls.direct = services.open_direct_room(cls.owner, place.member)
        cls.browsable = services.create_room(place.stranger, name="quay")
        cls.archived = services.create_room(cls.owner, name="Old")
        services.archive_room(cls.owner, cls.archived.pk)
        cls.closed = services.create_room(cls.owner, name="harbour", kind="closed")

    def setUp(self):
        super().setUp()
        self.client.force_login(self.owner)

    def check(self, path, status=HTTPStatus.OK, **data):
        with self.subTest(path, **data), pseudo_language():
            page = self.client.post(path, data, headers=PSEUDO) if data else self.client.get(path, headers=PSEUDO)
            self.assertEqual(page.status_code, status)
            self.assertEqual(words_of(page), [])

    def url(self, name, *args):
        return reverse(f"chat:{name}", args=args)

    def say_everything(self):
        place, room = self.place, self.room
        file = SimpleUploadedFile("note.txt", b"x")
        upload = services.upload_attachment(self.owner, room.pk, file)
        first = services.post_message(services.Draft(room.pk, self.owner, attachments=(upload.pk,)))
        replies = [services.post_message(services.Draft(room.pk, self.owner, "Aye", reply_to=first.id)) for _ in range(2)]
        services.post_message(services.Draft(room.pk, self.owner, "/me waves", reply_to=replies[1].id))
        services.edit_message(self.owner, room.pk, replies[0].id, "7", uuid4())
        services.set_reaction(self.owner, room.pk, replies[0].id, "👍", True, uuid4())
        services.delete_message(self.owner, room.pk, replies[1].id, uuid4())
        services.delete_message(self.owner, room.pk, place.say(place.member).pk, uuid4())
        services.create_hook(self.owner, room.pk, "Ci")
        return Message.objects.get(pk=replies[0].id)

    def test_rooms(self):
        message = self.say_everything()
        place = message.get_absolute_url()
        self.check(self.room.get_absolute_url())
        self.check(place)
        self.check(f"{place}edit/")
        self.check(f"{place}edit/", HTTPStatus.UNPROCESSABLE_ENTITY, body=" ")
        self.check(f"{place}delete/")
        self.check(f"{place}history/")
        self.check(self.url("message_list", self.room.pk))
        self.check(self.url("room_follow", self.room.pk))
        self.check(self.url("room_follow", self.room.pk) + "?paused")
        self.check(self.url("message_create", self.room.pk), HTTPStatus.UNPROCESSABLE_ENTITY, body="", client_id=uuid4())
        for room in (self.direct, self.closed, self.browsable, self.archived):
            self.check(room.get_absolute_url())
            self.check(self.url("room_follow", room.pk))
            self.check(self.url("member_list", room.pk))
        self.client.force_login(self.place.muted)
        self.check(self.room.get_absolute_url())

    def test_lists_and_forms(self):
        self.check(self.url("room_list"))
        Membership.objects.create(room=self.browsable, user=self.owner)
        self.check(self.url("room_list") + "?browse")
        self.check(self.url("room_create"))
        self.check(self.url("room_create"), HTTPStatus.UNPROCESSABLE_ENTITY, name=" ", kind="x")
        self.check(self.url("direct_open"))
        self.check(self.url("direct_open") + "?q=zz")
        self.check(self.url("direct_open"), HTTPStatus.UNPROCESSABLE_ENTITY, username="nobody")
        self.check(self.url("direct_open"), HTTPStatus.UNPROCESSABLE_ENTITY, username="owner")
        for room in (self.room, self.archived):
            self.check(self.url("room_edit", room.pk))
        self.check(self.url("room_edit", self.room.pk), HTTPStatus.UNPROCESSABLE_ENTITY, name=" ", slow_mode_seconds="9")
        self.client.force_login(self.place.stranger)
        self.check(self.url("invite_accept", self.room.invite_code))
        self.check(self.url("invite_accept", self.closed.invite_code))

    def test_members(self):
        User.objects.bulk_create(User(username=f"member{n}") for n in range(201))
        users = User.objects.filter(username__startswith="member")
        Membership.objects.bulk_create(Membership(room=self.room, user=user) for user in users.exclude(username="member"))
        self.check(self.url("member_list", self.room.pk))
        self.check(self.url("member_list", self.room.pk) + "?q=mod")
        self.check(self.url("member_add", self.room.pk), HTTPStatus.UNPROCESSABLE_ENTITY, username="nobody")

    def test_search(self):
        self.say_everything()
        self.place.say(self.owner, "Ahoy")
        services.post_message(services.Draft(self.direct.pk, self.owner, "Ahoy"))
        url = self.url("message_search")
        for query in ["", "?q=ahoy", "?author=owner", "?q=nothing-like-it", "?q=ahoy&before=1", "?since=x"]:
            self.check(url + query)

    def test_moderation(self):
        self.check(self.url("moderation_log", self.room.pk))
        soon = timezone.now() + timedelta(hours=1)
        for kind in ModerationAction.Kind:
            for target in (None, self.place.member):
                for until in (None, soon):
                    facts = {"actor": target and self.owner, "target": target, "until": until, "detail": "Why"}
                    ModerationAction.objects.create(room=self.room, kind=kind, **facts)
        Membership.objects.filter(user=self.place.left).update(banned_until=soon)
        self.check(self.url("moderation_log", self.room.pk))
        self.check(self.url("moderation_log", self.room.pk) + "?page=2")
        self.check(self.url("moderation_log", self.room.pk) + "?kind=mute&person=nobody")

    def test_bots(self):
        self.check(self.url("bot_list"))
        services.create_bot(self.owner, "idler")
        robot = services.create_bot(self.place.member, "robot").user
        Membership.objects.create(room=self.room, user=robot)
        token, _ = services.issue_token(self.place.member, robot.pk, "Ci", ["chat:read"])
        type(token).objects.update(last_used_at=timezone.now())
        services.issue_token(self.place.member, robot.pk, "Ci", ["chat:write"])
        User.objects.filter(username="robot").update(is_active=False)
        self.client.force_login(self.place.staff)
        self.check(self.url("bot_list"))
        self.check(self.url("bot_create"), HTTPStatus.CONFLICT, name="owner")
        self.check(self.url("token_create", robot.pk), HTTPStatus.UNPROCESSABLE_ENTITY, name="Ci")

    def test_hooks(self):
        urls = self.url("hook_list", self.room.pk), self.url("outgoing_list", self.room.pk)
        self.check(urls[0])
        self.check(urls[1])
        ended, _ = services.create_hook(self.owner, self.room.pk, "Ci")
        services.revoke_hook(self.owner, self.room.pk, ended.pk)
        _, secret = services.create_hook(self.owner, self.room.pk, "Ci")
        services.post_by_hook(secret, "Done")
        now = timezone.now()
        states = [{}, {"revoked_at": now, "created_by": None}, {"off_at": now, "failing_since": now, "last_error": "500"}]
        for facts in [*states, {"failing_since": now, "last_error": "500", "sent_at": now}]:
            made = {"url": "https://example.org/x", "events": "posted edited deleted", "sent_rev": 0, "created_by": self.owner}
            OutgoingHook.objects.create(**{"room": self.room, "name": "Ci"} | made | facts)
        self.check(urls[0])
        self.check(urls[1])
        self.check(self.url("hook_create", self.room.pk), name="Ci")
        self.check(self.url("hook_create", self.room.pk), HTTPStatus.UNPROCESSABLE_ENTITY, name="owner")
        self.check(self.url("outgoing_create", self.room.pk), HTTPStatus.UNPROCESSABLE_ENTITY, name="Ci")

    def test_what_is_said_after_an_act(self):
        self.client.force_login(self.owner)
        room, member = self.room.pk, self.place.member.pk
        acts = [
            ("member_mute", {"minutes": "5"}),
            ("member_unmute", {}),
            ("member_role", {"role": "moderator"}),
            ("member_remove", {}),
            ("member_ban", {"minutes": ""}),
            ("member_unban", {}),
            ("member_unban", {}),
        ]
        for name, data in acts:
            with self.subTest(name):
                page = self.client.post(self.url(name, room, member), data, headers=GERMAN, follow=True)
                self.assertContains(page, 'class="toast')
                self.assertNotRegex(page.content.decode(), r"\b(is|may|has)\b")

    def test_numbers_in_attributes_have_no_commas(self):
        self.say_everything()
        page = self.client.get(self.room.get_absolute_url(), headers=GERMAN).content.decode()
        self.assertEqual(re.findall(r'\s(?:data-[\w-]+|width|height|value|max)="-?\d+,\d+"', page), [])


class ExportTests(RealtimeTestCase):
    def test_a_page_is_in_the_language_of_whoever_asks_although_it_is_made_afterwards(self):
        place = Place()
        message = place.say(place.owner)
        services.delete_message(place.owner, place.room.pk, message.pk, uuid4())
        self.client.force_login(place.owner)
        answer = self.client.get(reverse("chat:room_export", args=[place.room.pk, "html"]), headers=GERMAN)
        with translation.override("en-gb"):
            page = async_to_sync(whole)(answer)
        self.assertIn('<html lang="de">', page)
        self.assertIn("4 Mitglieder: owner, moderator, member, muted. Exportiert am", page)
        self.assertIn("<p>Gelöscht.</p>", page)


async def whole(answer):
    return b"".join([piece async for piece in answer]).decode()


class RefusalTests(RealtimeTestCase):
    async def test_a_socket_hears_it_in_the_language_of_its_browser(self):
        owner = await User.objects.acreate(username="ann")
        room = await Room.objects.acreate(name="Lobby")
        await Membership.objects.acreate(room=room, user=owner)
        await Room.objects.filter(pk=room.pk).aupdate(archived_at=timezone.now())
        async with await Browser.open(owner, **{"accept-language": "de"}) as ann:
            answer = await ann.post("chat.message.post", room.group, body="Ahoy")
        self.assertEqual((answer["code"], answer["message"]), ("archived", "Dieser Raum ist archiviert."))

    def test_a_moment_in_it_is_in_that_language_too(self):
        end = timezone.now().replace(year=2126, month=3, day=5, hour=7, minute=30)
        with self.assertRaises(Refusal) as refused:
            access.check_may_speak(Room(), Membership(muted_until=end))
        self.assertEqual(str(refused.exception.message), "You are muted until 05 March, 07:30 UTC.")
        with translation.override("de"):
            self.assertEqual(str(refused.exception.message), "Sie sind bis 05 März, 07:30 UTC stummgeschaltet.")


@contextmanager
def hearing():
    """The texts that are told meanwhile, not evaluated yet."""
    told = []
    listen = lambda text, detail, **_: told.append((text, detail))  # noqa: E731
    user_notified.connect(listen)
    try:
        yield told
    finally:
        user_notified.disconnect(listen)


class ToldTests(RealtimeTestCase):
    def test_whoever_is_told_reads_it_in_their_own_language(self):
        place = Place()
        mine = place.say(place.member)
        with hearing() as told:
            services.post_message(services.Draft(place.room.pk, place.owner, "@moderator and you", reply_to=mine.pk))
        with translation.override("de"):
            texts = {str(text) for text, _ in told}
        self.assertEqual(texts, {"owner hat Sie in harbour erwähnt", "owner hat Ihnen in harbour geantwortet"})


class StoredTests(RealtimeTestCase):
    @override_settings(LANGUAGE_CODE="de")
    def test_what_is_stored_for_everybody_is_in_the_language_of_the_site(self):
        place = Place()
        with translation.override("en-gb"):
            services.change_room(place.owner, place.room.pk, name="Hafen", topic="")
            services.change_role(place.owner, place.room.pk, place.member.pk, "moderator")
            forget_limits()
            file = services.upload_attachment(place.owner, place.room.pk, SimpleUploadedFile("\u202e", b"x"))
        self.assertEqual(Message.objects.get(room=place.room).body, "hat den Raum in „Hafen“ umbenannt")
        self.assertEqual(ModerationAction.objects.get(room=place.room).detail, "Mitglied → Moderator")
        self.assertEqual(file.name, "Datei.txt")


@pytest.mark.once
class EmojiTests(SimpleTestCase):
    def test_each_language_has_words_for_the_same_ones(self):
        source = (settings.BASE_DIR / "chat/static/chat/emoji.js").read_text()
        with (settings.BASE_DIR / "chat/locale/de/LC_MESSAGES/djangojs.po").open("rb") as file:
            german = {message.id: message.string for message in read_po(file)}
        for row in re.findall(r'gettext\("(.*)"\)', source):
            self.assertEqual(signs(german[row]), signs(row))


def signs(row):
    return [entry.split()[0] for entry in row.split("|")]
