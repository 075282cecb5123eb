"""Bots and their tokens: who may make them, what a token may do, and that a revoked one is over at once."""

from datetime import timedelta
from unittest import mock
from uuid import uuid4

from asgiref.sync import sync_to_async as in_thread
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from chat import services
from chat.models import Bot
from chat.tests.people import Place
from realtime import tokens
from realtime.models import AccessToken
from realtime.protocol import Refusal
from realtime.testing import Browser, RealtimeTestCase


class BotCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place()
        self.room, self.owner = self.place.room, self.place.owner
        self.bot = services.create_bot(self.owner, "gull")
        services.invite_member(self.owner, self.room.pk, self.bot.user)

    def token(self, *scopes):
        return services.issue_token(self.owner, self.bot.pk, "test", list(scopes or services.bots.SCOPES))

    def headers(self, *scopes):
        return {"Authorization": f"Bearer {self.token(*scopes)[1]}"}

    def refusal(self, function, *args):
        with self.assertRaises(Refusal) as caught:
            function(*args)
        return caught.exception


class OwnerTests(BotCase):
    def test_a_bot_is_a_user_that_cannot_log_in(self):
        self.assertFalse(self.bot.user.has_usable_password())
        self.assertEqual(self.bot.owner, self.owner)

    def test_names_are_as_narrow_as_those_of_people(self):
        for name in ["", " ", "two words", "a" * 31, "<b>", "-dash", "gull\u202e", "@gull"]:
            self.assertEqual(self.refusal(services.create_bot, self.owner, name).field, "name", name)

    def test_a_name_is_taken_in_any_case(self):
        self.assertEqual(self.refusal(services.create_bot, self.owner, "GULL").code, "conflict")

    def test_a_person_has_so_many_bots_and_no_more(self):
        with mock.patch.object(services.bots, "BOTS_PER_PERSON", 1):
            self.assertEqual(self.refusal(services.create_bot, self.owner, "tern").code, "not_allowed")

    def test_only_its_owner_and_staff_give_a_bot_tokens(self):
        services.issue_token(self.place.staff, self.bot.pk, "staff", ["chat:read"])
        for user in [self.place.member, self.place.stranger, self.bot.user]:
            self.assertEqual(self.refusal(services.issue_token, user, self.bot.pk, "x", ["chat:read"]).code, "not_found")

    def test_nobody_gets_a_token_of_a_person(self):
        refusal = self.refusal(services.issue_token, self.place.staff, self.owner.pk, "x", ["chat:read"])
        self.assertEqual(refusal.code, "not_found")

    def test_scopes_are_those_that_exist(self):
        for scopes in [[], ["chat:admin"], ["chat:read", "tracker:write"]]:
            self.assertEqual(self.refusal(services.issue_token, self.owner, self.bot.pk, "x", scopes).field, "scopes")

    def test_a_bot_has_so_many_tokens_and_no_more(self):
        with mock.patch.object(services.bots, "TOKENS_PER_BOT", 1):
            token, _ = self.token()
            self.assertEqual(self.refusal(self.token).code, "not_allowed")
            services.revoke_token(self.owner, token.pk)
            self.token()

    def test_the_secret_is_not_stored(self):
        token, secret = self.token()
        stored = AccessToken.objects.filter(pk=token.pk).values().get()
        self.assertNotIn(secret, str(stored))
        self.assertTrue(secret.startswith(stored["prefix"]))

    def test_only_its_owner_and_staff_revoke_a_token(self):
        token, _ = self.token()
        for user in [self.place.member, self.bot.user]:
            self.assertEqual(self.refusal(services.revoke_token, user, token.pk).code, "not_found")
        services.revoke_token(self.place.staff, token.pk)
        persons, _ = AccessToken.issue(self.owner, "of a person", "chat:read")
        self.assertEqual(self.refusal(services.revoke_token, self.place.staff, persons.pk).code, "not_found")


