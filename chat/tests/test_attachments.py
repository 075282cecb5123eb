"""Files: what may come in, what is left of it, and who may have it."""

import hashlib
import io
import tempfile
from base64 import b64encode
from datetime import timedelta
from pathlib import Path
from unittest import mock
from uuid import uuid4

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.test import AsyncClient, SimpleTestCase, override_settings
from django.urls import reverse
from django.utils.timezone import now
from PIL import Image, PngImagePlugin

from chat import files, services
from chat.models import Attachment, Membership, Message, Room
from chat.services import attachments
from realtime.limits import unlimited
from realtime.protocol import Refusal
from realtime.servers.hardening import MAX_BODY_BYTES
from realtime.testing import RealtimeTestCase

PDF = b"%PDF-1.7\n<script>alert(1)</script>"


def picture(kind="PNG", size=(40, 20), mode="RGB", **options):
    output = io.BytesIO()
    Image.new(mode, size, 128).save(output, format=kind, **options)
    return output.getvalue()


def upload(data, name="file"):
    return SimpleUploadedFile(name, data)


def animation(kind, frames, size=(40, 20)):
    images = [Image.new("RGB", size, (number * 37 % 256, number * 91 % 256, number * 53 % 256)) for number in range(frames)]
    output = io.BytesIO()
    images[0].save(output, format=kind, save_all=True, append_images=images[1:], duration=40, loop=0)
    return output.getvalue()


class FilesTestCase(RealtimeTestCase):
    def setUp(self):
        super().setUp()
        media = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.enterContext(override_settings(MEDIA_ROOT=media))
        self.folder = media / "chat"
        self.ann = User.objects.create(username="ann")
        self.bob = User.objects.create(username="bob")
        self.room = services.create_room(self.ann, name="board", kind=Room.Kind.CLOSED)

    def upload(self, data=b"hello", name="note.txt", user=None):
        with unlimited():
            return services.upload_attachment(user or self.ann, self.room.pk, upload(data, name))

    def post(self, *carried, body="look"):
        ids = tuple(attachment.pk for attachment in carried)
        draft = services.Draft(self.room.pk, self.ann, body, client_id=uuid4(), attachments=ids)
        return Message.objects.get(pk=services.post_message(draft).id)

    def stored(self):
        return sorted(path.name for path in self.folder.iterdir()) if self.folder.exists() else []


