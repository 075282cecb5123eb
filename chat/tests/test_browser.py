"""Chat as people use it: two of them, in two browsers, on a real server."""

import pytest
from django.test import SimpleTestCase

from realtime.tests.browser import chromium
from tests.axe import violations
from tests.server import private_postgres, private_redis, running_server

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from chat.tests.tabs import Tab

pytestmark = pytest.mark.browser

HISTORY = """
from chat import services
from chat.models import Membership, Message, Room
from django.contrib.auth.models import User
from django.utils import timezone
ann, bob = User.objects.get(username="ann"), User.objects.get(username="bob")
room = services.create_room(ann, name="Archive")
services.join_room(bob, room.pk)
room.refresh_from_db()
Message.objects.bulk_create([
    Message(
        room=room, seq=n, rev=room.rev + n, posted_rev=room.rev + n, author=ann, author_name="ann",
        body=f"Line {n}.", html=f"<p>Line {n}.</p>",
    )
    for n in range(1, 501)
])
Room.objects.filter(pk=room.pk).update(rev=room.rev + 500, last_seq=500, last_message_at=timezone.now())
Membership.objects.filter(room=room, user=ann).update(last_read_seq=500)
Membership.objects.filter(room=room, user=bob).update(last_read_seq=380)
print(room.pk)
"""

NEW_ROOM = """
from chat import services
from django.contrib.auth.models import User
ann, bob = User.objects.get(username="ann"), User.objects.get(username="bob")
room = services.create_room(ann, name={name!r})
services.join_room(bob, room.pk)
print(room.pk)
"""

MANY = """
from uuid import uuid4
from chat import services
from django.contrib.auth.models import User
from realtime.limits import unlimited
ann = User.objects.get(username="ann")
with unlimited():
    for n in range(0, 260, 20):
        drafts = [services.Draft({room}, ann, f"Message {{n + m}} of many", client_id=uuid4()) for m in range(20)]
        services.post_messages(drafts)
"""