class TokenTests(BotCase):
    def test_only_a_bearer_header_with_a_living_token_counts(self):
        token, secret = self.token()
        self.assertEqual(tokens.token_from_header(f"Bearer {secret}"), token)
        self.assertEqual(tokens.token_from_header(f"bearer  {secret} "), token)
        for value in ["", "Bearer", "Bearer ", secret, f"Basic {secret}", f"Bearer {secret}x", "Bearer \x00", "Bearer é"]:
            self.assertIsNone(tokens.token_from_header(value), value)

    def test_a_revoked_token_is_over(self):
        token, secret = self.token()
        services.revoke_token(self.owner, token.pk)
        self.assertIsNone(tokens.token_from_header(f"Bearer {secret}"))

    def test_the_token_of_a_deactivated_bot_is_over(self):
        _, secret = self.token()
        self.bot.user.is_active = False
        self.bot.user.save()
        self.assertIsNone(tokens.token_from_header(f"Bearer {secret}"))

    def test_its_use_is_noted_at_most_once_a_minute(self):
        token, secret = self.token()
        tokens.token_from_header(f"Bearer {secret}")
        with self.assertNumQueries(1):
            tokens.token_from_header(f"Bearer {secret}")
        AccessToken.objects.update(last_used_at=timezone.now() - timedelta(seconds=61))
        with self.assertNumQueries(2):
            tokens.token_from_header(f"Bearer {secret}")
        token.refresh_from_db()
        self.assertAlmostEqual(token.last_used_at, timezone.now(), delta=timedelta(seconds=5))


class ReadingTests(BotCase):
    def setUp(self):
        super().setUp()
        self.url = reverse("chat:api_message_list", args=[self.room.pk])

    def get(self, url=None, scopes=("chat:read",), headers=None, **query):
        return self.client.get(url or self.url, query, headers=headers or self.headers(*scopes))

    def test_without_a_valid_token_there_is_a_typed_401(self):
        for headers in [{"Authorization": ""}, {"Authorization": "Bearer bc_wrong"}, {"Authorization": "Basic YTpi"}]:
            answer = self.client.get(self.url, headers=headers)
            self.assertEqual((answer.status_code, answer.json()["code"]), (401, "not_logged_in"))
            self.assertEqual(answer["WWW-Authenticate"], "Bearer")

    def test_a_cookie_is_no_token(self):
        self.client.force_login(self.owner)
        self.assertEqual(self.client.get(self.url).status_code, 401)

    def test_a_token_without_the_scope_is_refused(self):
        answer = self.get(scopes=["chat:write"])
        self.assertEqual((answer.status_code, answer.json()["code"]), (403, "not_allowed"))

    def test_the_rooms_of_the_bot_and_no_others(self):
        Place(name="elsewhere")
        services.open_direct_room(self.owner, self.bot.user)
        rooms = self.get(reverse("chat:api_room_list")).json()["rooms"]
        self.assertEqual([room["name"] for room in rooms], ["harbour", "owner"])
        self.assertEqual(rooms[0]["feed"], self.room.group)

    def test_the_number_of_queries_does_not_grow_with_the_rooms(self):
        headers, url = self.headers(), reverse("chat:api_room_list")
        self.client.get(url, headers=headers)
        with self.assertNumQueries(3):
            self.client.get(url, headers=headers)
        for number in range(5):
            room = Place(name=f"room {number}").room
            services.invite_member(self.owner, room.pk, self.bot.user)
        with self.assertNumQueries(3):
            self.assertEqual(len(self.client.get(url, headers=headers).json()["rooms"]), 6)

    def test_catching_up_gives_the_events_of_the_socket(self):
        rev = self.get().json()["rev"]
        message = self.place.say(self.owner, "Ahoy *there*")
        services.edit_message(self.owner, self.room.pk, self.place.say(self.owner).pk, "changed", uuid4())
        answer = self.get(after=rev).json()
        self.assertEqual([event["type"] for event in answer["events"]], ["chat.message.posted"] * 2)
        self.assertEqual(answer["events"][0]["id"], message.pk)
        self.assertIn("<em>there</em>", answer["events"][0]["html"])
        self.assertEqual(answer["events"][1]["body"], "changed")
        self.room.refresh_from_db()
        self.assertEqual((answer["rev"], answer["epoch"], answer["more"]), (self.room.rev, self.room.epoch, False))
        self.assertEqual(self.get(after=answer["rev"]).json()["events"], [])

    def test_catching_up_page_by_page_misses_nothing(self):
        posted = [self.place.say(self.owner, f"number {number}").pk for number in range(7)]
        rev, seen, more, headers = 0, [], True, self.headers()
        while more:
            answer = self.get(after=rev, limit=2, headers=headers).json()
            seen += [event["id"] for event in answer["events"] if event["type"] == "chat.message.posted"]
            rev, more = answer["rev"], answer["more"]
        self.assertEqual(seen, posted)

    def test_paging_back_from_a_place(self):
        for number in range(1, 6):
            self.place.say(self.owner, f"number {number}")
        last = self.get(limit=2).json()
        self.assertEqual([event["seq"] for event in last["events"]], [4, 5])
        self.assertTrue(last["more"])
        first = self.get(before_seq=4, limit=10).json()
        self.assertEqual([event["seq"] for event in first["events"]], [1, 2, 3])
        self.assertFalse(first["more"])

    def test_numbers_that_are_none_are_refused_by_name(self):
        for query in [{"after": "x"}, {"after": "-1"}, {"after": "9" * 30}, {"limit": 0}, {"limit": 201}, {"before_seq": "²"}]:
            answer = self.get(**query)
            self.assertEqual((answer.status_code, answer.json()["field"]), (400, next(iter(query))), query)

    def test_a_room_that_is_not_ones_business_looks_like_none(self):
        closed = Place("closed", "cabin").room
        answers = [self.get(reverse("chat:api_message_list", args=[pk])) for pk in [closed.pk, closed.pk + 999]]
        self.assertEqual([answer.status_code for answer in answers], [404, 404])
        self.assertEqual(answers[0].content, answers[1].content)

    def test_a_banned_bot_reads_nothing(self):
        services.ban_member(self.owner, self.room.pk, self.bot.pk)
        self.assertEqual(self.get().status_code, 404)

    def test_too_many_calls_are_told_when_to_come_back(self):
        headers = self.headers()
        with mock.patch.object(tokens.calls_per_token, "burst", 1):
            self.get(headers=headers)
            answer = self.get(headers=headers)
        self.assertEqual((answer.status_code, answer.json()["code"]), (429, "rate_limited"))
        self.assertGreaterEqual(int(answer["Retry-After"]), 1)

    def test_reading_does_not_write(self):
        self.assertEqual(self.client.post(self.url, headers=self.headers()).status_code, 405)