class ContentTests(SimpleTestCase):
    def read(self, data, name="file"):
        return files.read(upload(data, name))

    def refused(self, data, name="file"):
        with self.assertRaises(Refusal) as caught:
            self.read(data, name)
        self.assertEqual(caught.exception.field, "file")
        return caught.exception.code

    def test_the_content_decides_the_type_whatever_the_name_says(self):
        self.assertEqual(self.read(picture("PNG"), "x.html").content_type, "image/png")
        self.assertEqual(self.read(picture("JPEG"), "x.txt").content_type, "image/jpeg")
        self.assertEqual(self.read(picture("WEBP"), "x").content_type, "image/webp")
        self.assertEqual(self.read(picture("GIF"), "x.pdf").content_type, "image/gif")
        self.assertEqual(self.read(PDF, "x.png").content_type, "application/pdf")
        self.assertEqual(self.read("grüße,1\n".encode(), "x.csv").content_type, "text/plain")

    def test_html_and_svg_are_plain_text(self):
        for text in [b"<html><script>alert(1)</script>", b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>']:
            content = self.read(text, "x.svg")
            self.assertEqual((content.content_type, content.name), ("text/plain", "x.svg.txt"))

    def test_what_is_not_on_the_list_is_refused(self):
        for data in [
            b"MZ\x90\x00\x03\x00\x00\x00",
            b"PK\x03\x04\x00\x00",
            b"\x7fELF\x02\x01",
            b"caf\xe9",
            "hi".encode("utf-16"),
            b"a\0b",
        ]:
            self.assertEqual(self.refused(data, "x.txt"), "bad_value")
        self.assertEqual(self.refused(b""), "bad_value")

    def test_an_image_of_a_kind_that_is_not_on_the_list_is_refused(self):
        for kind in ["BMP", "TIFF", "ICO"]:
            self.assertEqual(self.refused(picture(kind)), "bad_value")

    def test_the_largest_file_fits_into_a_request_with_its_form(self):
        self.assertGreater(MAX_BODY_BYTES, files.MAX_BYTES + 10_000)

    def test_a_file_that_is_too_big_is_refused_without_being_read(self):
        file = mock.Mock(size=files.MAX_BYTES + 1, **{"read.side_effect": AssertionError})
        with self.assertRaises(Refusal) as caught:
            files.read(file)
        self.assertEqual(caught.exception.code, "too_long")

    def test_damaged_images_are_refused(self):
        for kind in ["PNG", "JPEG", "WEBP", "GIF"]:
            data = picture(kind, (300, 300))
            for broken in [data[: len(data) // 2], data[:12], data[:30] + b"\xff" * 400]:
                self.assertIn(self.refused(broken), {"bad_value", "too_long"}, kind)

    def test_metadata_does_not_survive(self):
        text = PngImagePlugin.PngInfo()
        text.add_text("Comment", "secret place")
        exif = Image.Exif()
        exif[0x010E] = "secret place"
        exif.get_ifd(0x8825)[2] = (52.0, 31.0, 0.0)
        sources = {
            "PNG": picture("PNG", pnginfo=text, exif=exif, icc_profile=b"secret place"),
            "JPEG": picture("JPEG", exif=exif, comment="secret place", icc_profile=b"secret place", xmp=b"secret place"),
            "WEBP": picture("WEBP", exif=exif, icc_profile=b"secret place", xmp=b"secret place"),
            "GIF": picture("GIF", comment="secret place"),
        }
        for kind, data in sources.items():
            self.assertIn(b"secret place", data if kind != "PNG" else data + b"secret place")
            cleaned = self.read(data).data
            self.assertNotIn(b"secret place", cleaned, kind)
            with Image.open(io.BytesIO(cleaned)) as image:
                self.assertEqual(dict(image.getexif()), {}, kind)
                self.assertFalse({"comment", "Comment", "icc_profile", "xmp", "exif"} & set(image.info), kind)

    def test_a_file_behind_the_image_does_not_survive(self):
        for kind in ["PNG", "JPEG", "GIF"]:
            self.assertNotIn(b"<script>", self.read(picture(kind) + b"<script>alert(1)</script>").data)

    def test_a_photograph_stands_upright(self):
        exif = Image.Exif()
        exif[0x0112] = 6  # turn by 90 degrees
        content = self.read(picture("JPEG", (40, 20), exif=exif))
        self.assertEqual((content.width, content.height), (20, 40))

    def test_images_of_every_mode_come_through(self):
        for kind, modes in {
            "PNG": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
            "JPEG": ["L", "RGB", "CMYK"],
            "GIF": ["L", "P"],
        }.items():
            for mode in modes:
                content = self.read(picture(kind, mode=mode))
                with Image.open(io.BytesIO(content.data)) as image:
                    image.load()
                    self.assertEqual((image.format, image.size), (kind, (40, 20)))

    def test_transparency_is_kept(self):
        output = io.BytesIO()
        Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(output, format="PNG")
        with Image.open(io.BytesIO(self.read(output.getvalue()).data)) as image:
            self.assertEqual(image.convert("RGBA").getpixel((0, 0))[3], 0)

    def test_an_animation_stays_one(self):
        for kind in ["GIF", "WEBP", "PNG"]:
            with Image.open(io.BytesIO(self.read(animation(kind, 5)).data)) as image:
                self.assertEqual((image.n_frames, image.format), (5, kind))

    def test_an_animation_without_end_is_refused(self):
        self.assertEqual(self.refused(animation("GIF", files.MAX_FRAMES + 1, (2, 2))), "too_long")
        with mock.patch.object(files, "MAX_PIXELS", 40 * 20 * 3):
            self.assertEqual(self.refused(animation("GIF", 4)), "too_long")
            self.assertEqual(self.read(animation("GIF", 3)).width, 40)

    def test_an_image_bomb_is_refused_before_it_is_decoded(self):
        bomb = picture("PNG", (6_000, 5_000), mode="1")
        self.assertLess(len(bomb), 20_000)
        with mock.patch.object(Image.Image, "load", side_effect=AssertionError):
            self.assertEqual(self.refused(bomb), "too_long")
        header = bytearray(bomb)
        header[16:24] = (50_000).to_bytes(4, "big") * 2
        self.assertIn(self.refused(bytes(header)), {"too_long", "bad_value"})


class NameTests(SimpleTestCase):
    def test_names_are_harmless(self):
        for name, shown in {
            "../../etc/passwd": "passwd.txt",
            r"C:\Users\ann\notes.txt": "notes.txt",
            "x\0.txt": "x .txt",
            "\u202etxt.exe": "txt.exe.txt",
            "a\nb\r\n.txt": "a b .txt",
            "...hidden.txt": "hidden.txt",
            "": "file.txt",
            "/": "file.txt",
            "e\u0301.TXT": "é.TXT",
            "data.csv": "data.csv",
            "page.html": "page.html.txt",
            "<b>&\"'.txt": "<b>&\"'.txt",
        }.items():
            self.assertEqual(files.clean_name(name, "text/plain"), shown, repr(name))

    def test_names_are_short_and_keep_their_end(self):
        name = files.clean_name("ж" * 500 + ".jpeg", "image/jpeg")
        self.assertEqual((len(name), name[-5:]), (100, ".jpeg"))


class UploadTests(FilesTestCase):
    def refused(self, *args, **kwargs):
        with self.assertRaises(Refusal) as caught:
            self.upload(*args, **kwargs)
        self.assertEqual((self.stored(), Attachment.objects.count()), ([], 0))
        return caught.exception.code

    def test_an_image_is_kept_under_a_random_name_with_its_size(self):
        attachment = self.upload(picture("PNG"), "../holiday.png")
        self.assertEqual((attachment.name, attachment.width, attachment.height), ("holiday.png", 40, 20))
        self.assertEqual(self.stored(), [str(attachment.pk)])
        self.assertEqual(attachment.size, (self.folder / str(attachment.pk)).stat().st_size)

    def test_a_stranger_learns_nothing_of_the_room(self):
        self.assertEqual(self.refused(user=self.bob), "not_found")

    def test_who_may_not_speak_may_not_upload(self):
        services.invite_member(self.ann, self.room.pk, self.bob)
        Membership.objects.filter(user=self.bob).update(muted_until=now() + timedelta(hours=1))
        self.assertEqual(self.refused(user=self.bob), "muted")
        services.archive_room(self.ann, self.room.pk)
        self.assertEqual(self.refused(), "archived")

    def test_a_refused_file_leaves_nothing(self):
        self.assertEqual(self.refused(b"\0\1"), "bad_value")

    def test_the_files_of_a_person_have_a_quota(self):
        with mock.patch.object(attachments, "QUOTA_BYTES", 10):
            self.assertEqual(self.refused(b"x" * 11), "too_long")
            self.upload(b"x" * 6)
            with self.assertRaises(Refusal):
                self.upload(b"x" * 5)
            self.upload(b"x" * 4)
        self.assertEqual(len(self.stored()), 2)

    def test_uploads_are_limited_in_pace(self):
        with self.assertRaises(Refusal) as caught:
            for _ in range(20):
                services.upload_attachment(self.ann, self.room.pk, upload(b"x"))
        self.assertEqual(caught.exception.code, "rate_limited")
        self.assertGreater(caught.exception.retry_after, 0)

    def test_a_failing_database_leaves_no_file(self):
        with mock.patch.object(Attachment, "save_base", side_effect=DatabaseError), self.assertRaises(DatabaseError):
            self.upload()
        with mock.patch.object(Attachment, "_do_insert", side_effect=DatabaseError), self.assertRaises(DatabaseError):
            self.upload()
        self.assertEqual((self.stored(), Attachment.objects.count()), ([], 0))


class PruneTests(FilesTestCase):
    def prune(self, days):
        with mock.patch.object(attachments.timezone, "now", return_value=now() + timedelta(days=days)):
            call_command("chat_prune", stdout=(output := io.StringIO()))
        return output.getvalue()

    def test_an_upload_that_no_message_came_for_goes_after_a_day(self):
        self.upload()
        self.assertEqual(self.prune(0.9), "0 files removed.\n")
        self.assertEqual(self.prune(1.1), "1 files removed.\n")
        self.assertEqual((self.stored(), Attachment.objects.count()), ([], 0))

    def test_a_posted_file_stays(self):
        self.post(self.upload())
        self.assertEqual(self.prune(400), "0 files removed.\n")
        self.assertEqual(len(self.stored()), 1)

    def test_a_file_that_no_row_knows_goes(self):
        attachment = self.upload()
        Attachment.objects.filter(pk=attachment.pk).delete()
        self.prune(1.1)
        self.assertEqual(self.stored(), [])


class ViewTests(FilesTestCase):
    async def browser(self, user):
        client = AsyncClient()
        await client.aforce_login(user)
        return client

    async def get(self, user, attachment, **headers):
        response = await (await self.browser(user)).get(attachment.get_absolute_url(), headers=headers)
        response.body = b"".join([chunk async for chunk in response]) if response.streaming else response.content
        response.close()
        return response

    async def send(self, data, name="note.txt", user=None, field="file"):
        url = reverse("chat:attachment_create", args=[self.room.pk])
        return await (await self.browser(user or self.ann)).post(url, {field: upload(data, name)})

    async def in_database(self, function, *args, **kwargs):
        from realtime.threads import in_database

        return await in_database(function, *args, **kwargs)

    async def test_uploading_answers_with_what_a_page_needs(self):
        response = await self.send(picture("PNG"), "cat.png")
        self.assertEqual(response.status_code, 201)
        facts = response.json()
        self.assertEqual(facts["url"], reverse("chat:attachment_detail", args=[facts["id"]]))
        del facts["id"], facts["url"], facts["size"]
        self.assertEqual(facts, {"name": "cat.png", "content_type": "image/png", "is_image": True, "width": 40, "height": 20})

    async def test_what_is_refused_is_told_with_its_field_and_status(self):
        response = await self.send(b"\0\1")
        self.assertEqual((response.status_code, response.json()["code"], response.json()["field"]), (422, "bad_value", "file"))
        self.assertEqual((await self.send(b"x", field="other")).status_code, 400)
        self.assertEqual((await self.send(b"x", user=self.bob)).status_code, 404)
        url = reverse("chat:attachment_create", args=[self.room.pk])
        response = await AsyncClient().post(url, {"file": upload(b"x")})
        self.assertEqual((response.status_code, response.json()["code"]), (401, "not_logged_in"))

    async def test_an_image_is_shown_in_place_and_nothing_else_is(self):
        for data, name, disposition, content_type in [
            (picture("PNG"), "cat.png", 'inline; filename="cat.png"', "image/png"),
            (PDF, "a.pdf", 'attachment; filename="a.pdf"', "application/pdf"),
            (b"<script>alert(1)</script>", "a.html", 'attachment; filename="a.html.txt"', "text/plain; charset=utf-8"),
        ]:
            attachment = await self.in_database(self.upload, data, name)
            response = await self.get(self.ann, attachment)
            self.assertEqual(response.headers["Content-Disposition"], disposition)
            self.assertEqual(response.headers["Content-Type"], content_type)
            self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")
            self.assertEqual(response.headers["Content-Security-Policy"], "sandbox; default-src 'none'")
            self.assertIn("private", response.headers["Cache-Control"])
            self.assertEqual(len(response.body), int(response.headers["Content-Length"]))

    async def test_a_browser_that_has_it_is_not_sent_it_again(self):
        attachment = await self.in_database(self.upload)
        first = await self.get(self.ann, attachment)
        again = await self.get(self.ann, attachment, **{"if-none-match": first.headers["ETag"]})
        self.assertEqual((again.status_code, again.body), (304, b""))
        stranger = await self.get(self.bob, attachment, **{"if-none-match": first.headers["ETag"]})
        self.assertEqual(stranger.status_code, 404)

    async def test_whoever_downloads_can_tell_whether_all_of_it_came(self):
        attachment = await self.in_database(self.upload, picture("PNG"), "cat.png")
        response = await self.get(self.ann, attachment)
        digest = hashlib.sha256(response.body)
        self.assertEqual(attachment.sha256, digest.hexdigest())
        self.assertEqual(response.headers["ETag"], f'"{digest.hexdigest()}"')
        self.assertEqual(response.headers["Repr-Digest"], f"sha-256=:{b64encode(digest.digest()).decode()}:")

    async def test_a_file_from_before_there_were_digests_is_known_by_its_number(self):
        attachment = await self.in_database(self.upload)
        await Attachment.objects.aupdate(sha256=None)
        response = await self.get(self.ann, attachment)
        self.assertEqual(response.headers["ETag"], f'"{attachment.pk}"')
        self.assertNotIn("Repr-Digest", response.headers)

    async def test_before_it_is_posted_a_file_is_its_owners(self):
        await self.in_database(services.invite_member, self.ann, self.room.pk, self.bob)
        attachment = await self.in_database(self.upload)
        self.assertEqual((await self.get(self.ann, attachment)).status_code, 200)
        self.assertEqual((await self.get(self.bob, attachment)).status_code, 404)
        await self.in_database(self.post, attachment)
        self.assertEqual((await self.get(self.bob, attachment)).status_code, 200)

    async def test_who_leaves_the_room_has_its_files_no_more(self):
        await self.in_database(services.invite_member, self.ann, self.room.pk, self.bob)
        attachment = await self.in_database(self.upload)
        await self.in_database(self.post, attachment)
        await self.in_database(services.leave_room, self.bob, self.room.pk)
        self.assertEqual((await self.get(self.bob, attachment)).status_code, 404)
        self.assertEqual((await AsyncClient().get(attachment.get_absolute_url())).status_code, 302)

    async def test_a_deleted_message_takes_its_files_with_it(self):
        attachment = await self.in_database(self.upload)
        message = await self.in_database(self.post, attachment)
        await self.in_database(services.delete_message, self.ann, self.room.pk, message.pk, uuid4())
        self.assertEqual((await self.get(self.ann, attachment)).status_code, 404)
        self.assertEqual(self.stored(), [])

    async def test_a_file_that_vanished_from_the_disk_is_not_found(self):
        attachment = await self.in_database(self.upload)
        (self.folder / str(attachment.pk)).unlink()
        self.assertEqual((await self.get(self.ann, attachment)).status_code, 404)


class PartialTests(FilesTestCase):
    def show(self, attachment):
        return render_to_string("chat/_attachment.html", {"attachment": attachment})

    def test_an_image_reserves_its_place(self):
        html = self.show(self.upload(picture("PNG", (4_000, 10)), '"><script>x.png'))
        self.assertIn('width="4000" height="10"', html)
        self.assertIn('loading="lazy"', html)
        self.assertNotIn("<script>", html)

    def test_a_file_shows_its_name_and_size(self):
        html = self.show(self.upload(b"x" * 2048, "a<b>.txt"))
        self.assertIn("a&lt;b&gt;.txt", html)
        self.assertIn("2.0", html)
