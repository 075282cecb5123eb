"""Drawing as people do it: two of them, in two browsers, on a real server."""

import xml.etree.ElementTree as ElementTree
from contextlib import ExitStack
from typing import ClassVar

import pytest
from django.test import SimpleTestCase

from realtime.tests.browser import chromium
from tests.axe import violations
from tests.server import running_server

pytest.importorskip("playwright.sync_api")
from playwright.sync_api import expect

from drawing.tests.canvas import GONE, Artist
from drawing.tests.making import NEW_BOARDS
from drawing.wire import Op

pytestmark = pytest.mark.browser

ROWS = "SELECT number, data FROM drawing_element WHERE board_id = {} AND NOT is_erased ORDER BY number"
SVG = "{http://www.w3.org/2000/svg}"
STORED = 20


shared = ExitStack()


def setUpModule():
    """One server and one browser for all: each test has boards of its own."""
    BoardCase.server = shared.enter_context(running_server())
    BoardCase.browser = shared.enter_context(chromium())


def tearDownModule():
    shared.close()


class BoardCase(SimpleTestCase):
    stores: ClassVar[dict] = {}  # boards that nobody has been on

    def setUp(self):
        self.artists = []

    def tearDown(self):
        for artist in self.artists:
            artist.close()
        for artist in self.artists:
            self.assertEqual(artist.watch.unexpected, [])

    def new_board(self, title="Harbour", access="private"):
        """One that nobody has been on. Making them takes a process, so that there are some in store."""
        if not self.stores.get((title, access)):
            count = STORED if title == "Harbour" else 1
            made = self.server.run(NEW_BOARDS.format(wanted=[(title, access)] * count)).split("\n")
            self.stores[title, access] = [line.split() for line in made if line]
        slug, pk = self.stores[title, access].pop()
        self.board_id = int(pk)
        return slug

    def artist(self, person, slug=None, **options):
        artist = Artist(self.browser, self.server, person, **options)
        self.artists.append(artist)
        return artist.open(slug) if slug else artist

    def pair(self, **options):
        slug = self.new_board(**options)
        return self.artist("ann", slug), self.artist("bob", slug)

    def all_agree(self, *artists):
        """Every screen shows what the database has, to the pixel."""
        for artist in artists:
            artist.is_saved()
        rows = [[number, bytes(data).hex()] for number, data in self.server.rows(ROWS.format(self.board_id))]
        for artist in artists:
            artist.shows(rows)
        self.assertEqual(len({artist.picture() for artist in artists}), 1)


