"""The demo's boards: what is on them, as shapes. Data and a little geometry; `seed_drawing` draws it, through the services."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import cos, pi, sin

from drawing.elements import Kind, Shape

PEOPLE = ("ann", "bob", "sam", "kim", "lee", "mia")

INK, GREY, RED, ORANGE, YELLOW = (
    (0x1F, 0x1F, 0x1C),
    (0x7D, 0x7A, 0x72),
    (0xD8, 0x36, 0x2F),
    (0xE8, 0x71, 0x0A),
    (0xE9, 0xB1, 0x0C),
)
GREEN, TEAL, BLUE, VIOLET, PINK = (
    (0x1B, 0x8A, 0x4B),
    (0x0C, 0x8A, 0x93),
    (0x21, 0x66, 0xD1),
    (0x7A, 0x3F, 0xD0),
    (0xD6, 0x33, 0x84),
)

Colour = tuple[int, int, int]
Point = tuple[float, float]
Drawn = Iterator[tuple[str, Shape]]  # who, and what


@dataclass(frozen=True, slots=True)
class DemoBoard:
    """The first of `members` owns it, the others may draw."""

    title: str
    access: str
    background: str
    members: tuple[str, ...]
    draw: Callable[[random.Random], Drawn]


def pen(points: list[Point], rgb: Colour = INK, width: float = 4) -> Shape:
    """As by a hand with a stylus: light where it begins and ends."""
    last = max(len(points) - 1, 1)
    return Shape(Kind.PEN, rgb, width, [(x, y, 0.28 + 0.5 * abs(sin(pi * at / last)) ** 0.5) for at, (x, y) in enumerate(points)])


def marker(points: list[Point], rgb: Colour = YELLOW, width: float = 24) -> Shape:
    return Shape(Kind.HIGHLIGHTER, rgb, width, [(x, y, 0.5) for x, y in points])


def corners(kind: Kind, x: float, y: float, wide: float, high: float, rgb: Colour, fill: str = "", width: float = 2) -> Shape:
    return Shape(kind, rgb, width, [(x, y, 0.5), (x + wide, y + high, 0.5)], fill)


def text(x: float, y: float, words: str, rgb: Colour = INK, height: float = 22) -> Shape:
    return Shape(Kind.TEXT, rgb, height, [(x, y, 0.5)], text=words)


def arc(x: float, y: float, rx: float, ry: float, start: float = 0, end: float = 2 * pi, steps: int = 40) -> list[Point]:
    return [
        (x + rx * cos(start + (end - start) * at / steps), y + ry * sin(start + (end - start) * at / steps))
        for at in range(steps + 1)
    ]


def wobbly(points: list[Point], chance: random.Random, by: float = 1.2) -> list[Point]:
    return [(x + chance.uniform(-by, by), y + chance.uniform(-by, by)) for x, y in points]


def curve(*points: Point, steps: int = 12) -> list[Point]:
    """Through all of these, smoothly (Catmull-Rom)."""
    padded = [points[0], *points, points[-1]]
    path: list[Point] = []
    for (x0, y0), (x1, y1), (x2, y2), (x3, y3) in zip(padded, padded[1:], padded[2:], padded[3:], strict=False):
        for at in range(steps):
            t = at / steps
            path.append(
                (
                    0.5 * (2 * x1 + (x2 - x0) * t + (2 * x0 - 5 * x1 + 4 * x2 - x3) * t**2 + (3 * x1 - x0 - 3 * x2 + x3) * t**3),
                    0.5 * (2 * y1 + (y2 - y0) * t + (2 * y0 - 5 * y1 + 4 * y2 - y3) * t**2 + (3 * y1 - y0 - 3 * y2 + y3) * t**3),
                )
            )
    return [*path, points[-1]]


def flower(x: float, y: float, size: float, rgb: Colour, chance: random.Random) -> Iterator[Shape]:
    """A stem, two leaves, petals and what they stand around."""
    foot = y + size * 3.2
    lean = chance.uniform(-0.3, 0.3) * size
    yield pen(curve((x + lean, foot), (x - size * 0.15, y + size * 1.8), (x, y + size * 0.6)), GREEN, max(3, size / 8))
    for side in (-1, 1):
        root = y + size * chance.uniform(1.7, 2.3)
        yield pen(
            curve((x, root + size * 0.4), (x + side * size * 0.55, root - size * 0.05), (x + side * size, root + size * 0.1)),
            GREEN,
            max(3, size / 7),
        )
    petals = chance.choice([5, 6, 7])
    turn = chance.uniform(0, pi)
    for petal in range(petals):
        angle = turn + 2 * pi * petal / petals
        tip = (x + cos(angle) * size, y + sin(angle) * size)
        left = (x + cos(angle - 0.42) * size * 0.72, y + sin(angle - 0.42) * size * 0.72)
        right = (x + cos(angle + 0.42) * size * 0.72, y + sin(angle + 0.42) * size * 0.72)
        yield pen(curve((x, y), left, tip, right, (x, y), steps=8), rgb, max(3, size / 7))
    yield pen(arc(x, y, size * 0.2, size * 0.2, 0, 5 * pi, 30), YELLOW, max(4, size / 5))


def meadow(chance: random.Random) -> Drawn:
    """A wall that everybody may draw on."""
    yield "mia", pen(arc(760, 110, 58, 58, 0, 2.05 * pi), ORANGE, 7)
    for ray in range(12):
        angle = 2 * pi * ray / 12
        points = [(760 + cos(angle) * at, 110 + sin(angle) * at) for at in range(78, 112, 4)]
        yield "mia", pen(wobbly(points, chance, 0.8), ORANGE, 6)
    for left, top, scale in ((150.0, 90.0, 1.0), (430.0, 50.0, 0.75)):
        bumps = [arc(left + at * 44 * scale, top, 34 * scale, 30 * scale, pi * 0.9, pi * 2.1, 14) for at in range(3)]
        outline = [point for bump in bumps for point in bump]
        base = (left - 36 * scale, top + 12 * scale), (left + 124 * scale, top + 12 * scale)
        yield "lee", pen([*outline, base[1], base[0], outline[0]], BLUE, 5)
    for ridge, rgb, who in ((330, TEAL, "kim"), (385, GREEN, "kim")):
        hills = curve(
            (-60, ridge + 30), (120, ridge - 70), (330, ridge + 10), (520, ridge - 40), (720, ridge + 30), (960, ridge - 30)
        )
        yield who, pen(hills, rgb, 6)
    colours = [RED, PINK, VIOLET, BLUE, ORANGE, RED, PINK]
    for at, rgb in enumerate(colours):
        who = ("ann", "bob", "kim", "mia")[at % 4]
        for shape in flower(
            20 + at * 132 + chance.uniform(-24, 24), 480 + chance.uniform(-36, 40), chance.uniform(30, 44), rgb, chance
        ):
            yield who, shape
    for blade in range(46):
        stem = -50 + blade * 22 + chance.uniform(-8, 8)
        foot = 640 + chance.uniform(-6, 14)
        yield (
            "lee",
            pen(
                curve(
                    (stem, foot),
                    (stem + chance.uniform(-4, 4), foot - 22),
                    (stem + chance.uniform(-14, 14), foot - chance.uniform(34, 62)),
                    steps=6,
                ),
                GREEN,
                4,
            ),
        )
    for x, y in ((300, 190), (350, 160), (560, 210)):
        yield "bob", pen(curve((x - 18, y - 8), (x - 8, y - 14), (x, y), (x + 8, y - 14), (x + 18, y - 8), steps=6), INK, 4)
    yield "bob", text(-40, -60, "Draw something. Everybody may.", GREY, 30)


def plan(chance: random.Random) -> Drawn:
    """How a stroke travels."""
    yield "ann", text(0, -110, "How a stroke travels", INK, 44)
    yield "ann", marker([(0, -62), (120, -60), (240, -63), (400, -61)], YELLOW, 20)
    boxes = [
        (0, "Hand", "points, 30 times\na second", BLUE),
        (290, "Tick", "one frame for all\nwho draw", TEAL),
        (580, "Screens", "ink that may\nbe lost", VIOLET),
    ]
    for x, title, words, rgb in boxes:
        yield "ann", corners(Kind.RECT, x, 20, 200, 130, rgb, "tint")
        yield "ann", text(x + 18, 34, title, rgb, 28)
        yield "ann", text(x + 18, 78, words, INK, 20)
    for x in (206, 496):
        yield "ann", corners(Kind.ARROW, x, 85, 78, 0, INK, width=4)
    yield "sam", corners(Kind.RECT, 0, 270, 200, 130, GREEN, "tint")
    yield "sam", text(18, 284, "Database", GREEN, 28)
    yield "sam", text(18, 328, "one commit for\nwhat waits", INK, 20)
    yield "sam", corners(Kind.ARROW, 100, 156, 0, 106, INK, width=4)
    yield "sam", text(116, 190, "pen up", GREY, 20)
    yield "sam", corners(Kind.ELLIPSE, 290, 270, 200, 130, ORANGE, "tint")
    yield "sam", text(336, 306, "Feed", ORANGE, 28)
    yield "sam", text(334, 342, "rev 17, 18…", INK, 20)
    yield "sam", corners(Kind.ARROW, 206, 335, 78, 0, INK, width=4)
    yield "sam", pen(curve((496, 330), (600, 320), (672, 260), (680, 164)), INK, 4)
    yield "sam", pen([(662, 182), (680, 160), (700, 180)], INK, 4)
    yield "bob", text(512, 352, "“it is what\nyou saw”", GREY, 22)
    yield "bob", pen(wobbly(arc(676, 85, 128, 92, -2.2, 4.4, 60), chance), RED, 4)
    yield "bob", text(560, 430, "and when a hint is lost?\nIt is a row. Read it again.", RED, 24)
    yield "bob", pen(curve((690, 424), (740, 330), (730, 190)), RED, 4)
    yield "bob", marker([(560, 484), (700, 482), (850, 485)], PINK, 22)


def sketch(chance: random.Random) -> Drawn:
    """A cat. It is nobody's business."""
    yield (
        "ann",
        pen(
            curve(
                (120, 260), (60, 180), (70, 90), (150, 60), (230, 60), (310, 92), (318, 182), (258, 262), (190, 284), (120, 260)
            ),
            INK,
            5,
        ),
    )
    yield "ann", pen(curve((78, 96), (70, 20), (140, 62)), INK, 5)
    yield "ann", pen(curve((240, 62), (306, 18), (306, 92)), INK, 5)
    for x in (142, 240):
        yield "ann", pen(arc(x, 150, 17, 22, 0, 2.1 * pi, 26), INK, 4)
        yield "ann", pen(arc(x, 154, 7, 12, 0, 4 * pi, 20), GREEN, 6)
    yield "ann", pen(curve((180, 196), (191, 206), (202, 196), (180, 196)), PINK, 6)
    yield "ann", pen(curve((191, 208), (188, 228), (164, 230)), INK, 4)
    yield "ann", pen(curve((191, 208), (196, 228), (220, 230)), INK, 4)
    for whisker, bend in ((196, -14), (208, 0), (220, 14)):
        yield "ann", pen(curve((128, whisker), (80, whisker + bend * 0.6), (22, whisker + bend)), GREY, 3)
        yield "ann", pen(curve((252, whisker), (300, whisker + bend * 0.6), (362, whisker + bend)), GREY, 3)
    yield "ann", text(118, 306, "milk, please", GREY, 26)


BOARDS = (
    DemoBoard("The wall", "public", "plain", ("sam", "ann", "bob", "kim", "lee", "mia"), meadow),
    DemoBoard("How a stroke travels", "link_edit", "dots", ("ann", "bob", "sam"), plan),
    DemoBoard("Cat", "private", "plain", ("ann",), sketch),
)
