"""A room to take away: complete, in order, for members only, and never whole in memory."""

import io
import json
from html.parser import HTMLParser
from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.test import AsyncClient
from django.urls import reverse

from chat import export, services
from chat.models import Attachment, Membership, Message, Room
from realtime.limits import unlimited
from realtime.testing import RealtimeTestCase


class ExportTestCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        self.ann = User.objects.create(username="ann")
        self.bob = User.objects.create(username="bob")
        self.room = services.create_room(self.ann, name="launch", topic="To the <moon>")

    def say(self, body, **options):
        with unlimited():
            posted = services.post_message(services.Draft(self.room.pk, self.ann, body, client_id=uuid4(), **options))
        return Message.objects.get(pk=posted.id)

    def lines(self):
        return [json.loads(line) for line in "".join(export.export(self.room, "jsonl")).splitlines()]

    def html(self):
        return "".join(export.export(self.room, "html"))


class JsonLinesTests(ExportTestCase):
    def test_everything_that_was_said_is_there_in_order(self):
        for number in range(7):
            self.say(f"line {number}\nétage")
        with mock.patch.object(export, "PAGE", 3):
            lines = self.lines()
        self.assertEqual([line["body"] for line in lines], [f"line {number}\nétage" for number in range(7)])
        self.assertEqual([line["seq"] for line in lines], list(range(1, 8)))

    def test_replies_edits_reactions_and_files_come_along(self):
        first = self.say("helo")
        services.edit_message(self.ann, self.room.pk, first.pk, "hello", uuid4())
        services.set_reaction(self.ann, self.room.pk, first.pk, "👍", True, uuid4())
        Attachment.objects.create(
            owner=self.ann,
            room=self.room,
            message=first,
            name="a.png",
            content_type="image/png",
            size=9,
            sha256="ab" * 32,
            width=3,
            height=4,
        )
        self.say("hi", reply_to=first.pk)
        one, two = self.lines()
        self.assertEqual((one["author"], one["body"], one["kind"]), ("ann", "hello", "text"))
        self.assertEqual([(edit["body"], edit["editor"]) for edit in one["edits"]], [("helo", "ann")])
        self.assertIsNotNone(one["edited_at"])
        self.assertEqual(one["reactions"], [{"emoji": "👍", "user": "ann"}])
        self.assertEqual(
            [(file["name"], file["size"], file["sha256"], file["width"], file["height"]) for file in one["attachments"]],
            [("a.png", 9, "ab" * 32, 3, 4)],
        )
        self.assertEqual((two["reply_to"], one["reply_to"]), (one["seq"], None))

    def test_a_deleted_message_keeps_its_place_and_nothing_else(self):
        message = self.say("secret")
        services.delete_message(self.ann, self.room.pk, message.pk, uuid4())
        (line,) = self.lines()
        self.assertEqual(line["body"], "")
        self.assertIsNotNone(line["deleted_at"])

    def test_nothing_said_is_an_empty_file(self):
        self.assertEqual(self.lines(), [])

    def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(self):
        for number in range(2):
            message = self.say(f"line {number}")
            services.edit_message(self.ann, self.room.pk, message.pk, "changed", uuid4())
        with mock.patch.object(export, "PAGE", 100), self.assertNumQueries(6):
            list(export.export(self.room, "jsonl"))


class HtmlTests(ExportTestCase):
    def test_it_is_one_page_that_loads_nothing_and_runs_nothing(self):
        self.say("<script>alert(1)</script> [x](javascript:alert(1)) **bold** https://example.com/a")
        html = self.html()
        tags = Tags.of(html)
        self.assertFalse({"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tags})
        self.assertFalse([name for _, names in tags for name in names if name.startswith("on") or name == "src"])
        self.assertIn("<strong>bold</strong>", html)
        self.assertIn("To the &lt;moon&gt;", html)
        self.assertEqual(html.count("<html"), 1)
        self.assertTrue(html.rstrip().endswith("</html>"))

    def test_a_room_whose_topic_looks_like_the_seam_is_cut_in_the_right_place(self):
        services.change_room(self.ann, self.room.pk, topic=export.MESSAGES_HERE)
        self.room.refresh_from_db()
        self.say(export.MESSAGES_HERE)
        self.assertEqual(self.html().count("</html>"), 1)
        self.assertEqual(self.html().count("<h1>"), 1)


class Tags(HTMLParser):
    """The elements of a page, with the names of their attributes."""

    @classmethod
    def of(cls, html):
        parser = cls()
        parser.tags = []
        parser.feed(html)
        return parser.tags

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, [name for name, _ in attributes]))


class ViewTests(ExportTestCase):
    async def get(self, user, format="jsonl"):
        client = AsyncClient()
        if user:
            await client.aforce_login(user)
        response = await client.get(reverse("chat:room_export", args=[self.room.pk, format]))
        response.body = b"".join([piece async for piece in response]) if response.streaming else response.content
        response.close()
        return response

    async def test_a_member_gets_a_download(self):
        for format, content_type in {"jsonl": "application/x-ndjson", "html": "text/html"}.items():
            response = await self.get(self.ann, format)
            self.assertEqual(response.status_code, 200)
            self.assertTrue(response.headers["Content-Type"].startswith(content_type))
            self.assertRegex(response.headers["Content-Disposition"], rf'^attachment; filename="launch-[\d-]+\.{format}"$')
            self.assertTrue(response.headers["Content-Security-Policy"].startswith("sandbox"))

    async def test_it_is_streamed_in_pieces(self):
        from realtime.threads import in_database

        for number in range(5):
            await in_database(self.say, f"line {number}")
        with mock.patch.object(export, "PAGE", 2):
            pieces = [piece async for piece in export.streamed(export.export(self.room, "jsonl"))]
        self.assertEqual([piece.count("\n") for piece in pieces], [0, 2, 2, 1, 0])

    async def test_a_room_is_exported_by_its_members_only(self):
        self.assertEqual((await self.get(self.bob)).status_code, 403)
        await Room.objects.filter(pk=self.room.pk).aupdate(kind=Room.Kind.CLOSED)
        self.assertEqual((await self.get(self.bob)).status_code, 404)
        await Membership.objects.acreate(room=self.room, user=self.bob)
        self.assertEqual((await self.get(self.bob)).status_code, 200)
        self.assertEqual((await self.get(None)).status_code, 302)

    async def test_an_unknown_format_is_not_found(self):
        self.assertEqual((await self.get(self.ann, "exe")).status_code, 404)

    async def test_exports_are_limited_in_pace(self):
        self.assertIn(429, [(await self.get(self.ann)).status_code for _ in range(7)])


class CommandTests(ExportTestCase):
    def run_command(self, *arguments):
        call_command("chat_export", *arguments, stdout=(output := io.StringIO()))
        return output.getvalue()

    def test_a_room_is_named_or_numbered(self):
        self.say("hello")
        self.assertEqual(json.loads(self.run_command("launch"))["body"], "hello")
        self.assertIn("<p>hello</p>", self.run_command(str(self.room.pk), "--format=html"))

    def test_a_room_that_is_not_there_or_not_the_only_one_is_told(self):
        with self.assertRaisesMessage(CommandError, "There is no room nowhere."):
            self.run_command("nowhere")
        services.create_room(self.ann, name="launch")
        with self.assertRaisesMessage(CommandError, "Several rooms"):
            self.run_command("launch")