class TogetherTests(BoardCase):
    def test_two_people_draw_and_end_with_the_same_picture(self):
        ann, bob = self.pair()
        ann.drag((200, 300), (400, 200), (600, 400), steps=20)
        bob.tool("highlighter")
        bob.drag((250, 250), (600, 260), steps=10)
        for tool, to in (("rect", (500, 560)), ("ellipse", (600, 520)), ("arrow", (700, 450)), ("line", (720, 330))):
            ann.tool(tool)
            ann.drag((400, 480), to)
        ann.tool("text")
        ann.page.mouse.click(900, 300)
        ann.page.keyboard.type("Café <b>☕</b>")
        ann.page.keyboard.press("Escape")
        for artist in (ann, bob):
            artist.has(7)
        self.all_agree(ann, bob)

    def test_a_stroke_is_seen_while_it_is_drawn_and_the_cursor_bears_the_name(self):
        ann, bob = self.pair()
        bob.holds("true")
        expect(bob.page.locator(".roster__count")).to_have_text("2")
        ann.page.evaluate(NOTED)
        ann.drag((200, 300), (400, 200), (500, 300), steps=15, ends=False)
        bob.holds("[...board.inks.shapes()].length === 1")
        expect(bob.page.locator(".cursor__name")).to_have_text("ann")
        x, y = ann.page.evaluate("document.querySelector('drawing-board').tools.sketches[0].points.slice(-3, -1)")
        bob.holds(CURSOR_AT.format(x=x, y=y))
        told = ann.page.evaluate("noted")
        self.assertNotIn(Op.CURSOR, told[told.index(Op.BEGIN) :])
        ann.page.mouse.up()
        bob.has(1)
        bob.holds("[...board.inks.shapes()].length === 0")
        self.all_agree(ann, bob)

    def test_what_is_undone_is_undone_everywhere_and_what_others_did_stays(self):
        ann, bob = self.pair()
        ann.drag((200, 300), (400, 200))
        bob.drag((200, 500), (400, 400))
        for artist in (ann, bob):
            artist.has(2)
        ann.page.keyboard.press("Control+z")
        bob.has(1)
        ann.page.keyboard.press("Control+z")  # nothing of hers is left
        ann.page.keyboard.press("Control+Shift+z")
        bob.has(2)
        bob.tool("eraser")
        bob.drag((180, 250), (420, 250), steps=30)
        ann.has(1)
        bob.page.keyboard.press("Control+z")
        ann.has(2)
        self.all_agree(ann, bob)

    def test_things_are_moved_resized_and_coloured_for_everybody(self):
        ann, bob = self.pair()
        ann.tool("rect")
        ann.drag((300, 300), (400, 360))
        bob.has(1)
        before = bob.drawn()
        ann.drag((350, 302), (450, 402))
        bob.holds("board.sheet.shown[0].rev > board.sheet.shown[0].number")
        moved = bob.drawn()
        self.assertNotEqual(before[0][1], moved[0][1])
        ann.page.get_by_role("button", name="Red", exact=True).click()
        bob.holds("board.sheet.shown[0].shape.rgb === 0xd8362f")
        self.all_agree(ann, bob)

    def test_a_hundred_things_are_moved_copied_erased_and_brought_back_at_once(self):
        slug = self.new_board()
        self.server.run(MANY.format(board=self.board_id, count=250))
        ann, bob = self.artist("ann", slug), self.artist("bob", slug)
        bob.has(250)
        for keys, count in ((("Control+a", "ArrowRight"), 250), (("Control+d",), 500), (("Delete",), 250), (("Control+z",), 500)):
            for key in keys:
                ann.page.keyboard.press(key)
            ann.is_saved()
            bob.has(count)
        self.all_agree(ann, bob)

    def test_a_person_can_be_followed(self):
        ann, bob = self.pair()
        ann.drag((200, 300), (400, 200))
        bob.has(1)
        bob.page.get_by_role("button", name="Who is here").click()
        bob.page.get_by_role("button", name="Follow ann").click()
        expect(bob.page.locator(".following")).to_contain_text("Following ann")
        ann.page.keyboard.press("+")
        ann.page.keyboard.press("+")
        ann.page.mouse.wheel(300, 500)
        x, y = ann.page.evaluate("(({ view }) => [view.x, view.y])(document.querySelector('drawing-board'))")
        bob.holds(f"Math.abs(board.view.x - {x}) < 3 && Math.abs(board.view.y - {y}) < 3")
        bob.page.keyboard.press("Escape")
        expect(bob.page.locator(".following")).to_be_hidden()


NOTED = """() => {
  window.noted = [];
  const { link } = document.querySelector("drawing-board");
  const { sketch } = link;
  link.sketch = (bytes) => sketch.call(link, bytes) && noted.push(bytes[0]) > 0;
}"""
CURSOR_AT = """(() => {{
  const [left, top] = board.querySelector(".cursor").style.translate.split(" ").map(parseFloat);
  const at = board.view.toScreen({x}, {y});
  return Math.abs(left - at.x) < 1 && Math.abs(top - at.y) < 1;
}})()"""


