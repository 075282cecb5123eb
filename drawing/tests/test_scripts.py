"""The scripts of a board, without a board: the format of the wire, and the sheet, whatever comes in whatever order."""

import json
import zlib
from pathlib import Path

import pytest
from django.test import SimpleTestCase
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from drawing import wire
from drawing.tests.tabs import new_key, rectangle, stroke
from realtime.tests.browser import chromium
from tests.server import running_server

pytestmark = pytest.mark.browser

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())
HEX = """
  const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const fromHex = (text) => Uint8Array.from(text.match(/../g) ?? [], (digits) => parseInt(digits, 16));
  const load = (name) => import(`/static/drawing/${name}.js`);
"""
ELEMENTS = f"""async (examples) => {{ {HEX}
  const {{ decode, encode, Kind }} = await load("elements");
  return examples.map(({{ hex }}) => {{
    const shape = decode(fromHex(hex));
    const points = [];
    for (let at = 0; at < shape.points.length; at += 3) {{
      points.push([shape.points[at], shape.points[at + 1], Math.round(shape.points[at + 2] * 127)]);
    }}
    const kind = Object.keys(Kind).find((name) => Kind[name] === shape.kind);
    const {{ precision, rgb, width, fill, text }} = shape;
    return {{ hex: toHex(encode(shape).data), precision, kind, rgb, width, fill, text, points }};
  }});
}}"""
FRAMES = f"""async ([client, server]) => {{ {HEX}
  const {{ entryOperation, readFrame }} = await load("wire");
  const {{ crc32 }} = await load("bytes");
  const refs = (pairs) => pairs.map(([number, key]) => ({{ number, key }}));
  const sent = Object.entries(client).map(([type, example]) => [type, toHex(entryOperation({{
    ...example, type, data: example.data && fromHex(example.data), refs: example.refs && refs(example.refs),
  }}))]);
  const read = Object.entries(server).map(([name, hex]) => {{
    const frame = readFrame(fromHex(hex).buffer);
    return [name, {{ ...frame, data: frame.data && toHex(frame.data) }}];
  }});
  return [Object.fromEntries(sent), Object.fromEntries(read), crc32(new TextEncoder().encode("Backchannel"))];
}}"""
TOLD = f"""async ([told, tick]) => {{ {HEX}
  const {{ readFrame, tell }} = await load("wire");
  const {{ LiveInk }} = await load("live-ink");
  const bodies = (example) => Object.entries(example).filter(([field]) => field !== "hex");
  const written = Object.entries(told).map(([name, example]) => [
    name, toHex(tell[name](...bodies(example).map(([field, value]) => (field === "data" ? fromHex(value) : value)))),
  ]);
  const inks = new LiveInk();
  const reports = [];
  for (const name of ["cursor", "view"]) inks.addEventListener(name, ({{ detail }}) => reports.push(detail));
  const {{ said }} = readFrame(fromHex(tick).buffer);
  for (const word of said) inks.take(word);
  const read = said.map(({{ participant, op, body }}) => [participant, op, toHex(body)]);
  return [Object.fromEntries(written), read, reports, [...inks.shapes()].map(({{ points }}) => [...points])];
}}"""
BULK = f"""async ({{ ink, history }}) => {{ {HEX}
  const {{ readHistory, readInk }} = await load("wire");
  const about = ({{ rev, since, epoch }}) => [rev, since, epoch];
  const [board, all] = [readInk(fromHex(ink).buffer), readHistory(fromHex(history).buffer)];
  const changes = board.changes.map(({{ rev, number, participant, data }}) => [rev, number, participant, toHex(data)]);
  const drawn = all.drawn.map(({{ number, author, erasedAt, data }}) => [number, author, erasedAt, toHex(data)]);
  return {{ ink: [about(board), changes], history: [about(all), drawn] }};
}}"""
SHEET = f"""async (stories) => {{ {HEX}
  const {{ Sheet }} = await load("sheet");
  const {{ readFrame }} = await load("wire");
  return stories.map((steps) => {{
    const sheet = new Sheet();
    sheet.me = 1;
    const entries = new Map();
    for (const step of steps) {{
      if (step.put) entries.set(step.key, sheet.add({{ type: "put", key: step.key, data: fromHex(step.put) }}));
      if (step.change) {{
        const inks = (step.inks ?? []).map(fromHex);
        sheet.apply(readFrame(fromHex(step.change).buffer), () => inks[0] ?? null);
      }}
      if (step.ack) {{
        sheet.remove(entries.get(step.ack), {{ rev: step.rev, number: step.number }});
        entries.delete(step.ack);
      }}
    }}
    return sheet.shown.map(({{ number, shape }}) => [number, toHex(shape.data)]);
  }});
}}"""
GHOST = f"""async ([begin]) => {{ {HEX}
  const {{ LiveInk }} = await load("live-ink");
  const {{ Op }} = await load("wire");
  window.inks = new LiveInk();
  for (const [op, body] of [[Op.BEGIN, begin], [Op.END, ""]]) inks.take({{ participant: 2, op, body: fromHex(body) }});
  return inks.isEmpty;
}}"""
ERASED = f"""async ([data]) => {{ {HEX}
  const {{ Sheet }} = await load("sheet");
  const {{ InkOutbox }} = await load("ink-outbox");
  const sheet = new Sheet();
  sheet.rev = 9;
  const outbox = new InkOutbox({{ sheet, place: "test", send: () => true }});
  const put = outbox.add({{ type: "put", key: "fe23456789abcdef", data: fromHex(data) }});
  outbox.add({{ type: "edit", item: put.item, data: fromHex(data) }});
  outbox.resume();
  outbox.acked({{ tag: put.tag, rev: 8, number: 0 }});
  return [sheet.shown.length, outbox.waiting];
}}"""
FETCHED = """async () => {
  const { BoardLink } = await import("/static/drawing/board-link.js");
  window.fetched = 0;
  const answers = [{ status: 429, headers: { "Retry-After": "7" } }, { status: 404 }];
  window.fetch = async () => new Response("", answers[fetched++]);
  window.link = new BoardLink({ socketUrl: "ws://nowhere.invalid/", inkUrl: "/", sheet: {}, inks: { clear() {} } });
  link.use({ pause() {} });
  window.started = link.start();
}"""
METER = """async () => {
  const { Meter } = await import("/static/drawing/meter.js");
  window.meter = new Meter();
  for (const bytes of [100, 200]) meter.sent(bytes);
  meter.received(50);
  meter.drew(10);
  for (const took of [100, 200, null]) meter.answered(took);
  return meter.read();
}"""
bounded = settings(max_examples=60, deadline=None, database=None, derandomize=True, phases=[Phase.generate])
step = st.tuples(st.sampled_from(["mine", "mine", "theirs", "ink", "edit", "erase"]), st.integers(0, 9), st.integers(0, 2))