class ChatCase(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.server = cls.start_server()
        cls.browser = cls.enterClassContext(chromium())

    @classmethod
    def start_server(cls):
        return cls.enterClassContext(running_server())

    def setUp(self):
        self.tabs = []

    def tearDown(self):
        for tab in self.tabs:
            tab.close()
        for tab in self.tabs:
            self.assertEqual(tab.watch.unexpected, [])

    def tab(self, person, path=None, **options):
        tab = Tab(self.browser, self.server, person, **options)
        self.tabs.append(tab)
        return tab.open(path) if path else tab

    def pair(self, path):
        return self.tab("ann", path), self.tab("bob", path)

    @property
    def lobby(self):
        return f"/chat/{self.server.rooms['lobby']['id']}/"

    @property
    def studio(self):
        return f"/chat/{self.server.rooms['studio']['id']}/"


class TalkingTests(ChatCase):
    def test_what_one_says_the_other_sees_once_and_says_whose_it_is(self):
        ann, bob = self.pair(self.lobby)
        ann.say("Is anybody **there**?")
        theirs = bob.sees("Is anybody there?")
        expect(theirs.locator("strong")).to_have_text("there")
        self.assertNotIn("message--mine", theirs.get_attribute("class"))
        self.assertIn("message--mine", ann.sees("Is anybody there?").get_attribute("class"))
        expect(ann.pending()).to_have_count(0)

    def test_markup_that_somebody_types_stays_text(self):
        ann, bob = self.pair(self.lobby)
        ann.say('<img src=x onerror="document.title=1"> [x](javascript:alert(1))')
        message = bob.sees("<img src=x")
        expect(message.locator("img, a[href^=javascript]")).to_have_count(0)

    def test_an_edit_replaces_the_words_and_links_the_history(self):
        ann, bob = self.pair(self.lobby)
        ann.say("Tihs has a typo")
        bob.sees("Tihs has a typo")
        ann.sees("Tihs has a typo")
        ann.field.press("ArrowUp")
        expect(ann.field).to_have_value("Tihs has a typo")
        ann.say("This has no typo")
        expect(bob.sees("This has no typo").locator(".message__edited")).to_have_text("edited")
        expect(bob.message("Tihs has a typo")).to_have_count(0)
        bob.message("This has no typo").locator(".message__edited").click()
        expect(bob.page.locator(".history__text").first).to_have_text("Tihs has a typo")

    def test_words_in_what_arrives_are_in_the_language_of_the_page(self):
        ann, bob = self.tab("ann", self.lobby), self.tab("bob", self.lobby, locale="de-DE")
        ann.say("Grüezi")
        ann.sees("Grüezi")
        ann.field.press("ArrowUp")
        expect(ann.field).to_have_value("Grüezi")
        ann.say("Moin")
        expect(ann.sees("Moin").locator(".message__edited")).to_have_text("edited")
        expect(bob.sees("Moin").locator(".message__edited")).to_have_text("bearbeitet")
        ann.act("Moin", "Delete")
        ann.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(bob.page.locator(".message__gone").last).to_have_text("Nachricht gelöscht")

    def test_what_is_new_is_read_aloud_and_what_is_drawn_anew_is_not(self):
        ann = self.tab("ann", self.lobby)
        log = ann.page.locator("#messages")
        ann.say("Read this")
        ann.sees("Read this")
        expect(log).to_have_attribute("aria-live", "polite")
        ann.field.press("ArrowUp")
        expect(ann.field).to_have_value("Read this")
        ann.say("Not this")
        ann.sees("Not this")
        expect(log).to_have_attribute("aria-live", "off")

    def test_a_half_written_edit_survives_a_reload_and_gives_way_to_the_message_under_it(self):
        ann = self.tab("ann", self.lobby)
        ann.say("To be changed")
        ann.sees("To be changed")
        ann.field.fill("An answer, later")
        ann.act("To be changed", "Edit")
        ann.field.fill("Changed, nearly")
        ann.open(self.lobby)
        expect(ann.page.locator(".composer__mode")).to_have_text("Editing")
        expect(ann.field).to_have_value("Changed, nearly")
        ann.field.press("Enter")
        ann.sees("Changed, nearly")
        expect(ann.field).to_have_value("An answer, later")
        ann.field.fill("")

    def test_the_words_of_a_refused_edit_come_back(self):
        ann, bob = self.pair(self.lobby)
        bob.say("Soon to be deleted")
        bob.sees("Soon to be deleted")
        bob.act("Soon to be deleted", "Edit")
        bob.field.fill("With much care")
        ann.act("Soon to be deleted", "Delete")
        ann.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(bob.message("Soon to be deleted")).to_have_count(0)
        bob.field.press("Enter")
        expect(bob.page.locator("toast-area")).to_contain_text("This message was deleted.")
        expect(bob.page.locator(".composer__mode")).to_have_text("Editing")
        expect(bob.field).to_have_value("With much care")

    def test_who_is_too_fast_with_reactions_is_told_that_they_wait(self):
        ann = self.tab("ann", self.lobby)
        ann.say("Applause")
        ann.sees("Applause")
        ann.page.evaluate("""() => {
            const room = document.querySelector("chat-room");
            for (let i = 0; i < 15; i++) for (const emoji of ["👍", "🎉"]) room.react(room.log.lastOwn(), emoji);
        }""")
        expect(ann.page.locator("toast-area")).to_contain_text("tried again")

    def test_an_old_message_can_be_edited_too(self):
        ann = self.tab("ann", self.lobby)
        ann.say("Written *before* the reload")
        ann.sees("Written before the reload")
        ann.open(self.lobby)
        ann.act("Written before the reload", "Edit")
        expect(ann.field).to_have_value("Written *before* the reload")
        ann.field.press("Escape")
        expect(ann.field).to_have_value("")

    def test_a_deleted_message_leaves_its_place_only(self):
        ann, bob = self.pair(self.lobby)
        ann.say("Better unsaid")
        bob.sees("Better unsaid")
        ann.act("Better unsaid", "Delete")
        ann.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(bob.message("Better unsaid")).to_have_count(0)
        expect(bob.page.locator("#messages > .message").last).to_contain_text("Message deleted")

    def test_a_reaction_is_counted_and_ones_own_can_be_taken_back(self):
        ann, bob = self.pair(self.lobby)
        ann.say("Cake at four")
        bob.sees("Cake at four")
        bob.act("Cake at four", "React with 👍")
        ours = ann.message("Cake at four").locator(".reaction")
        expect(ours).to_have_text("👍 1")
        expect(ours).to_have_attribute("aria-pressed", "false")
        ours.click()
        theirs = bob.message("Cake at four").locator(".reaction")
        expect(theirs).to_have_text("👍 2")
        expect(theirs).to_have_attribute("aria-pressed", "true")
        theirs.click()
        expect(ours).to_have_text("👍 1")
        expect(ours).to_have_attribute("title", "ann")

    def test_a_reply_quotes_and_leads_to_what_it_answers(self):
        ann, bob = self.pair(self.lobby)
        ann.say("Tea or coffee?")
        bob.sees("Tea or coffee?")
        bob.act("Tea or coffee?", "Reply")
        expect(bob.page.locator(".composer__mode")).to_have_text("Replying to ann")
        bob.say("Coffee, please")
        quote = ann.sees("Coffee, please").locator(".message__quote")
        expect(quote).to_have_text("ann Tea or coffee?")
        quote.click()
        expect(ann.page.locator("#messages [data-highlight] .message__body")).to_have_text("Tea or coffee?")

    def test_a_member_is_completed_after_an_at_and_marked_for_that_reader(self):
        ann, bob = self.pair(self.lobby)
        ann.field.press_sequentially("Hello @bo")
        expect(ann.page.get_by_role("option", name="@bob")).to_have_attribute("aria-selected", "true")
        ann.field.press("Enter")
        expect(ann.field).to_have_value("Hello @bob ")
        ann.field.press_sequentially("how are you?")
        ann.field.press("Enter")
        expect(bob.sees("Hello @bob how are you?")).to_have_attribute("data-mentions-me", "")
        self.assertIsNone(ann.sees("Hello @bob how are you?").get_attribute("data-mentions-me"))

    def test_a_member_who_is_not_listed_is_completed_all_the_same(self):
        ann = self.tab("ann", self.lobby)
        members = ann.page.locator("member-list")
        members.evaluate("(list, url) => { list.dataset.complete = url }", f"{self.lobby}members/complete/")
        members.locator("[data-name=bob]").evaluate("bob => bob.remove()")  # as if there were too many to list him
        ann.field.fill("@bo")
        ann.page.get_by_role("option", name="@bob").click()
        expect(ann.field).to_have_value("@bob ")

    def test_shift_enter_starts_a_line_and_a_draft_survives_a_reload(self):
        ann = self.tab("ann", self.lobby)
        ann.field.press_sequentially("one")
        ann.field.press("Shift+Enter")
        ann.field.press_sequentially("two")
        ann.open(self.lobby)
        expect(ann.field).to_have_value("one\ntwo")
        ann.field.press("Enter")
        expect(ann.page.locator("#messages .message__body").last).to_have_text("one\ntwo", use_inner_text=True)

    def test_who_types_is_named_until_they_have_said_it(self):
        ann, bob = self.pair(self.lobby)
        bob.field.press_sequentially("Hm")
        expect(ann.page.locator("typing-names")).to_have_text("bob is typing")
        expect(bob.page.locator("typing-names")).to_be_empty()
        bob.field.press("Enter")
        expect(ann.page.locator("typing-names")).to_be_empty()

    def test_presence_shows_who_has_the_room_open(self):
        ann = self.tab("ann", self.studio)
        expect(ann.page.locator("people-here .avatar")).to_have_count(0)
        bob = self.tab("bob", self.studio)
        expect(ann.page.locator("people-here .avatar")).to_have_text(["b"])
        bob.close()
        self.tabs.remove(bob)
        expect(ann.page.locator("people-here .avatar")).to_have_count(0, timeout=10_000)

    def test_who_comes_in_appears_among_the_members(self):
        ann, cat = self.tab("ann", self.studio), self.server.people["cat"]["id"]
        before = int(ann.page.locator("[data-count-of-members]").inner_text())
        ann.page.get_by_role("link", name="members: details").click()
        owner = self.tab("ann", f"{self.studio}members/")
        owner.page.get_by_label("User name of whom to add").fill("cat")
        owner.page.get_by_role("button", name="Add").click()
        expect(ann.page.locator(f".member[data-user='{cat}']")).to_be_visible()
        expect(ann.page.locator("[data-count-of-members]")).to_have_text(str(before + 1))
        expect(ann.page.locator(".member[data-here]")).to_contain_text("ann")

    def test_who_is_removed_sees_nothing_of_the_room_any_more(self):
        dan = self.tab("dan", self.studio)
        dan.say("Still in")
        dan.sees("Still in")
        owner = self.tab("ann", f"{self.studio}members/")
        owner.page.get_by_role("button", name="Moderate dan").click()
        owner.page.get_by_role("button", name="Remove from the room").click()
        expect(dan.page.get_by_text("You are not in this room any more")).to_be_visible()
        expect(dan.page.locator(".message")).to_have_count(0)
        expect(dan.page.locator(".room-link").filter(has_text="Studio")).to_have_count(0)

    def test_a_file_is_uploaded_and_shown_to_the_other(self):
        ann, bob = self.pair(self.lobby)
        ann.page.locator("input[type=file]").set_input_files(
            {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"Buy milk."}
        )
        expect(ann.page.locator(".upload[data-state=done]")).to_have_count(1)
        ann.say("The list")
        expect(bob.sees("The list").locator(".attachment__name")).to_have_text("notes.txt")
        expect(ann.page.locator(".upload")).to_have_count(0)

    def test_an_emoji_is_found_by_its_name(self):
        ann = self.tab("ann", self.lobby)
        ann.page.get_by_role("button", name="Emoji", exact=True).click()
        ann.page.get_by_role("searchbox", name="Find an emoji").fill("rocket")
        ann.page.keyboard.press("Enter")
        expect(ann.field).to_have_value("🚀")
        ann.field.press("Enter")
        ann.sees("🚀")


@pytest.mark.services
class TwoProcessesTests(ChatCase):
    """The two tabs are on two processes, with Redis between them and PostgreSQL beneath."""

    @classmethod
    def start_server(cls):
        redis = cls.enterClassContext(private_redis())
        return cls.enterClassContext(running_server(private_postgres().url, redis.url, processes=2))

    def test_a_conversation_looks_the_same_on_both(self):
        ann, bob = self.tab("ann", self.lobby), self.tab("bob", self.lobby, at=1)
        expect(ann.page.locator("people-here .avatar")).to_have_text(["b"])
        bob.field.press_sequentially("Hm")
        expect(ann.page.locator("typing-names")).to_have_text("bob is typing")
        bob.say("Frist")
        bob.sees("Frist")
        ann.act("Frist", "React with 👍")
        expect(bob.message("Frist").locator(".reaction")).to_have_text("👍 1")
        bob.field.press("ArrowUp")
        expect(bob.field).to_have_value("Frist")
        bob.say("First")
        expect(ann.sees("First").locator(".message__edited")).to_have_text("edited")
        ann.say("Second")
        bob.sees("Second")
        bob.act("First", "Delete")
        bob.page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        expect(ann.message("First")).to_have_count(0)
        expect(ann.page.locator("#messages > .message")).to_contain_text(["Message deleted", "Second"])
        expect(bob.page.locator("#messages > .message")).to_contain_text(["Message deleted", "Second"])


class KeyboardTests(ChatCase):
    def test_a_message_can_be_reached_and_acted_on_without_a_pointer(self):
        ann, bob = self.pair(self.lobby)
        ann.say("First of two")
        ann.say("Second of two")
        bob.sees("Second of two")
        bob.field.press("Shift+Tab")  # attach
        bob.page.keyboard.press("Shift+Tab")
        expect(bob.message("Second of two")).to_be_focused()
        bob.page.keyboard.press("ArrowUp")
        expect(bob.message("First of two")).to_be_focused()
        bob.page.keyboard.press("r")
        expect(bob.page.locator(".composer__mode")).to_have_text("Replying to ann")
        expect(bob.field).to_be_focused()
        bob.page.keyboard.press("Escape")
        bob.message("First of two").focus()
        bob.page.keyboard.press("Enter")
        bob.page.keyboard.press("Enter")
        expect(ann.message("First of two").locator(".reaction")).to_have_text("👍 1")
        bob.page.keyboard.press("Escape")
        bob.page.keyboard.press("Escape")
        expect(bob.field).to_be_focused()


class ReadingTests(ChatCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.archive = f"/chat/{cls.server.run(HISTORY).split()[-1]}/"

    def new_room(self, name):
        return f"/chat/{self.server.run(NEW_ROOM.format(name=name)).split()[-1]}/"

    def lines(self, tab):
        return [int(text.strip(".").split()[-1]) for text in tab.texts() if text.startswith("Line ")]

    def test_a_room_opens_at_its_end_and_pages_back_without_holes_within_bounds(self):
        ann = self.tab("ann", self.archive)
        expect(ann.message("Line 500.")).to_be_in_viewport()
        for _ in range(12):
            first = self.lines(ann)[0]
            if first == 1:
                break
            ann.page.locator("#messages > .message").first.scroll_into_view_if_needed()
            ann.holds(f"document.querySelector('#messages > .message')?.dataset.seq < {first}")
        lines = self.lines(ann)
        self.assertEqual(lines, list(range(lines[0], lines[0] + len(lines))))
        self.assertLessEqual(len(lines), 300)
        ann.page.get_by_role("button", name="Latest").click()
        expect(ann.message("Line 500.")).to_be_in_viewport()
        lines = self.lines(ann)
        self.assertEqual(lines, list(range(lines[0], 501)))

    def test_paging_back_leaves_the_reader_where_they_are(self):
        ann = self.tab("ann", self.archive)
        ann.page.evaluate("document.querySelector('.log__scroll').scrollTop = 700")
        line = ann.message("Line 470.")
        first = self.lines(ann)[0]
        before = line.bounding_box()["y"]
        ann.page.mouse.move(700, 400)
        ann.page.evaluate("document.querySelector('.log__scroll').scrollTop -= 300")
        ann.holds(f"document.querySelector('#messages > .message').dataset.seq < {first}")
        self.assertAlmostEqual(line.bounding_box()["y"], before + 300, delta=2)

    def test_unread_messages_are_divided_off_and_a_button_leads_to_the_first(self):
        bob = self.tab("bob", self.archive)
        bob.page.locator('[data-jump="unread"]').click()
        divider = bob.page.locator(".log__new")
        expect(divider).to_be_in_viewport()
        self.assertEqual(bob.page.evaluate("document.querySelector('.log__new').nextElementSibling.dataset.seq"), "381")

    def test_a_permalink_opens_the_room_around_the_message(self):
        ann = self.tab("ann", f"{self.archive}messages/200/")
        expect(ann.message("Line 200.")).to_have_attribute("data-highlight", "")
        expect(ann.message("Line 200.")).to_be_in_viewport()
        self.assertIn(201, self.lines(ann))
        expect(ann.page.get_by_role("button", name="Latest")).to_be_visible()

    def test_who_reads_further_up_stays_there_and_is_told_of_news(self):
        room = self.new_room("Long")
        ann, bob = self.pair(room)
        for n in range(9):
            ann.say("\n".join(f"{n}: row {row}" for row in range(8)))
        bob.sees("8: row 7")
        bob.page.evaluate("document.querySelector('.log__scroll').scrollTop = 0")
        expect(bob.page.get_by_role("button", name="Latest")).to_be_visible()
        top = bob.message("0: row 0").bounding_box()["y"]
        ann.say("Something new")
        expect(bob.page.get_by_role("button", name="1 new message")).to_be_visible()
        self.assertEqual(bob.message("0: row 0").bounding_box()["y"], top)
        expect(bob.page.locator("[data-announcer]")).to_have_text("1 new message")
        bob.page.get_by_role("button", name="1 new message").click()
        expect(bob.message("Something new")).to_be_in_viewport()

    def test_unread_counts_are_live_without_opening_the_room_and_end_by_reading(self):
        room = self.new_room("Elsewhere")
        bob = self.tab("bob", self.lobby)
        link = bob.page.locator(".room-link").filter(has_text="Elsewhere")
        expect(link.locator(".room-link__unread")).to_be_hidden()
        ann = self.tab("ann", room)
        ann.say("One")
        ann.say("Two, @bob")
        expect(link.locator(".room-link__unread b")).to_have_text("2")
        expect(link.locator(".room-link__mentions b")).to_have_text("1")
        bob.holds("document.title.startsWith('(')")
        other_window = self.tab("bob", self.studio)
        link.locator("a").click()
        bob.sees("Two, @bob")
        elsewhere = other_window.page.locator(".room-link").filter(has_text="Elsewhere")
        expect(elsewhere.locator(".room-link__unread")).to_be_hidden()
        expect(elsewhere.locator(".room-link__mentions")).to_be_hidden()

    def test_going_from_room_to_room_keeps_the_socket(self):
        ann = self.tab("ann", self.lobby)
        sockets = []
        ann.page.on("websocket", lambda socket: sockets.append(socket.url))
        ann.page.locator(".room-link").filter(has_text="Studio").locator("a").click()
        expect(ann.page.locator(".room__header h1")).to_have_text("Studio")
        expect(ann.page.locator(".room-link [aria-current]")).to_contain_text("Studio")
        ann.say("Still here")
        ann.sees("Still here")
        self.assertEqual(sockets, [])

        ann.page.go_back()
        expect(ann.page.locator(".room__header h1")).to_have_text("Lobby")


class FaultTests(ChatCase):
    def test_what_is_said_offline_is_shown_waiting_and_arrives_once_in_order(self):
        ann, bob = self.pair(self.lobby)
        with ann.offline():
            expect(ann.page.locator("connection-status")).not_to_have_attribute("data-state", "live", timeout=45_000)
            ann.say("Said in the tunnel, first")
            ann.say("Said in the tunnel, second")
            expect(ann.pending()).to_have_count(2)
            expect(bob.message("Said in the tunnel")).to_have_count(0)
        expect(bob.message("Said in the tunnel")).to_have_count(2, timeout=15_000)
        self.assertEqual(
            [text for text in bob.texts() if "tunnel" in text], ["Said in the tunnel, first", "Said in the tunnel, second"]
        )
        expect(ann.pending()).to_have_count(0)
        expect(ann.message("Said in the tunnel")).to_have_count(2)

    def test_what_was_missed_offline_is_there_afterwards(self):
        ann, bob = self.pair(self.lobby)
        ann.say("To be edited")
        bob.sees("To be edited")
        with bob.offline():
            expect(bob.page.locator("connection-status")).not_to_have_attribute("data-state", "live", timeout=45_000)
            ann.sees("To be edited")
            ann.field.press("ArrowUp")
            ann.say("Was edited meanwhile")
            ann.sees("Was edited meanwhile")
            ann.say("Was added meanwhile")
            ann.sees("Was added meanwhile")
        bob.sees("Was added meanwhile")
        bob.sees("Was edited meanwhile")

    def test_who_missed_more_than_a_window_gets_a_fresh_page(self):
        room = self.server.run(NEW_ROOM.format(name="Busy")).split()[-1]
        bob = self.tab("bob", f"/chat/{room}/")
        with bob.offline():
            expect(bob.page.locator("connection-status")).not_to_have_attribute("data-state", "live", timeout=45_000)
            self.server.run(MANY.format(room=room))
        bob.sees("Message 259 of many")
        expect(bob.message("Message 259 of many")).to_be_in_viewport()
        self.assertNotIn("Message 100 of many", bob.texts())

    def test_what_could_not_be_sent_survives_a_reload(self):
        ann, bob = self.pair(self.lobby)
        ann.watch.expected += ["ERR_FAILED", "/commands/", "/ws/", "WebSocket"]
        ann.page.evaluate("WebSocket.prototype.send = () => {}")  # frames vanish, and so do their acks
        ann.page.route("**/commands/", lambda route: route.abort())
        ann.say("Typed before the reload")
        expect(ann.pending()).to_have_count(1)
        ann.page.unroute("**/commands/")
        ann.open(self.lobby)
        bob.sees("Typed before the reload")
        ann.sees("Typed before the reload")
        expect(ann.pending()).to_have_count(0)

    def test_what_is_refused_stays_with_the_reason_until_it_is_discarded(self):
        ann = self.tab("ann", self.lobby)
        feed = self.server.rooms["lobby"]["feed"]
        ann.page.evaluate(
            """async (feed) => {
              const { socket } = await import("/static/realtime/socket.js");
              socket.post({ type: "chat.message.post", feed, body: "An answer to nothing", reply_to: 999999 });
            }""",
            feed,
        )
        failed = ann.pending().filter(has_text="An answer to nothing")
        expect(failed).to_have_attribute("data-state", "failed")
        expect(failed.locator(".message__reason")).to_contain_text("not in this room")
        failed.get_by_role("button", name="Discard").click()
        expect(ann.pending()).to_have_count(0)


class LooksTests(ChatCase):
    """The pages fit, and axe has no complaint, in both themes and both widths."""

    def test_every_page_is_accessible_and_fits(self):
        tab = self.tab("ann", self.studio)
        tab.say("Something to look at, with `code` and [a link](https://example.org)")
        tab.sees("Something to look at")
        tab.act("Something to look at", "React with 👍")
        paths = [
            "/chat/",
            "/chat/?browse",
            "/chat/new/",
            "/chat/direct/",
            self.studio,
            f"{self.studio}members/",
            f"{self.studio}edit/",
            f"{self.studio}hooks/outgoing/",
            f"{self.studio}follow/",
        ]
        for options in [
            {"color_scheme": "light", "viewport": {"width": 1280, "height": 800}},
            {"color_scheme": "dark", "viewport": {"width": 320, "height": 640}},
        ]:
            reader = self.tab("ann", **options)
            reader.watch.expected.append("Applying inline style violates")  # axe tries some, and is refused
            for path in paths:
                reader.open(path, live=not path.endswith("follow/"))
                with self.subTest(path, **options):
                    self.assertEqual(violations(reader.page), [])
                    wide = reader.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                    self.assertEqual(wide, 0)

    def test_on_a_phone_the_list_and_the_room_are_two_pages(self):
        ann = self.tab("ann", "/chat/", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
        expect(ann.page.locator("message-composer")).to_have_count(0)
        ann.page.locator(".room-link").filter(has_text="Lobby").locator("a").tap()
        expect(ann.field).to_be_visible()
        expect(ann.page.locator("room-list")).to_be_hidden()
        ann.field.fill("From a phone")
        ann.page.get_by_role("button", name="Send").tap()
        ann.sees("From a phone").tap()
        expect(ann.page.get_by_role("toolbar")).to_be_visible()
        ann.page.get_by_role("link", name="Back to your rooms").tap()
        expect(ann.page.locator("room-list")).to_be_visible()


class NoScriptTests(ChatCase):
    def test_a_person_can_read_post_and_react_without_scripts(self):
        ann = self.tab("ann", java_script_enabled=False)
        ann.open(self.lobby, live=False)
        ann.field.fill("Posted by a form")
        ann.page.get_by_role("button", name="Send").click()
        expect(ann.message("Posted by a form")).to_be_in_viewport()
        ann.message("Posted by a form").locator(".message__time").click()
        ann.page.get_by_role("button", name="React with 🎉").click()
        expect(ann.message("Posted by a form").locator(".reaction")).to_have_text("🎉 1")
        ann.page.get_by_role("link", name="Edit", exact=True).click()
        ann.page.locator("textarea").fill("Edited by a form")
        ann.page.get_by_role("button", name="Save").click()
        expect(ann.message("Edited by a form")).to_have_count(1)

    def test_without_scripts_a_room_can_be_followed_and_what_is_new_comes_by_itself(self):
        bob, ann = self.tab("bob", self.lobby), self.tab("ann", java_script_enabled=False)
        ann.open(self.lobby, live=False)
        ann.page.get_by_role("link", name="Follow the room").click()
        expect(ann.page.get_by_role("link", name="Pause")).to_be_visible()
        bob.say("Comes without being asked for")
        expect(ann.page.locator(".message").first).to_contain_text("Comes without being asked for", timeout=15_000)
        ann.page.get_by_role("link", name="Write").click()
        ann.field.fill("Written in between")
        ann.page.get_by_role("button", name="Send").click()
        bob.sees("Written in between")

    def test_with_scripts_nothing_of_it_is_seen(self):
        expect(self.tab("ann", self.lobby).page.locator(".room__follow")).to_be_hidden()