class NothingLostTests(BoardCase):
    def test_what_is_drawn_offline_waits_across_a_reload_and_then_reaches_everybody(self):
        ann, bob = self.pair()
        ann.watch.expected += GONE
        ann.context.set_offline(True)
        ann.page.evaluate("document.querySelector('drawing-board').link.suspend()")
        ann.drag((200, 300), (400, 200))
        ann.drag((200, 400), (400, 300))
        expect(ann.status).to_contain_text("2 kept here")
        ann.context.set_offline(False)
        ann.page.reload()
        ann.is_saved()
        bob.has(2)
        self.all_agree(ann, bob)

    def test_over_a_killed_server_nobody_sees_a_difference(self):
        ann, bob = self.pair()
        for artist in (ann, bob):
            artist.watch.expected += GONE
        ann.drag((200, 300), (400, 200), steps=10)
        bob.has(1)
        ann.drag((200, 500), (300, 450), steps=10, ends=False)
        self.server.kill(0)
        ann.page.mouse.move(600, 500, steps=10)
        ann.page.mouse.up()
        bob.drag((600, 300), (700, 500), steps=10)
        expect(bob.status).to_contain_text("1 kept here")
        self.server.restart(0)
        for artist in (ann, bob):
            artist.has(3)
        self.all_agree(ann, bob)

    def test_ink_that_was_lost_on_the_way_is_read_from_the_table(self):
        ann, bob = self.pair()
        bob.page.evaluate("document.querySelector('drawing-board').inks.take = () => {}")  # no tick arrives
        ann.drag((200, 300), (400, 200), steps=10)
        ann.drag((200, 400), (400, 300), steps=10)
        bob.has(2)
        self.all_agree(ann, bob)

    def test_who_was_away_for_long_fetches_what_is_new_at_once(self):
        ann, bob = self.pair()
        bob.watch.expected += GONE
        bob.drag((100, 500), (200, 500))
        ann.has(1)
        bob.page.evaluate("document.querySelector('drawing-board').link.suspend()")
        self.server.run(MANY.format(board=self.board_id, count=260))
        with bob.page.expect_response(lambda response: "since=" in response.url):
            bob.page.evaluate("document.querySelector('drawing-board').link.wake()")
        bob.has(261)
        ann.has(261)  # told by the tick of the server, or by the next change
        self.all_agree(ann, bob)

    def test_what_comes_while_a_board_is_fetched_is_there_when_it_is(self):
        ann, bob = self.pair()
        bob.watch.expected += GONE
        bob.page.evaluate("document.querySelector('drawing-board').inks.take = () => {}")  # so that its ink has to be read
        bob.page.evaluate("document.querySelector('drawing-board').link.suspend()")
        self.server.run(MANY.format(board=self.board_id, count=260))
        bob.page.evaluate(HELD_FETCH)
        bob.page.evaluate("document.querySelector('drawing-board').link.wake()")
        bob.holds("window.release")
        ann.drag((200, 300), (400, 200))
        ann.is_saved()
        bob.page.evaluate("window.release()")
        ann.drag((200, 400), (400, 300))
        bob.has(262)
        self.all_agree(ann, bob)

    def test_what_was_in_a_frame_that_was_not_taken_is_sent_again(self):
        ann, bob = self.pair()
        ann.page.evaluate(FLOOD)
        bob.has(1)
        self.all_agree(ann, bob)


HELD_FETCH = """() => {
  const { fetch } = window;
  window.fetch = async (url) => {
    const response = await fetch(url);
    await new Promise((resolve) => { window.release = resolve; });
    return response;
  };
}"""
FLOOD = """() => {
  const board = document.querySelector("drawing-board");
  for (let frames = 0; frames < 185; frames++) board.link.send(Uint8Array.of(10, 2, 2, 2));  // cursors
  board.tools.choose("rect");
  board.tools.current.placeAt({ x: 300, y: 300 });
}"""
MANY = """
from drawing import services
from drawing.models import Participant
from drawing.tests.tabs import rectangle
from realtime.limits import unlimited
place = Participant.objects.get(board={board}, number=1)
puts = [services.Put({board}, place.pk, 10**6 + m, rectangle(m % 100 * 11, m // 100 * 3, 8, 6)) for m in range({count})]
with unlimited():
    for n in range(0, {count}, 500):
        services.draw_all(puts[n : n + 500])
"""


