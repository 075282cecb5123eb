"""Incoming webhooks: a secret that posts into one room, once per key, and is written down nowhere."""

import json
import logging
from unittest import mock
from uuid import uuid4

from django.urls import reverse

from chat import services
from chat.models import IncomingHook, Message, ModerationAction
from chat.services import messages
from chat.tests.people import Place
from realtime.protocol import Refusal
from realtime.testing import RealtimeTestCase


class HookCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.place = Place()
        self.room = self.place.room
        self.hook, self.secret = services.create_hook(self.place.moderator, self.room.pk, "Deployments")

    def post(self, body, secret=None, content_type="application/json", **headers):
        url = reverse("chat:hook_receive", args=[secret or self.secret])
        data = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(url, data, content_type=content_type, headers=headers)

    def last(self):
        return Message.objects.filter(room=self.room).order_by("seq").last()


class ServiceTests(HookCase):
    def test_only_moderators_make_and_revoke_webhooks(self):
        for user in [self.place.member, self.place.stranger, self.place.banned, self.place.staff]:
            for act in [
                lambda user=user: services.create_hook(user, self.room.pk, "x"),
                lambda user=user: services.revoke_hook(user, self.room.pk, self.hook.pk),
            ]:
                with self.assertRaises(Refusal) as caught:
                    act()
                self.assertIn(caught.exception.code, {"not_allowed", "banned"})

    def test_a_moderator_of_one_room_does_not_revoke_the_webhook_of_another(self):
        elsewhere = services.create_room(self.place.member, name="elsewhere")
        with self.assertRaises(Refusal) as caught:
            services.revoke_hook(self.place.member, elsewhere.pk, self.hook.pk)
        self.assertEqual(caught.exception.code, "not_found")

    def test_names_are_words_of_one_direction(self):
        for name in ["", " ", "a" * 81, "a\u202eb", "a\nb", "\x00"]:
            with self.assertRaises(Refusal) as caught:
                services.create_hook(self.place.moderator, self.room.pk, name)
            self.assertEqual(caught.exception.field, "name")

    def test_a_room_has_so_many_webhooks_and_no_more(self):
        with mock.patch.object(services.hooks, "HOOKS_PER_ROOM", 1), self.assertRaises(Refusal):
            services.create_hook(self.place.moderator, self.room.pk, "x")

    def test_making_and_revoking_is_in_the_log(self):
        services.revoke_hook(self.place.owner, self.room.pk, self.hook.pk)
        kinds = [(action.kind, action.actor, action.detail) for action in ModerationAction.objects.all()]
        self.assertEqual(
            kinds,
            [("revoke_hook", self.place.owner, "Deployments"), ("add_hook", self.place.moderator, "Deployments")],
        )

    def test_the_secret_is_not_stored(self):
        self.assertNotIn(self.secret, str(IncomingHook.objects.filter(pk=self.hook.pk).values().get()))


