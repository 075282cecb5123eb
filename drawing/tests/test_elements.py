"""The bytes of elements and frames: both ends agree, and nothing that is not one of them gets in."""

import json
from pathlib import Path

import pytest
from django.test import SimpleTestCase
from hypothesis import given
from hypothesis import strategies as st

from drawing import elements, wire
from drawing.elements import Kind, Shape
from drawing.frames import row_change
from drawing.models import Board
from drawing.tests.tabs import read
from drawing.views.ink import history_entry, pack
from realtime.protocol import Refusal

pytestmark = pytest.mark.once

GOLDEN = json.loads((Path(__file__).parent / "golden.json").read_text())

units = st.integers(-200_000, 200_000)
pressures = st.integers(0, 127).map(lambda level: level / 127)


@st.composite
def shapes(draw):
    kind = draw(st.sampled_from(Kind))
    count = draw(st.integers(1, 20)) if kind.is_stroke else 1 if kind == Kind.TEXT else 2
    has_pressure = kind.is_stroke and draw(st.booleans())
    points = [(draw(units) / 4, draw(units) / 4, draw(pressures) if has_pressure else 0.5) for _ in range(count)]
    rgb = tuple(draw(st.integers(0, 255)) for _ in range(3))
    words = draw(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20)) if kind == Kind.TEXT else ""
    width = draw(st.integers(1, 800)) if kind == Kind.TEXT else draw(st.integers(1, 800)) / 4
    return Shape(kind, rgb, width, points, draw(st.sampled_from(["", "tint", "fill"])), words)


class CodecTests(SimpleTestCase):
    @given(shapes())
    def test_what_is_encoded_is_decoded(self, shape):
        again = elements.decode(elements.encode(shape))
        self.assertEqual(again, shape)

    @given(shapes())
    def test_points_are_counted_without_decoding_them(self, shape):
        if not shape.kind.is_stroke:
            return
        data = elements.encode(shape)
        start = len(elements.encode(Shape(shape.kind, shape.rgb, shape.width, shape.points[:1])))
        if bool(data[0] & elements.PRESSURE) == any(pressure != 0.5 for _, _, pressure in shape.points[:1]):
            self.assertEqual(elements.points_in(data[start:], bool(data[0] & elements.PRESSURE)), len(shape.points) - 1)

    @given(st.binary(max_size=64))
    def test_bytes_of_a_stranger_are_an_element_or_are_refused(self, data):
        try:
            shape = elements.check(data)
        except Refusal as refusal:
            self.assertIn(refusal.code, {"bad_frame", "bad_value", "too_long"})
        else:
            self.assertLessEqual(max(abs(x) for x, _, _ in shape.points), elements.LIMIT)

    @given(st.binary(max_size=64))
    def test_frames_of_a_stranger_are_operations_or_are_refused(self, data):
        try:
            for _, body in wire.operations(data):
                wire.Reader(body).refs()
        except Refusal as refusal:
            self.assertEqual(refusal.code, "bad_frame")

    def test_what_is_too_much_is_refused(self):
        at = (elements.LIMIT + 1, 0, 0.5)
        for code, shape in (
            ("bad_value", Shape(Kind.PEN, (0, 0, 0), 4, [at])),
            ("bad_value", Shape(Kind.TEXT, (0, 0, 0), 4, [(0, 0, 0.5)], text=" ")),
            ("too_long", Shape(Kind.TEXT, (0, 0, 0), 4, [(0, 0, 0.5)], text="x" * 2_001)),
            ("too_long", Shape(Kind.PEN, (0, 0, 0), 4, [(at, 0, 0.5) for at in range(2_001)])),
        ):
            with self.assertRaises(Refusal) as refused:
                elements.check(elements.encode(shape))
            self.assertEqual(refused.exception.code, code)


class GoldenTests(SimpleTestCase):
    """`golden.json` holds Python and JavaScript (test_scripts.py) to one format. Change it only with the version of the wire."""

    def test_elements(self):
        for example in GOLDEN["elements"]:
            shape = elements.decode(bytes.fromhex(example["hex"]))
            self.assertEqual(elements.encode(shape, example["precision"]).hex(), example["hex"], example)
            self.assertEqual([shape.kind.name, shape.width, shape.fill, shape.text], [example[name] for name in FACTS])
            self.assertEqual([[x, y, round(pressure * 127)] for x, y, pressure in shape.points], example["points"])

    def test_frames_of_the_server(self):
        frames = {
            "ack": wire.ack(300, 70_000, 12),
            "ink": wire.ink_change(129, 2, 40, 0xDEADBEEF),
            "element": wire.element_change(5, 3, 1, b"\x03\x02\x01\x02\x03\x08\x00\x00\x0a\x0a"),
            "erased": wire.erased_change(2**40, 7, 1),
            "board": wire.board_change(9, {"title": "Café"}),
        }
        self.assertEqual({name: frame.hex() for name, frame in frames.items()}, GOLDEN["server"])
        self.assertEqual(read(frames["ink"]).crc, 0xDEADBEEF)

    def test_frames_of_the_client(self):
        for name, example in GOLDEN["client"].items():
            ((op, body),) = wire.operations(bytes.fromhex(example["hex"]))
            reader = wire.Reader(body)
            self.assertEqual(wire.Op(op).name.lower(), name)
            if name == "put":
                self.assertEqual([reader.varint(), wire.pack_key(reader.key()).hex()], [example["tag"], example["key"]])
            elif name == "edit":
                self.assertEqual([reader.varint() for _ in range(3)], [example["tag"], example["number"], example["base"]])
            else:
                self.assertEqual(reader.varint(), example["tag"])
                refs = [[number, wire.pack_key(key).hex() if key else ""] for number, key in reader.refs()]
                self.assertEqual(refs, example["refs"])

    def test_what_is_told_of_this_moment(self):
        for name, example in GOLDEN["told"].items():
            body = b"".join(WRITTEN[field](value) for field, value in example.items() if field != "hex")
            self.assertEqual(wire.operation(wire.Op[name.upper()], body).hex(), example["hex"], name)
            self.assertEqual(list(wire.operations(bytes.fromhex(example["hex"]))), [(wire.Op[name.upper()], body)])

    def test_a_tick(self):
        said = [(at, wire.Op[name.upper()], bytes.fromhex(body)) for at, name, body in GOLDEN["tick"]["said"]]
        frame = bytes([wire.TICK]) + b"".join(wire.varint(at) + wire.operation(op, body) for at, op, body in said)
        self.assertEqual(frame.hex(), GOLDEN["tick"]["hex"])
        self.assertEqual(read(frame), ("tick", said))

    def test_a_board_in_bulk(self):
        golden = GOLDEN["bulk"]
        board = Board(rev=golden["rev"], epoch=golden["epoch"])
        rows = [(*facts, bytes.fromhex(data)) for *facts, data in golden["rows"]]
        self.assertEqual(pack(board, golden["since"], map(row_change, rows)).hex(), golden["ink"])
        self.assertEqual(pack(board, 0, map(history_entry, rows)).hex(), golden["history"])


WRITTEN = {
    **dict.fromkeys(("key", "data"), bytes.fromhex),
    **dict.fromkeys(("tag", "points", "width", "height"), wire.varint),
    **dict.fromkeys(("x", "y"), wire.signed),
}
FACTS = ["kind", "width", "fill", "text"]