class RightsTests(BoardCase):
    def test_a_role_that_is_taken_away_takes_the_tools_away_at_once(self):
        ann, bob = self.pair()
        expect(bob.page.locator('button[data-tool="pen"]')).to_be_visible()
        ann.page.get_by_role("link", name="Share").click()
        ann.page.get_by_label("Role of bob").select_option("viewer")
        expect(bob.page.locator('button[data-tool="pen"]')).to_be_hidden()
        expect(bob.page.locator(".board__looking")).to_be_visible()
        ann.page.get_by_role("button", name="More about bob").click()
        ann.page.get_by_role("button", name="Remove from the board").click()
        expect(bob.page.locator(".board__stopped")).to_be_visible()

    def test_a_guest_draws_under_a_name_of_their_choice(self):
        slug = self.new_board(access="link_edit")
        ann = self.artist("ann", slug)
        guest = self.artist(None, slug)
        expect(guest.page.locator('button[data-tool="pen"]')).to_be_hidden()
        guest.page.get_by_label("Draw with the others as").fill("ann")
        guest.watch.expected += ["409", "422", "ERR_ABORTED"]  # going on before the page is whole
        guest.page.get_by_role("button", name="Join").click()
        expect(guest.page.locator("#guest-error")).to_contain_text("called that")
        guest.page.get_by_label("Draw with the others as").fill("<b>Zoë</b>")
        guest.page.get_by_role("button", name="Join").click()
        guest.is_ready()
        guest.is_saved()
        guest.drag((200, 300), (400, 200), steps=10)
        ann.has(1)
        expect(ann.page.locator(".cursor__name")).to_have_text("<b>Zoë</b>")

    def test_what_somebody_drew_is_erased_and_brought_back_by_the_owner(self):
        ann, bob = self.pair()
        bob.drag((200, 300), (400, 200))
        ann.drag((200, 500), (400, 400))
        bob.has(2)
        ann.page.get_by_role("link", name="Share").click()
        ann.page.get_by_role("button", name="More about bob").click()
        ann.page.get_by_role("button", name="Erase what they drew (1)").click()
        bob.has(1)
        ann.page.get_by_role("dialog").get_by_role("button", name="Undo").click()
        bob.has(2)

    def test_a_locked_board_keeps_what_was_not_taken_until_its_author_decides(self):
        ann, bob = self.pair()
        bob.watch.expected += GONE
        bob.page.evaluate("document.querySelector('drawing-board').link.suspend()")
        bob.drag((200, 300), (400, 200))
        bob.page.keyboard.press("Control+a")
        bob.page.keyboard.press("ArrowRight")
        ann.page.get_by_role("button", name="Board menu").click()
        ann.page.get_by_role("button", name="Lock").click()
        expect(ann.page.locator(".board__locked")).to_be_visible()
        bob.page.evaluate("document.querySelector('drawing-board').link.wake()")
        expect(bob.page.locator(".board__failed")).to_contain_text("This board is locked")
        ann.page.get_by_role("button", name="Board menu").click()
        ann.page.get_by_role("button", name="Unlock").click()
        expect(bob.page.locator(".board__locked")).to_be_hidden()
        bob.page.get_by_role("button", name="Try again").click()
        ann.has(1)
        self.all_agree(ann, bob)