class WritingTests(BotCase):
    async def post(self, headers, **fields):
        command = {"type": "chat.message.post", "client_id": str(uuid4()), "feed": self.room.group, **fields}
        return await self.async_client.post("/commands/", command, content_type="application/json", headers=headers)

    async def test_posting_over_http_with_the_scope(self):
        headers, client_id = await in_thread(self.headers)("chat:write"), str(uuid4())
        answer = await self.post(headers, body="Squawk", client_id=client_id)
        self.assertEqual((answer.status_code, answer.json()["type"]), (200, "realtime.ack"))
        again = await self.post(headers, body="Squawk", client_id=client_id)
        self.assertEqual(again.json(), answer.json())

    async def test_posting_without_the_scope_is_refused(self):
        answer = await self.post(await in_thread(self.headers)("chat:read"), body="Squawk")
        self.assertEqual((answer.status_code, answer.json()["code"]), (403, "not_allowed"))

    async def test_a_bot_on_the_socket_is_a_member_like_others(self):
        headers = await in_thread(self.headers)()
        async with await Browser.open(None, origin="", authorization=headers["Authorization"]) as bot:
            await bot.resume(**{self.room.group.replace(".", "_"): None})
            self.assertEqual((await bot.post("chat.message.post", self.room.group, body="Squawk"))["type"], "realtime.ack")

    async def test_a_token_that_only_reads_hears_but_does_not_speak(self):
        headers = await in_thread(self.headers)("chat:read")
        async with await Browser.open(None, origin="", authorization=headers["Authorization"]) as bot:
            await bot.resume(**{self.room.group.replace(".", "_"): None})
            await in_thread(self.place.say)(self.owner, "Hello")
            self.assertEqual((await bot.expect("chat.message.posted"))["body"], "Hello")
            self.assertEqual((await bot.post("chat.message.post", self.room.group, body="Squawk"))["code"], "not_allowed")

    async def test_a_token_that_only_writes_hears_nothing(self):
        headers = await in_thread(self.headers)("chat:write")
        async with await Browser.open(None, origin="", authorization=headers["Authorization"]) as bot:
            answer = await bot.resume(**{self.room.group.replace(".", "_"): None})
            self.assertEqual(answer["type"], "realtime.feed.refused")

    async def test_revoking_a_token_closes_its_open_socket(self):
        token, secret = await in_thread(self.token)()
        async with await Browser.open(None, origin="", authorization=f"Bearer {secret}") as bot:
            await in_thread(services.revoke_token)(self.owner, token.pk)
            self.assertEqual((await self.until_closed(bot))["code"], 4401)

    async def test_deactivating_a_bot_closes_its_open_socket(self):
        _, secret = await in_thread(self.token)()
        async with await Browser.open(None, origin="", authorization=f"Bearer {secret}") as bot:
            self.bot.user.is_active = False
            await self.bot.user.asave()
            self.assertEqual((await self.until_closed(bot))["code"], 4401)

    async def test_a_revoked_token_does_not_open_a_socket(self):
        token, secret = await in_thread(self.token)()
        await in_thread(services.revoke_token)(self.owner, token.pk)
        bot = await Browser.connect(None, origin="", authorization=f"Bearer {secret}")
        self.assertEqual((await self.until_closed(bot))["code"], 4401)
        await bot.close()

    async def until_closed(self, browser):
        while (frame := await browser.next())["type"] != "websocket.close":
            pass
        return frame


