"""Who may do what: every service, for every place that somebody can have towards a room, in every kind of room."""

from uuid import uuid4

from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse

from chat import services
from chat.models import IncomingHook, Message, ModerationAction, OutgoingHook, Room
from chat.tests.people import PLACES, Place
from realtime.protocol import Refusal
from realtime.testing import RealtimeTestCase, forget_limits

CODES = {"ok": "ok", "no": "not_allowed", "nf": "not_found", "mu": "muted", "ba": "banned"}
MEMBERS_SPEAK = ("ok ok ok mu ba no no no", "ok ok ok mu ba nf nf nf")
MEMBERS = ("ok ok ok ok ba no no no", "ok ok ok ok ba nf nf nf")
MODERATORS = ("ok ok no no ba no no no", "ok ok no no ba nf nf nf")
OWNERS = ("ok no no no ba no no no", "ok no no no ba nf nf nf")
SPEAKERS_NOT = ("no no no mu ba no no no", "no no no mu ba nf nf nf")

# owner, moderator, member, muted, banned, left, stranger, staff (who is in no room): in an open room, and in a closed one
MATRIX = {
    "read": ("ok ok ok ok nf ok ok ok", "ok ok ok ok nf nf nf nf"),
    "join_room": ("ok ok ok ok ba ok ok ok", "ok ok ok ok nf nf nf nf"),
    "join_by_invite": ("ok ok ok ok ba ok ok ok", "ok ok ok ok ba ok ok ok"),
    "post_message": MEMBERS_SPEAK,
    "edit_message": SPEAKERS_NOT,
    "delete_message": MODERATORS,
    "set_reaction": MEMBERS_SPEAK,
    "upload_attachment": MEMBERS_SPEAK,
    "mark_read": MEMBERS,
    "start_typing": MEMBERS_SPEAK,
    "change_room": MODERATORS,
    "archive_room": OWNERS,
    "invite_member": ("ok ok ok ok ba no no no", MODERATORS[1]),
    "renew_invite": MODERATORS,
    "leave_room": MEMBERS,
    "mute_member": MODERATORS,
    "unmute_member": MODERATORS,
    "ban_member": MODERATORS,
    "unban_member": MODERATORS,
    "remove_member": MODERATORS,
    "change_role": OWNERS,
    "create_hook": MODERATORS,
    "revoke_hook": MODERATORS,
    "create_outgoing_hook": MODERATORS,
    "revoke_outgoing_hook": MODERATORS,
}
# Of a direct room: one of the two, anybody else.
DIRECT = {
    "read": "ok nf",
    "join_room": "ok nf",
    "post_message": "ok nf",
    "edit_message": "no nf",
    "delete_message": "no nf",
    "set_reaction": "ok nf",
    "upload_attachment": "ok nf",
    "mark_read": "ok nf",
    "start_typing": "ok nf",
    "change_room": "no nf",
    "archive_room": "no nf",
    "invite_member": "no nf",
    "renew_invite": "no nf",
    "leave_room": "no nf",
    "mute_member": "no nf",
    "unmute_member": "no nf",
    "ban_member": "no nf",
    "unban_member": "no nf",
    "remove_member": "no nf",
    "change_role": "no nf",
    "create_hook": "no nf",
    "revoke_hook": "no nf",
    "create_outgoing_hook": "no nf",
    "revoke_outgoing_hook": "no nf",
}
# Services that are about no room, or ask for something else than a place in one; they have tests of their own.
ELSEWHERE = {
    "archive_by_staff",
    "create_bot",
    "create_room",
    "delete_message_by_staff",
    "forward",
    "issue_token",
    "open_direct_room",
    "post_by_hook",
    "post_messages",
    "prune_attachments",
    "read_own",
    "revoke_hook_by_staff",
    "revoke_outgoing_hook_by_staff",
    "revoke_token",
    "room_list_of",
    "try_outgoing_hook",
}