class FileTests(BoardCase):
    def test_an_export_holds_what_is_drawn_and_markup_in_it_is_text(self):
        slug = self.new_board("<svg onload=alert(1)>")
        ann = self.artist("ann", slug)
        ann.drag((200, 300), (400, 200), steps=10)
        ann.tool("text")
        ann.page.mouse.click(500, 400)
        ann.page.keyboard.type('"/></text><script>alert(1)</script>&<image href=x>')
        ann.page.keyboard.press("Escape")
        ann.has(2)
        ann.page.get_by_role("button", name="Board menu").click()
        with ann.page.expect_download() as download:
            ann.page.get_by_role("button", name="Export SVG").click()
        root = ElementTree.parse(download.value.path()).getroot()
        self.assertEqual(
            {child.tag.removeprefix(SVG) for child in root.iter()}, {"svg", "title", "rect", "path", "text", "tspan"}
        )
        self.assertEqual(root.find(f"{SVG}title").text, "<svg onload=alert(1)>")
        self.assertIn("<script>", "".join(root.find(f"{SVG}text").itertext()))
        ann.page.get_by_role("button", name="Board menu").click()
        with ann.page.expect_download() as download:
            ann.page.get_by_role("button", name="Export PNG").click()
        self.assertEqual(download.value.path().read_bytes()[:8], b"\x89PNG\r\n\x1a\n")

    def test_the_sheet_is_printed_and_nothing_else(self):
        ann = self.artist("ann", self.new_board())
        ann.drag((200, 300), (400, 200))
        ann.page.evaluate("window.print = () => { window.isPrinted = true; }")
        ann.page.get_by_role("button", name="Board menu").click()
        ann.page.get_by_role("button", name="Print").click()
        ann.holds("window.isPrinted")
        ann.page.emulate_media(media="print")
        self.assertEqual(ann.page.evaluate(SHOWN), ["board__print"])
        self.assertGreater(ann.page.locator(".board__print").evaluate("(picture) => picture.naturalWidth"), 100)

    def test_without_scripts_the_owner_chooses_a_sheet_and_locks_it(self):
        slug = self.new_board()
        ann = self.artist("ann", java_script_enabled=False)
        ann.page.goto(f"{self.server.url}/drawing/b/{slug}/")
        for name in ("Grid", "Lock"):
            ann.page.get_by_role("button", name="Board menu").click()
            ann.page.get_by_role("button", name=name, exact=True).click()
        expect(ann.page.locator(".board__locked")).to_be_visible()
        facts = self.server.rows(f"SELECT background, is_locked FROM drawing_board WHERE id = {self.board_id}")
        self.assertEqual([(background, bool(is_locked)) for background, is_locked in facts], [("grid", True)])

    def test_the_replay_begins_with_nothing_and_ends_with_everything_that_is_there(self):
        ann = self.artist("ann", self.new_board())
        ann.drag((200, 300), (400, 200))
        ann.drag((200, 400), (400, 300))
        ann.page.keyboard.press("Control+z")
        ann.is_saved()
        ann.page.get_by_role("button", name="Board menu").click()
        ann.page.get_by_role("button", name="Replay").click()
        slider = ann.page.get_by_label("How far the drawing is")
        expect(slider).to_be_visible()
        ann.page.locator(".replay[data-state='paused']").wait_for()
        self.assertEqual(slider.input_value(), "1000")
        replayed = ann.picture()
        ann.drag((200, 500), (400, 450))  # moves the sheet
        ann.page.get_by_role("button", name="Back to the board").click()
        expect(slider).to_be_hidden()
        ann.has(1)
        self.assertEqual(ann.picture(), replayed)

    def test_a_board_is_shown_small_in_the_list_as_soon_as_a_worker_has_drawn_it(self):
        slug = self.new_board("Seen from afar")
        reader = self.artist("bob")
        reader.page.goto(f"{self.server.url}/drawing/")
        card = reader.page.locator(".board-card", has_text="Seen from afar")
        expect(card).to_be_visible()
        expect(card.locator("img")).to_have_count(0)
        ann = self.artist("ann", slug)
        ann.drag((200, 300), (400, 200))
        expect(card.locator("img")).to_be_visible()
        ann.page.get_by_label("Name of the board").fill("Renamed")
        ann.page.keyboard.press("Enter")
        expect(reader.page.locator(".board-card", has_text="Renamed").locator("img")).to_be_visible()

    def test_on_an_older_page_of_the_list_what_is_there_changes_and_what_is_new_does_not_appear(self):
        self.new_board("Old")
        reader = self.artist("bob")
        reader.page.goto(f"{self.server.url}/drawing/")
        reader.page.locator("board-list").evaluate("(list) => list.toggleAttribute('data-older', true)")
        old = self.board_id
        self.new_board("New")
        self.server.run(RENAME.format(board=old, title="Older"))
        expect(reader.page.locator(".board-card", has_text="Older")).to_be_visible()
        expect(reader.page.locator(f"#board-{self.board_id}")).to_have_count(0)

    def test_a_card_that_comes_by_the_socket_is_in_the_language_of_the_page(self):
        slug = self.new_board()
        reader = self.artist("bob", locale="de-DE")
        reader.page.goto(f"{self.server.url}/drawing/")
        card = reader.page.locator(f"#board-{self.board_id}")
        expect(card).to_be_visible()
        ann = self.artist("ann", slug)
        ann.page.get_by_label("Name of the board").fill("Unerwartet")
        ann.page.keyboard.press("Enter")
        expect(card.get_by_role("heading", name="Unerwartet")).to_be_visible()
        expect(card.locator(".board-card__facts")).to_have_text("Privat·von ann")
        card.get_by_role("button", name="Mehr zu Unerwartet").click()
        expect(card.get_by_role("button", name="Von meiner Liste nehmen")).to_be_visible()