class PageTests(BotCase):
    def setUp(self):
        super().setUp()
        self.client.force_login(self.owner)

    def test_the_page_says_what_to_do_when_there_is_no_bot(self):
        self.client.force_login(self.place.member)
        self.assertContains(self.client.get(reverse("chat:bot_list")), "A bot is a member that is a program")

    def test_one_sees_ones_own_bots_and_staff_see_all(self):
        self.assertContains(self.client.get(reverse("chat:bot_list")), "gull")
        self.client.force_login(self.place.member)
        self.assertNotContains(self.client.get(reverse("chat:bot_list")), "gull")
        self.client.force_login(self.place.staff)
        self.assertContains(self.client.get(reverse("chat:bot_list")), "gull")

    def test_making_a_bot(self):
        self.client.post(reverse("chat:bot_create"), {"name": "tern"})
        self.assertEqual(Bot.objects.get(user__username="tern").owner, self.owner)

    def test_a_name_that_is_taken_is_said_in_the_form(self):
        answer = self.client.post(reverse("chat:bot_create"), {"name": "gull"})
        self.assertContains(answer, "This name is taken", status_code=409)

    def test_the_secret_is_in_one_answer_and_nowhere_else(self):
        url = reverse("chat:token_create", args=[self.bot.pk])
        answer = self.client.post(url, {"name": "laptop", "scopes": ["chat:read"]})
        secret = answer.context["secret"]
        self.assertContains(answer, secret)
        self.assertIn("no-store", answer["Cache-Control"])
        self.assertNotIn(secret, str(dict(self.client.session)))
        self.assertNotContains(self.client.get(reverse("chat:bot_list")), secret)
        self.assertEqual(tokens.token_from_header(f"Bearer {secret}").scopes, "chat:read")

    def test_the_bot_of_another_gets_no_token(self):
        self.client.force_login(self.place.member)
        answer = self.client.post(reverse("chat:token_create", args=[self.bot.pk]), {"name": "x", "scopes": ["chat:read"]})
        self.assertEqual(answer.status_code, 404)
        self.assertEqual(AccessToken.objects.count(), 0)

    def test_revoking_by_the_page(self):
        token, secret = self.token()
        self.client.post(reverse("chat:token_revoke", args=[token.pk]))
        self.assertIsNone(tokens.token_from_header(f"Bearer {secret}"))

    def test_the_page_takes_the_same_queries_for_many_bots(self):
        self.client.get(reverse("chat:bot_list"))  # the first look makes the person's room list
        with CaptureQueriesContext(connection) as before:
            self.client.get(reverse("chat:bot_list"))
        for number in range(4):
            bot = services.create_bot(self.owner, f"bot{number}")
            services.issue_token(self.owner, bot.pk, "t", ["chat:read"])
        with self.assertNumQueries(len(before)):
            self.client.get(reverse("chat:bot_list"))

    def test_strangers_are_sent_to_log_in(self):
        self.client.logout()
        self.assertEqual(self.client.get(reverse("chat:bot_list")).status_code, 302)

    def test_nothing_here_changes_by_looking(self):
        token, _ = self.token()
        for name, args in [("bot_create", []), ("token_create", [self.bot.pk]), ("token_revoke", [token.pk])]:
            self.assertEqual(self.client.get(reverse(f"chat:{name}", args=args)).status_code, 405)
        self.assertFalse(User.objects.filter(username="tern").exists())