def act(action, user, room, *, message, target, hook, outgoing):
    """Do one thing as this person, to rows that may be of this room or not."""
    match action:
        case "read":
            if not Room.objects.readable_by(user).filter(pk=room.pk).exists():
                raise Refusal("not_found", "")
        case "join_by_invite":
            services.join_by_invite(user, room.invite_code)
        case "post_message":
            services.post_message(services.Draft(room.pk, user, "Hello", client_id=uuid4()))
        case "edit_message":
            services.edit_message(user, room.pk, message.pk, "changed", uuid4())
        case "delete_message":
            services.delete_message(user, room.pk, message.pk, uuid4())
        case "set_reaction":
            services.set_reaction(user, room.pk, message.pk, "👍", True, uuid4())
        case "upload_attachment":
            services.upload_attachment(user, room.pk, SimpleUploadedFile("a.txt", b"text"))
        case "mark_read":
            services.mark_read(user, room.pk, 1)
        case "change_room":
            services.change_room(user, room.pk, topic="another", slow_mode_seconds=5)
        case "invite_member":
            services.invite_member(user, room.pk, target)
        case "mute_member":
            services.mute_member(user, room.pk, target.pk, 5)
        case "change_role":
            services.change_role(user, room.pk, target.pk, "moderator")
        case "create_hook":
            services.create_hook(user, room.pk, "Alarms")
        case "revoke_hook":
            services.revoke_hook(user, room.pk, hook.pk)
        case "create_outgoing_hook":
            services.create_outgoing_hook(user, room.pk, "Archive", "https://example.org/", ["posted"])
        case "revoke_outgoing_hook":
            services.revoke_outgoing_hook(user, room.pk, outgoing.pk)
        case "unmute_member" | "ban_member" | "unban_member" | "remove_member":
            getattr(services, action)(user, room.pk, target.pk)
        case _:
            getattr(services, action)(user, room.pk)


def outgoing_hook(room):
    return OutgoingHook.objects.create(room=room, name="Archive", url="https://example.org/", events="posted", sent_rev=0)


def outcome(*args, **kwargs):
    """`ok` or the code of the refusal; the database is as before."""
    forget_limits()
    with transaction.atomic():
        try:
            act(*args, **kwargs)
            return "ok"
        except Refusal as refusal:
            return refusal.code
        finally:
            transaction.set_rollback(True)


class MatrixTests(RealtimeTestCase):
    def room(self, kind):
        place = Place(kind, name=kind)
        author = place.newcomer(f"author-{kind}")
        hook = IncomingHook.objects.create(room=place.room, name="Builds", digest=kind)
        return place, {"message": place.say(author), "target": author, "hook": hook, "outgoing": outgoing_hook(place.room)}

    def test_the_matrix_has_every_service(self):
        verbs = {name for name in services.__all__ if name[0].islower()}
        self.assertEqual(verbs - ELSEWHERE, MATRIX.keys() - {"read"})
        self.assertEqual(DIRECT.keys(), MATRIX.keys() - {"join_by_invite"})

    def test_open_and_closed_rooms(self):
        for column, kind in enumerate(["open", "closed"]):
            place, rows = self.room(kind)
            for action, expected in MATRIX.items():
                found = [outcome(action, getattr(place, name), place.room, **rows) for name in PLACES]
                with self.subTest(kind=kind, action=action):
                    self.assertEqual(
                        dict(zip(PLACES, found, strict=True)),
                        dict(zip(PLACES, [CODES[word] for word in expected[column].split()], strict=True)),
                    )

    def test_direct_rooms(self):
        place = Place()
        room = services.open_direct_room(place.owner, place.member)
        posted = services.post_message(services.Draft(room.pk, place.member, "Psst", client_id=uuid4()))
        hook = IncomingHook.objects.create(room=room, name="Builds", digest="direct")
        message = Message.objects.get(pk=posted.id)
        rows = {"message": message, "target": place.member, "hook": hook, "outgoing": outgoing_hook(room)}
        for action, expected in DIRECT.items():
            inside, outside = (CODES[word] for word in expected.split())
            with self.subTest(action=action):
                self.assertEqual(outcome(action, place.owner, room, **rows), inside)
                for user in [place.stranger, place.staff, place.moderator]:
                    self.assertEqual(outcome(action, user, room, **rows), outside)

    def test_a_room_that_is_closed_to_one_answers_like_one_that_does_not_exist(self):
        place, rows = self.room("closed")
        nowhere = Room(pk=place.room.pk + 999, invite_code="nonsense")
        for action in MATRIX.keys() - {"join_by_invite"}:
            with self.subTest(action=action):
                self.assertEqual(outcome(action, place.stranger, nowhere, **rows), "not_found")
                self.assertEqual(outcome(action, place.stranger, place.room, **rows), "not_found")

    def test_nothing_that_was_refused_left_a_trace(self):
        place, rows = self.room("open")
        place.room.refresh_from_db()
        before = place.room.rev
        for action, expected in MATRIX.items():
            for name, word in zip(PLACES, expected[0].split(), strict=True):
                if word != "ok":
                    forget_limits()
                    with self.assertRaises(Refusal):
                        act(action, getattr(place, name), place.room, **rows)
        place.room.refresh_from_db()
        self.assertEqual(place.room.rev, before)
        self.assertEqual(ModerationAction.objects.count(), 0)