SHOWN = """() => [...document.querySelectorAll("body *")]
  .filter((element) => !element.children.length && element.checkVisibility() && element.getClientRects().length)
  .filter((element) => !element.closest("script, noscript, template"))
  .map((element) => element.className)"""
RENAME = """
from drawing import services
from drawing.models import Board
services.change_board(Board.objects.get(pk={board}).owner, {board}, title="{title}")
"""


class HandTests(BoardCase):
    def test_fingers_draw_pinch_and_rest_beside_a_pen(self):
        ann = self.artist("ann", self.new_board(), has_touch=True)
        ann.page.evaluate(TOUCH)
        ann.page.evaluate("touch([[1, 'touch', 300, 300], [1, 'touch', 400, 350], [1, 'touch', 450, 300]])")
        ann.has(1)
        zoom = ann.page.evaluate("document.querySelector('drawing-board').view.zoom")
        ann.page.evaluate("pinch()")
        self.assertGreater(ann.page.evaluate("document.querySelector('drawing-board').view.zoom"), zoom * 1.5)
        ann.has(1)
        ann.page.evaluate("touch([[2, 'pen', 300, 400, 0.2], [2, 'pen', 400, 450, 0.9], [2, 'pen', 500, 420, 0.4]])")
        ann.has(2)
        ann.page.evaluate("touch([[3, 'touch', 200, 200], [3, 'touch', 300, 300]])")  # the palm moves the sheet
        ann.is_saved()
        ann.has(2)
        self.assertTrue(ann.page.evaluate("document.querySelector('drawing-board').sheet.shown[1].shape.hasPressure"))

    def test_a_palm_that_lies_on_the_board_while_a_pen_draws_does_nothing(self):
        ann = self.artist("ann", self.new_board(), has_touch=True)
        ann.page.evaluate(TOUCH)
        view = "(({ view }) => [view.x, view.y, view.zoom])(document.querySelector('drawing-board'))"
        before = ann.page.evaluate(view)
        for palm_is_first in (True, False):
            ann.page.evaluate("(palmIsFirst) => writeWithPalm(palmIsFirst)", palm_is_first)
        ann.has(2)
        lengths = "document.querySelector('drawing-board').sheet.shown.map(({ shape }) => shape.points.length / 3)"
        self.assertEqual(ann.page.evaluate(lengths), [3, 3])
        self.assertEqual(ann.page.evaluate(view), before)

    def test_without_a_pointer_shapes_are_put_walked_moved_and_erased(self):
        ann = self.artist("ann", self.new_board())
        ann.page.locator(".board__stage").focus()
        for key in ("r", "Enter", "o", "Enter"):
            ann.page.keyboard.press(key)
            if key == "Enter":
                ann.page.keyboard.press("Escape")
        ann.has(2)
        ann.page.keyboard.press("]")
        expect(ann.page.locator("[data-announcer]")).to_have_text("rect")
        before = ann.drawn()
        ann.page.keyboard.press("Shift+ArrowRight")
        ann.is_saved()
        self.assertNotEqual(ann.drawn()[0], before[0])
        ann.page.keyboard.press("Delete")
        ann.has(1)
        ann.page.keyboard.press("Control+a")
        ann.page.keyboard.press("Control+d")
        ann.has(2)
        ann.is_saved()

    def test_a_large_board_opens(self):
        slug = self.new_board("Large")
        self.server.run(MANY.format(board=self.board_id, count=20_000))
        ann = self.artist("ann", slug)
        ann.has(20_000)
        ann.watch.expected.append("too_long")
        ann.tool("rect")
        ann.drag((300, 300), (400, 400))
        expect(ann.page.locator(".board__failed")).to_contain_text("20000 elements")
        ann.page.get_by_role("button", name="Discard").click()
        ann.is_saved()


