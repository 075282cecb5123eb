"""What staff do: only with the right, and always written down."""

import asyncio
import os
from threading import Timer
from unittest import mock

from asgiref.sync import sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer
from channels.layers import channel_layers
from channels.testing import WebsocketCommunicator
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.test import TestCase, override_settings

from dashboard import process, services
from dashboard.actions import drain
from dashboard.connections import all_connections
from dashboard.consumers import watch_consumers
from dashboard.layers import observers
from dashboard.models import StaffAction
from dashboard.services import Refused
from dashboard.store import Unreachable
from dashboard.tests.running import person, reporting

GROUP = "tests.board.1"


class Board(AsyncJsonWebsocketConsumer):
    """Somebody's consumer, which knows nothing of us."""

    async def connect(self):
        await self.accept()
        await self.channel_layer.group_add(GROUP, self.channel_name)

    async def disconnect(self, code):
        await self.channel_layer.group_discard(GROUP, self.channel_name)
        self.scope["ended"].append(code)

    async def board_said(self, event):
        await self.send_json(event)


class Tab(WebsocketCommunicator):
    def __init__(self, user=None):
        super().__init__(Board.as_asgi(), "/ws/board/")
        self.ended = []
        self.scope |= {"user": user, "ended": self.ended}


class ActionTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.boss = person("boss", is_staff=True, is_superuser=True)
        cls.viewer = person("viewer", is_staff=True)
        cls.ann = person("ann")

    def setUp(self):
        watch_consumers()
        self.agent = self.enterContext(reporting())
        self.store = self.agent.store

    async def tabs(self, *users):
        channel_layers.backends.clear()  # layers belong to an event loop
        tabs = [Tab(user) for user in users]
        for tab in tabs:
            await tab.connect()
        self.assertEqual(len([one for one in all_connections() if one.path == "/ws/board/"]), len(tabs))
        return tabs

    async def leave(self, *tabs):
        for tab in tabs:
            await tab.disconnect()

    async def test_a_message_reaches_everybody_in_the_group(self):
        tabs = await self.tabs(self.ann, None)
        message = {"type": "board.said", "text": "maintenance at ten"}
        reached = await sync_to_async(services.broadcast)(self.store, self.boss, GROUP, message, reason="deploy")
        for tab in tabs:
            self.assertEqual(await tab.receive_json_from(), message)
        self.assertEqual((reached.members, reached.processes), (2, 1))
        action = await StaffAction.objects.aget()
        self.assertEqual((action.username, action.action, action.target, action.reason), ("boss", "broadcast", GROUP, "deploy"))
        await self.leave(*tabs)

    @override_settings(CHANNEL_LAYERS=settings.CHANNEL_LAYERS | {"second": {"BACKEND": "channels.layers.InMemoryChannelLayer"}})
    async def test_a_message_goes_out_on_the_layer_that_has_the_members(self):
        (tab,) = await self.tabs(self.ann)
        self.addCleanup(observers.pop, "second")
        second = channel_layers["second"]
        await second.group_add("tests.second", "specific.inmemory!one")
        await sync_to_async(services.broadcast)(self.store, self.boss, "tests.second", {"type": "board.said"})
        async with asyncio.timeout(5):
            self.assertEqual((await second.receive("specific.inmemory!one"))["type"], "board.said")
        await self.leave(tab)

    async def test_a_message_that_would_close_sockets_is_refused(self):
        """Channels ends a consumer that has no handler for a type."""
        tabs = await self.tabs(self.ann)
        for kind in ["no.such.handler", "_private"]:
            with self.assertRaises(Refused):
                await sync_to_async(services.broadcast)(self.store, self.boss, GROUP, {"type": kind})
        self.assertTrue(await tabs[0].receive_nothing())
        self.assertEqual(await StaffAction.objects.acount(), 0)
        await self.leave(*tabs)

    async def test_a_message_to_many_needs_the_name_of_the_group(self):
        tabs = await self.tabs(self.ann, None)
        send = sync_to_async(services.broadcast)
        with mock.patch("dashboard.services.MANY", 1), mock.patch.object(services.confirm, "__defaults__", (1,)):
            with self.assertRaises(Refused):
                await send(self.store, self.boss, GROUP, {"type": "board.said"}, confirmation="board")
            await send(self.store, self.boss, GROUP, {"type": "board.said"}, confirmation=GROUP)
        await self.leave(*tabs)

    async def test_one_socket_is_closed_and_the_others_stay(self):
        first, second = await self.tabs(self.ann, None)
        socket = next(c for c in all_connections() if c.user == "ann")
        closed = await sync_to_async(services.disconnect)(self.store, self.boss, socket=f"c{socket.id}", boot=process.boot_id)
        self.assertEqual(closed, 1)
        action = await StaffAction.objects.aget()
        self.assertRegex(action.target, rf"socket c{socket.id} on .+ {os.getpid()} on .+")
        self.assertEqual(action.result, "1 closed, of ann")
        self.assertEqual(await first.receive_output(), {"type": "websocket.close", "code": 4403})
        await first.disconnect()
        self.assertTrue(await second.receive_nothing())
        await self.leave(second)

    async def test_everybody_in_a_group_or_all_of_a_person_are_closed(self):
        tabs = await self.tabs(self.ann, self.ann, None)
        close = sync_to_async(services.disconnect)
        self.assertEqual(await close(self.store, self.boss, username="ann"), 2)
        with self.assertRaises(Refused):
            await close(self.store, self.boss, group=GROUP)
        for tab in tabs[:2]:
            self.assertEqual((await tab.receive_output())["code"], 4403)
            await tab.disconnect()
        self.assertEqual(await close(self.store, self.boss, group=GROUP, confirmation=GROUP), 1)
        self.assertEqual((await tabs[2].receive_output())["code"], 4403)
        await tabs[2].disconnect()
        self.assertEqual([action.result async for action in StaffAction.objects.all()], ["1 closed", "2 closed, of ann"])

    async def test_a_drain_asks_everybody_to_come_back(self):
        tabs = await self.tabs(self.ann, None)
        boot = self.store.processes()[0]["boot"]
        self.assertEqual(await sync_to_async(services.drain)(self.store, self.boss, boot), 2)
        for tab in tabs:
            self.assertEqual((await tab.receive_output())["code"], 4012)
            await tab.disconnect()

    async def test_a_drain_needs_one_thread_for_each_batch(self):
        tabs = await self.tabs(*[None] * 7)
        with mock.patch("dashboard.actions.BATCH", 3), mock.patch("dashboard.actions.Timer", wraps=Timer) as timers:
            self.assertEqual(drain({}), {"closed": 7})
        self.assertEqual(timers.call_count, 3)
        for tab in tabs:
            self.assertEqual((await tab.receive_output())["code"], 4012)
            await tab.disconnect()

    async def test_members_are_the_live_sockets_with_who_has_them(self):
        tabs = await self.tabs(self.ann, None)
        from dashboard.queries.groups import group

        found = await sync_to_async(group)(self.store, GROUP)
        self.assertEqual(sorted(member["user"] for member in found["members"]), ["", "ann"])
        self.assertEqual({member["app"] for member in found["members"]}, {"dashboard"})
        await self.leave(tabs[0])
        self.assertEqual((await sync_to_async(group)(self.store, GROUP))["total"], 1)
        await self.leave(tabs[1])

    def test_every_action_needs_its_own_right(self):
        acts = {
            "broadcast": lambda user: services.broadcast(self.store, user, GROUP, {"type": "board.said"}),
            "disconnect": lambda user: services.disconnect(self.store, user, username="nobody"),
            "drain": lambda user: services.drain(self.store, user, self.store.processes()[0]["boot"]),
            "peek": lambda user: services.tap(self.store, user, GROUP, is_open=True, with_values=True, reason="a complaint"),
            "reap": lambda user: services.reap(self.store, user, 0),
            "view": lambda user: services.tap(self.store, user, GROUP, is_open=True),
        }
        everybody = {right: person(f"only-{right}", right, is_staff=True) for right in acts}
        everybody |= {"none": person("none"), "all but view": person("blind", "broadcast", "disconnect", "drain", "peek", "reap")}
        for right, act in acts.items():
            for who, user in everybody.items():
                allowed = who == right or (right == "view" and who not in {"none", "all but view"})
                with self.subTest(right, who=who):
                    if allowed:
                        act(user)
                    else:
                        self.assertRaises(PermissionDenied, act, user)

    def test_the_pages_refuse_what_the_services_refuse(self):
        posts = {
            f"groups/{GROUP}/broadcast/": {"message": '{"type": "board.said"}'},
            f"groups/{GROUP}/disconnect/": {"socket": "x c1"},
            "connections/disconnect/": {"user": "ann"},
            "processes/drain/": {"boot": "x"},
            "ghosts/reap/": {"remove": "0"},
            f"groups/{GROUP}/tap/": {"do": "values", "reason": "curious"},
        }
        self.client.force_login(self.viewer)
        for path, data in posts.items():
            with self.subTest(path):
                self.assertEqual(self.client.post(f"/dashboard/{path}", data).status_code, 403)
                self.assertEqual(self.client.get(f"/dashboard/{path}").status_code, 405)
        self.assertEqual(StaffAction.objects.count(), 0)

    def test_a_form_without_the_token_is_refused(self):
        from django.test import Client

        client = Client(enforce_csrf_checks=True)
        client.force_login(self.boss)
        self.assertEqual(client.post("/dashboard/connections/disconnect/", {"user": "ann"}).status_code, 403)

    def test_reading_values_needs_a_reason(self):
        with self.assertRaises(Refused):
            services.tap(self.store, self.boss, GROUP, is_open=True, with_values=True, reason="  ")
        services.tap(self.store, self.boss, GROUP, is_open=True, with_values=True, reason="complaint 17")
        self.assertEqual(StaffAction.objects.get().reason, "complaint 17")

    def test_bad_messages_get_an_answer_and_send_nothing(self):
        self.client.force_login(self.boss)
        for text in ["", "{", "[1]", '"x"', "{}", '{"type": 3}', '{"type": ""}', "[" * 5000, "x" * 70_000, "NaN"]:
            with self.subTest(text[:20]):
                answer = self.client.post(
                    f"/dashboard/groups/{GROUP}/broadcast/", {"message": text}, headers={"Accept": "application/json"}
                )
                self.assertEqual(answer.status_code, 422)
                self.assertTrue(answer.json()["said"])
        self.assertEqual(StaffAction.objects.count(), 0)

    def test_a_dry_run_says_whom_it_would_reach_and_sends_nothing(self):
        self.client.force_login(self.boss)
        answer = self.client.post(
            f"/dashboard/groups/{GROUP}/broadcast/", {"message": '{"type": "board.said"}', "dry": "1"}, follow=True
        )
        self.assertContains(answer, "would reach 0 members")
        self.assertContains(answer, "{&quot;type&quot;: &quot;board.said&quot;}")  # on the form again
        self.assertEqual(StaffAction.objects.count(), 0)

    def test_the_audit_is_added_to_and_never_changed(self):
        action = services.record(self.boss, "drain", "x", "why", "done")
        with self.assertRaises(PermissionError):
            action.save()
        with self.assertRaises(PermissionError):
            action.delete()
        with self.assertRaises(PermissionError):
            StaffAction.objects.update(reason="another")
        with self.assertRaises(PermissionError):
            StaffAction.objects.all().delete()
        self.client.force_login(self.boss)
        for page in ["add/", f"{action.pk}/delete/"]:
            self.assertEqual(self.client.get(f"/admin/dashboard/staffaction/{page}").status_code, 403)
        self.assertContains(self.client.get("/admin/dashboard/staffaction/"), "boss")
        self.client.force_login(self.viewer)
        self.assertContains(self.client.get("/dashboard/audit/"), "boss")

    def test_the_number_of_a_socket_is_nothing_without_its_process(self):
        self.client.force_login(self.boss)
        answer = self.client.post("/dashboard/connections/disconnect/", {"socket": " c5"}, headers={"Accept": "application/json"})
        self.assertEqual(answer.status_code, 422)

    def test_what_was_asked_for_is_written_down_also_when_no_answer_comes(self):
        with mock.patch.object(self.store, "ask", side_effect=Unreachable("cut")), self.assertRaises(Unreachable):
            services.disconnect(self.store, self.boss, username="ann", reason="spam")
        action = StaffAction.objects.get()
        self.assertEqual((action.target, action.reason), ("person ann", "spam"))
        self.assertIn("not known", action.result)

    def test_who_did_it_is_known_after_they_are_gone(self):
        services.record(self.boss, "drain", "x", "", "done")
        self.boss.delete()
        self.assertEqual(StaffAction.objects.get().username, "boss")