class PostTests(HookCase):
    def test_json_becomes_a_message_of_nobody_in_the_hooks_name(self):
        answer = self.post({"text": "**Version 7** is out"})
        self.assertEqual(answer.status_code, 201)
        message = self.last()
        self.assertEqual((message.author, message.author_name, message.hook), (None, "Deployments", self.hook))
        self.assertIn("<strong>Version 7</strong>", message.html)
        self.assertEqual(answer.json(), {"id": message.pk, "seq": message.seq, "rev": message.rev})

    def test_a_form_will_do_too(self):
        answer = self.post("text=Caf%C3%A9+open", content_type="application/x-www-form-urlencoded")
        self.assertEqual((answer.status_code, self.last().body), (201, "Café open"))

    def test_it_may_not_bear_the_name_of_a_person(self):
        answer = self.post({"text": "Hi", "name": "Owner"})
        self.assertEqual((answer.status_code, answer.json()["code"]), (422, "bad_value"))

    def test_it_may_give_itself_a_name(self):
        self.post({"text": "Hi", "name": "Build 12"})
        self.assertEqual(self.last().author_name, "Build 12")

    def test_fields_that_other_services_send_are_ignored(self):
        self.assertEqual(self.post({"text": "Hi", "attachments": [{"x": [1]}], "channel": "#a"}).status_code, 201)

    def test_the_secret_may_come_as_a_header_and_keep_out_of_access_logs(self):
        url, data = reverse("chat:hook_post"), json.dumps({"text": "Hi"})
        headers = {"Authorization": f"Bearer {self.secret}"}
        answer = self.client.post(url, data, content_type="application/json", headers=headers)
        self.assertEqual(answer.status_code, 201)
        answer = self.client.post(url, data, content_type="application/json")
        self.assertEqual((answer.status_code, answer.json()["code"]), (401, "not_logged_in"))

    def test_the_slash_at_the_end_may_be_forgotten(self):
        url = reverse("chat:hook_receive", args=[self.secret]).removesuffix("/")
        answer = self.client.post(url, {"text": "Hi"}, content_type="application/json")
        self.assertEqual(answer.status_code, 201)

    def test_no_csrf_token_is_needed(self):
        client = self.client_class(enforce_csrf_checks=True)
        answer = client.post(reverse("chat:hook_receive", args=[self.secret]), {"text": "Hi"}, content_type="application/json")
        self.assertEqual(answer.status_code, 201)

    def test_the_same_key_makes_one_message(self):
        key = str(uuid4())
        first = self.post({"text": "Once"}, **{"Idempotency-Key": key})
        again = self.post({"text": "Once, they said"}, **{"Idempotency-Key": key})
        self.assertEqual((first.status_code, again.status_code), (201, 200))
        self.assertEqual(first.json(), again.json())
        self.assertEqual(Message.objects.filter(hook=self.hook).count(), 1)

    def test_the_same_key_of_another_hook_is_another_message(self):
        _, secret = services.create_hook(self.place.moderator, self.room.pk, "Alarms")
        key = str(uuid4())
        self.post({"text": "Once"}, **{"Idempotency-Key": key})
        self.assertEqual(self.post({"text": "Once"}, secret, **{"Idempotency-Key": key}).status_code, 201)

    def test_a_key_that_is_no_uuid_is_refused(self):
        answer = self.post({"text": "Once"}, **{"Idempotency-Key": "yesterday"})
        self.assertEqual((answer.status_code, answer.json()["field"]), (400, "Idempotency-Key"))

    def test_a_secret_that_is_wrong_or_revoked_is_not_found(self):
        services.revoke_hook(self.place.owner, self.room.pk, self.hook.pk)
        for secret in [self.secret, "bch_wrong", "x" * 3000]:
            answer = self.post({"text": "Hi"}, secret)
            self.assertEqual((answer.status_code, answer.json()["code"]), (404, "not_found"))
        self.assertIsNone(self.last())

    def test_an_archived_room_takes_nothing(self):
        services.archive_room(self.place.owner, self.room.pk)
        answer = self.post({"text": "Hi"})
        self.assertEqual((answer.status_code, answer.json()["code"]), (409, "archived"))

    def test_bad_bodies_are_refused_with_a_type(self):
        for body, status, code in [
            ("", 400, "bad_json"),
            ("{", 400, "bad_json"),
            ("[1]", 400, "bad_field"),
            ("{}", 400, "bad_field"),
            ('{"text": 7}', 400, "bad_field"),
            ('{"text": "a\\u0000b"}', 400, "bad_field"),
            ('{"text": "\\ud800"}', 400, "bad_json"),
            (b'{"text": "\xff"}', 400, "bad_json"),
            ('{"text": "  "}', 422, "bad_value"),
            ({"text": "a" * 4_001}, 400, "bad_field"),
            ({"text": "Hi", "name": "a\u202eb"}, 422, "bad_value"),
            ('{"text": "Hi", "x": ' + "[" * 30_000 + "]" * 30_000 + "}", 400, "bad_json"),
            ({"text": "Hi", "x": "y" * 70_000}, 413, "too_long"),
        ]:
            answer = self.post(body)
            self.assertEqual((answer.status_code, answer.json()["code"]), (status, code), str(body)[:60])
        self.assertIsNone(self.last())

    def test_bad_forms_are_refused_with_a_type(self):
        for body in ["", "words=none", "text=%ff", "text=a%00b", "&".join(f"a{n}=1" for n in range(50))]:
            answer = self.post(body, content_type="application/x-www-form-urlencoded")
            self.assertEqual(answer.status_code, 400, body)

    def test_a_hook_that_is_too_fast_is_told_when_to_come_back(self):
        with mock.patch.object(messages.posts_per_hook, "burst", 1):
            self.post({"text": "One"})
            answer = self.post({"text": "Two"})
        self.assertEqual((answer.status_code, answer.json()["code"]), (429, "rate_limited"))
        self.assertIn("Retry-After", answer)

    def test_only_posting_posts(self):
        self.assertEqual(self.client.get(reverse("chat:hook_receive", args=[self.secret])).status_code, 405)


class SecrecyTests(HookCase):
    def test_django_logs_what_it_refuses_without_the_secret(self):
        with self.assertLogs("django.request", logging.WARNING) as logged:
            self.post("{")
            self.client.get(reverse("chat:hook_receive", args=[self.secret]))
            services.revoke_hook(self.place.owner, self.room.pk, self.hook.pk)
            self.post({"text": "Hi"})
        self.assertEqual(len(logged.output), 3)
        self.assertNotIn(self.secret, str(logged.output))
        self.assertIn("/chat/hooks/", logged.output[0])

    def test_the_page_shows_the_secret_once(self):
        self.client.force_login(self.place.moderator)
        answer = self.client.post(reverse("chat:hook_create", args=[self.room.pk]), {"name": "Alarms"})
        secret = answer.context["secret"]
        self.assertContains(answer, secret)
        self.assertIn("no-store", answer["Cache-Control"])
        self.assertNotIn(secret, str(dict(self.client.session)))
        self.assertEqual(self.post({"text": "Hi"}, secret).status_code, 201)
        self.assertNotContains(self.client.get(reverse("chat:hook_list", args=[self.room.pk])), secret)


class PageTests(HookCase):
    def test_the_page_exists_for_moderators_only(self):
        url = reverse("chat:hook_list", args=[self.room.pk])
        for user, status in [
            (self.place.owner, 200),
            (self.place.moderator, 200),
            (self.place.member, 404),
            (self.place.banned, 404),
            (self.place.stranger, 404),
            (self.place.staff, 404),
        ]:
            self.client.force_login(user)
            self.assertEqual(self.client.get(url).status_code, status, user)

    def test_it_says_what_it_is_for_when_there_is_none(self):
        IncomingHook.objects.all().delete()
        self.client.force_login(self.place.owner)
        self.assertContains(self.client.get(reverse("chat:hook_list", args=[self.room.pk])), "Let other programs speak here")

    def test_revoking_by_the_page(self):
        self.client.force_login(self.place.moderator)
        self.client.post(reverse("chat:hook_revoke", args=[self.room.pk, self.hook.pk]))
        self.assertEqual(self.post({"text": "Hi"}).status_code, 404)

    def test_a_name_is_asked_for(self):
        self.client.force_login(self.place.moderator)
        answer = self.client.post(reverse("chat:hook_create", args=[self.room.pk]), {"name": " "})
        self.assertEqual(answer.status_code, 422)