TOUCH = """() => {
  const stage = document.querySelector(".board__stage");
  const { left, top } = stage.getBoundingClientRect();
  stage.setPointerCapture = () => {};  // these pointers are not real ones
  const send = (name, [pointerId, pointerType, x, y, pressure = 0.5]) => {
    const where = { clientX: left + x, clientY: top + y, button: name === "pointermove" ? -1 : 0 };
    stage.dispatchEvent(new PointerEvent(name, { pointerId, pointerType, pressure, bubbles: true, cancelable: true, ...where }));
  };
  window.touch = (steps) => {
    send("pointerdown", steps[0]);
    for (const step of steps.slice(1)) send("pointermove", step);
    send("pointerup", steps.at(-1));
  };
  window.pinch = () => {
    send("pointerdown", [11, "touch", 500, 300]);
    send("pointerdown", [12, "touch", 600, 300]);
    send("pointermove", [12, "touch", 700, 300]);
    send("pointermove", [11, "touch", 450, 300]);
    send("pointerup", [11, "touch", 450, 300]);
    send("pointerup", [12, "touch", 700, 300]);
  };
  window.writeWithPalm = (palmIsFirst) => {
    const [palm, pen] = [[21, "touch", 600, 500], [22, "pen", 300, 400, 0.5]];
    for (const pointer of palmIsFirst ? [palm, pen] : [pen, palm]) send("pointerdown", pointer);
    send("pointermove", [22, "pen", 400, 450, 0.5]);
    send("pointermove", [21, "touch", 620, 520]);
    send("pointermove", [22, "pen", 500, 400, 0.5]);
    send("pointerup", [21, "touch", 620, 520]);
    send("pointerup", [22, "pen", 500, 400, 0.5]);
  };
}"""


class LooksTests(BoardCase):
    def test_the_pages_fit_and_axe_has_no_complaint(self):
        slug = self.new_board(access="link_edit")
        pages = [
            ("ann", "/drawing/"),
            ("ann", f"/drawing/b/{slug}/"),
            ("ann", f"/drawing/b/{slug}/share/"),
            (None, f"/drawing/b/{slug}/"),
        ]
        for scheme, width in (("light", 1280), ("dark", 320)):
            options = {"color_scheme": scheme, "viewport": {"width": width, "height": 760}}
            readers = {person: self.artist(person, **options) for person in ("ann", None)}
            for person, path in pages:
                reader = readers[person]
                with self.subTest(path, scheme=scheme, width=width):
                    reader.page.goto(self.server.url + path)
                    if path.count("/") == 4:
                        reader.is_ready()
                    reader.watch.expected.append("Applying inline style violates")  # axe tries some, and is refused
                    self.assertEqual(violations(reader.page), [])
                    self.assertLessEqual(reader.page.evaluate("document.documentElement.scrollWidth"), width)
            for reader in readers.values():
                reader.close()
                self.artists.remove(reader)

    def test_the_dialogs_have_no_complaint_of_axe(self):
        ann = self.artist("ann", self.new_board())
        ann.watch.expected.append("Applying inline style violates")
        ann.page.keyboard.press("?")
        expect(ann.page.get_by_role("dialog", name="Keys")).to_be_visible()
        self.assertEqual(violations(ann.page), [])
        ann.page.keyboard.press("Escape")
        ann.page.get_by_role("link", name="Share").click()
        expect(ann.page.get_by_label("Add somebody")).to_be_visible()
        self.assertEqual(violations(ann.page), [])
