"""A board as a small PNG, for lists. Drawn large and scaled down, so that thin lines stay lines."""

import io
from collections.abc import Callable, Iterable
from itertools import pairwise
from math import atan2, cos, hypot, pi, sin
from typing import Any

from PIL import Image, ImageDraw, ImageFont

from drawing.elements import Kind, Shape

WIDTH, HEIGHT = 480, 300  # pixels
OVERSAMPLING = 3
MARGIN = 24
MAX_SCALE = 1.0  # a small drawing is not blown up
HIGHLIGHT, TINT = 96, 56  # of 255: how much of what lies below is covered
ARROW_ANGLE = pi / 7

Box = tuple[float, float, float, float]
Point = tuple[float, float]
Colour = tuple[int, ...]


def draw(read: Callable[[], Iterable[Shape]]) -> bytes:
    """The PNG, on a transparent ground. `read` gives the shapes, twice: all of a large board would not fit into memory."""
    picture = Image.new("RGBA", (WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING), (0, 0, 0, 0))
    boxes = [_box(shape) for shape in read()]
    if boxes:
        left, top, right, bottom = zip(*boxes, strict=True)
        pen = _Pen(picture, (min(left), min(top), max(right), max(bottom)))
        for shape in read():
            pen.draw(shape)
    output = io.BytesIO()
    picture.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS).quantize(128, Image.Quantize.FASTOCTREE).save(output, "PNG")
    return output.getvalue()


def _box(shape: Shape) -> Box:
    xs, ys = [x for x, _, _ in shape.points], [y for _, y, _ in shape.points]
    if shape.kind == Kind.TEXT:
        xs.append(xs[0] + max(map(len, shape.text.split("\n"))) * shape.width * 0.55)
        ys.append(ys[0] + (shape.text.count("\n") + 1) * shape.width * 1.25)
    return min(xs), min(ys), max(xs), max(ys)


class _Pen:
    def __init__(self, picture: Image.Image, box: Box):
        left, top, right, bottom = box
        wide, high = max(right - left, 1), max(bottom - top, 1)
        self.scale = OVERSAMPLING * min((WIDTH - 2 * MARGIN) / wide, (HEIGHT - 2 * MARGIN) / high, MAX_SCALE)
        self.x = (picture.width - wide * self.scale) / 2 - left * self.scale
        self.y = (picture.height - high * self.scale) / 2 - top * self.scale
        self.picture, self.surface = picture, ImageDraw.Draw(picture)

    def draw(self, shape: Shape) -> None:
        points = [(self.x + x * self.scale, self.y + y * self.scale) for x, y, _ in shape.points]
        width = max(shape.width * self.scale, 1.0)
        match shape.kind:
            case Kind.HIGHLIGHTER:
                self.blend(lambda surface: self.line(surface, points, width, (*shape.rgb, HIGHLIGHT)))
            case Kind.PEN:
                pressures = [pressure for _, _, pressure in shape.points]
                self.stroke(points, pressures, width, (*shape.rgb, 255))
            case Kind.LINE | Kind.ARROW:
                self.line(self.surface, points, width, (*shape.rgb, 255))
                if shape.kind == Kind.ARROW:
                    self.head(points, width, (*shape.rgb, 255))
            case Kind.RECT | Kind.ELLIPSE:
                self.outline(shape, points, width)
            case Kind.TEXT:
                font = ImageFont.load_default(max(width, 4))
                self.surface.multiline_text(points[0], shape.text, (*shape.rgb, 255), font, spacing=width * 0.2)

    def outline(self, shape: Shape, points: list[Point], width: float) -> None:
        (x0, y0), (x1, y1) = points
        box = [min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)]
        name = "rectangle" if shape.kind == Kind.RECT else "ellipse"
        if shape.fill == "tint":
            self.blend(lambda surface: getattr(surface, name)(box, fill=(*shape.rgb, TINT)))
        fill = (*shape.rgb, 255) if shape.fill == "fill" else None
        getattr(self.surface, name)(box, fill=fill, outline=(*shape.rgb, 255), width=max(1, round(width)))

    def blend(self, paint: Callable[[Any], None]) -> None:
        """What does not cover what lies below it."""
        layer = Image.new("RGBA", self.picture.size, (0, 0, 0, 0))
        paint(ImageDraw.Draw(layer))
        self.picture.alpha_composite(layer)

    def line(self, surface: Any, points: list[Point], width: float, colour: Colour) -> None:
        surface.line(points, colour, max(1, round(width)), joint="curve")
        for x, y in (points[0], points[-1]):
            surface.ellipse([x - width / 2, y - width / 2, x + width / 2, y + width / 2], colour)

    def stroke(self, points: list[Point], pressures: list[float], width: float, colour: Colour) -> None:
        """Thinner where it was pressed less."""
        if width < 2 * OVERSAMPLING or len(set(pressures)) == 1:
            self.line(self.surface, points, width, colour)
            return
        for (start, end), pressure in zip(pairwise(points), pressures[1:], strict=True):
            self.line(self.surface, [start, end], width * (0.5 + pressure * 0.75), colour)

    def head(self, points: list[Point], width: float, colour: Colour) -> None:
        (x0, y0), (x1, y1) = points
        angle, size = atan2(y1 - y0, x1 - x0), min(hypot(x1 - x0, y1 - y0) / 2, width * 2 + 14 * self.scale)
        for side in (-ARROW_ANGLE, ARROW_ANGLE):
            tip = x1 - size * cos(angle + side), y1 - size * sin(angle + side)
            self.line(self.surface, [(x1, y1), tip], width, colour)