class RowsOfOtherRoomsTests(RealtimeTestCase):
    """The owner of one room names rows of another, in which they are nobody."""

    def setUp(self):
        super().setUp()
        self.here = Place("closed", "here")
        self.there = Place("closed", "there")
        self.user = self.here.newcomer("host", "owner")
        self.author = self.there.newcomer("elsewhere")
        self.rows = {
            "message": self.there.say(self.author),
            "target": self.author,
            "hook": IncomingHook.objects.create(room=self.there.room, name="Builds", digest="there"),
            "outgoing": outgoing_hook(self.there.room),
        }

    def test_ids_of_another_room_are_found_nowhere(self):
        for action in [
            "edit_message",
            "delete_message",
            "set_reaction",
            "mute_member",
            "unmute_member",
            "ban_member",
            "unban_member",
            "remove_member",
            "change_role",
            "revoke_hook",
            "revoke_outgoing_hook",
        ]:
            with self.subTest(action=action):
                self.assertEqual(outcome(action, self.user, self.here.room, **self.rows), "not_found")

    def test_a_reply_cannot_quote_another_room(self):
        message = self.rows["message"]
        draft = services.Draft(self.here.room.pk, self.user, "Ha", client_id=uuid4(), reply_to=message.pk)
        with self.assertRaises(Refusal) as caught:
            services.post_message(draft)
        self.assertEqual(caught.exception.field, "reply_to")

    def test_a_file_of_another_room_or_person_cannot_be_carried(self):
        file = services.upload_attachment(self.author, self.there.room.pk, SimpleUploadedFile("a.txt", b"text"))
        colleague = self.there.newcomer("colleague")
        for user, place in [(self.user, self.here), (colleague, self.there)]:
            forget_limits()
            with self.assertRaises(Refusal) as caught:
                services.post_message(services.Draft(place.room.pk, user, "Ha", client_id=uuid4(), attachments=(file.pk,)))
            self.assertEqual(caught.exception.field, "attachments")


class PageTests(RealtimeTestCase):
    """The pages say the same as the services, with 404 for what is nobody's business."""

    READERS = ("room_detail", "room_follow", "message_list", "member_list")
    MODERATORS = ("room_edit", "moderation_log", "hook_list", "outgoing_list")

    def status(self, user, name, *args):
        self.client.force_login(user)
        return self.client.get(reverse(f"chat:{name}", args=args)).status_code

    def test_who_may_read_a_room_may_read_its_pages(self):
        for column, kind in enumerate(["open", "closed"]):
            place = Place(kind, kind)
            message = place.say(place.owner)
            expected = MATRIX["read"][column].split()
            for name, word in zip(PLACES, expected, strict=True):
                user, status = getattr(place, name), 200 if word == "ok" else 404
                with self.subTest(kind=kind, place=name):
                    for page in self.READERS:
                        self.assertEqual(self.status(user, page, place.room.pk), status, page)
                    for page in ["message_detail", "message_history"]:
                        self.assertEqual(self.status(user, page, place.room.pk, message.seq), status, page)

    def test_pages_of_moderators_exist_for_moderators(self):
        place = Place()
        for name in PLACES:
            status = 200 if name in {"owner", "moderator"} else 404
            for page in self.MODERATORS:
                with self.subTest(place=name, page=page):
                    self.assertEqual(self.status(getattr(place, name), page, place.room.pk), status)

    def test_whoever_is_not_logged_in_is_sent_to_log_in(self):
        place = Place()
        for page in self.READERS + self.MODERATORS:
            url = reverse(f"chat:{page}", args=[place.room.pk])
            self.assertRedirects(self.client.get(url), f"{reverse('login')}?next={url}")