class ScriptTests(SimpleTestCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        server = cls.enterClassContext(running_server())
        browser = cls.enterClassContext(chromium())
        cls.page = browser.new_page()
        cls.page.goto(f"{server.url}/accounts/login/")
        cls.page.clock.install()

    def test_elements_are_read_and_written_as_python_does(self):
        self.assertEqual(self.page.evaluate(ELEMENTS, GOLDEN["elements"]), GOLDEN["elements"])

    def test_frames_are_read_and_written_as_python_does(self):
        sent, read, crc = self.page.evaluate(FRAMES, [GOLDEN["client"], GOLDEN["server"]])
        self.assertEqual(sent, {name: example["hex"] for name, example in GOLDEN["client"].items()})
        self.assertEqual(crc, zlib.crc32(b"Backchannel"))
        self.assertEqual([read["ack"][name] for name in ("tag", "rev", "number")], [300, 70_000, 12])
        self.assertEqual([read["ink"][name] for name in ("rev", "participant", "points", "crc")], [129, 2, 40, 0xDEADBEEF])
        self.assertEqual(read["element"]["data"], "03020102030800000a0a")
        self.assertEqual([read["erased"][name] for name in ("rev", "number")], [2**40, 7])
        self.assertEqual(read["board"]["facts"], {"title": "Café"})

    def test_what_is_told_of_this_moment_is_written_and_read_as_python_does(self):
        told, tick = GOLDEN["told"], GOLDEN["tick"]
        written, said, reports, shapes = self.page.evaluate(TOLD, [told, tick["hex"]])
        self.assertEqual(written, {name: example["hex"] for name, example in told.items()})
        self.assertEqual(said, [[at, wire.Op[name.upper()], body] for at, name, body in tick["said"]])
        place, view = [told["cursor"][at] for at in ("x", "y")], [told["view"][at] for at in ("x", "y", "width", "height")]
        self.assertIn({"participant": 300, "x": place[0], "y": place[1]}, reports)
        self.assertIn({"participant": 300, "box": [*view[:2], view[0] + view[2], view[1] + view[3]]}, reports)
        self.assertIn({"participant": 1, "x": 1.5, "y": -2.25}, reports)  # where the ink ends
        self.assertEqual(shapes, [[0, 0, 0.5, 1.5, -2.25, 0.5], [0, 0, 0.5, 40, 30, 0.5]])

    def test_a_board_in_bulk_is_read_as_python_writes_it(self):
        golden, rows = GOLDEN["bulk"], GOLDEN["bulk"]["rows"]
        read = self.page.evaluate(BULK, golden)
        about = [golden["rev"], golden["since"], golden["epoch"]]
        changes = [[rev, at, by if gone else author, "" if gone else data] for rev, at, author, by, gone, data in rows]
        drawn = [[at, author, rev if gone else 0, data] for rev, at, author, _, gone, data in rows]
        self.assertEqual(read, {"ink": [about, changes], "history": [[about[0], 0, about[2]], drawn]})

    def test_the_meter_counts_what_went_through_the_socket_lately(self):
        now = {"up": 150, "down": 25, "framesUp": 1, "framesDown": 0.5, "points": 5, "latency": 130}
        self.assertEqual(self.page.evaluate(METER), now)
        self.page.clock.fast_forward(2_001)
        self.assertEqual(self.page.evaluate("meter.read()"), dict.fromkeys(now, 0) | {"latency": 130})

    def test_a_stroke_that_ended_and_is_never_committed_does_not_stay(self):
        self.assertFalse(self.page.evaluate(GHOST, [stroke((0, 0), (4, 4)).hex()]))
        self.page.clock.fast_forward(16_000)
        self.assertTrue(self.page.evaluate("inks.isEmpty"))

    def test_a_board_is_fetched_again_when_the_server_says_so(self):
        self.page.evaluate(FETCHED)
        self.page.clock.fast_forward(6_000)
        self.assertEqual(self.page.evaluate("[fetched, link.status]"), [1, "idle"])
        self.page.clock.fast_forward(2_000)
        self.assertEqual(self.page.evaluate("started.then(() => [fetched, link.status])"), [2, "stopped"])

    def test_what_turns_out_to_be_erased_is_gone_and_holds_nothing_up(self):
        self.assertEqual(self.page.evaluate(ERASED, [rectangle().hex()]), [0, 0])

    def test_the_sheet_ends_as_the_table_whatever_comes_twice_late_or_before_its_ack(self):
        stories = []

        @bounded
        @given(st.lists(step, min_size=8, max_size=30))
        def tell(steps):
            stories.append(Table().play(steps))

        tell()
        shown = self.page.evaluate(SHEET, [story for story, _ in stories])
        for (story, rows), screen in zip(stories, shown, strict=True):
            self.assertEqual(screen, rows, story)


class Table:
    """What the server stores, and what it says of it: now, or (late) as a row when something else has been said."""

    def __init__(self):
        self.rev = 0
        self.rows: dict[int, tuple[int, bytes | None]] = {}
        self.told: list[dict] = []
        self.late: list[dict] = []

    def play(self, steps):
        for verb, which, fate in steps:
            number = sorted(self.rows)[which % len(self.rows)] if self.rows else 0
            if verb in {"edit", "erase"} and not (number and self.rows[number][1]):
                continue
            self.rev += 1
            getattr(self, verb)(number, which, fate)
        self.told += self.late
        return self.told, [[number, data.hex()] for number, (_, data) in sorted(self.rows.items()) if data]

    def mine(self, number, which, fate):
        """The change comes before the ack, after it, or as a row much later; and the same shape may be on its way twice."""
        key, data = wire.pack_key(new_key()).hex(), rectangle(which % 2)
        self.rows[self.rev] = (self.rev, data)
        change = {"change": wire.element_change(self.rev, self.rev, 1, data).hex()}
        ack = {"ack": key, "rev": self.rev, "number": self.rev}
        self.told.append({"put": data.hex(), "key": key})
        if fate == 0:
            self.told += [change, ack]
        elif fate == 1:
            self.told += [ack, change, change]
        else:
            self.told.append(ack)
            self.late.append(change)

    def theirs(self, number, which, fate):
        self.rows[self.rev] = (self.rev, rectangle(which))
        self.tell(self.rev, fate)

    def ink(self, number, which, fate):
        data = stroke((which, 0), (5, which))
        self.rows[self.rev] = (self.rev, data)
        change = wire.ink_change(self.rev, 2, 2, zlib.crc32(data))
        seen = {"change": change.hex(), "inks": [data.hex()] if fate else []}
        self.told.append(seen)
        if not fate:  # it was not seen: the row is read
            self.tell(self.rev, 0)

    def edit(self, number, which, fate):
        self.rows[number] = (self.rev, rectangle(which, 7 + which))
        self.tell(number, fate)

    def erase(self, number, which, fate):
        self.rows[number] = (self.rev, None)
        self.tell(number, fate)

    def tell(self, number, fate):
        rev, data = self.rows[number]
        change = wire.element_change(rev, number, 2, data) if data else wire.erased_change(rev, number, 2)
        where = self.late if fate == 2 else self.told
        where.append({"change": change.hex()})
