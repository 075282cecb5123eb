/* How a shape is drawn, and whether a point hits it. Paths are in pixels of the board, and kept with their shape. */
import { getStroke } from "../vendor/perfect-freehand-1.2.3.js";
import { css } from "./colours.js";
import { FONT, Kind, LINE_HEIGHT } from "./elements.js";

const HIGHLIGHT = 0.38; // how much of what lies below is covered
const TINT = 0.22;
const ARROW_ANGLE = Math.PI / 7;
const NEAR = 1; // pixel on the screen: points that are closer look like one
const THIN = 2.6; // pixels on the screen; the outline of a thinner line cannot be seen

/** Draws on a context that is scaled to the board. `rough` is quick: lines of even width. Returns false where it was rough. */
export function draw(context, shape, { isDark = false, scale = 1, rough = false } = {}) {
  const { kind, rgb, fill } = shape;
  const colour = css(rgb, isDark);
  if (kind === Kind.TEXT) return drawText(context, shape, colour);
  if (kind === Kind.PEN) {
    const isOwed = owesOutline(shape, scale);
    if (shape.width * scale >= THIN && !(isOwed && rough)) {
      context.fillStyle = colour;
      context.fill(outline(shape));
      return true;
    }
    line(context, shape, colour, scale);
    return !isOwed;
  }
  if (kind === Kind.HIGHLIGHTER) return line(context, shape, css(rgb, isDark, HIGHLIGHT), scale);
  if (fill) {
    context.fillStyle = fill === "tint" ? css(rgb, isDark, TINT) : colour;
    context.fill(path(shape));
  }
  return line(context, shape, colour);
}

function line(context, shape, colour, scale = 1) {
  context.strokeStyle = colour;
  context.lineWidth = shape.width;
  context.lineCap = context.lineJoin = "round";
  context.stroke(shape.kind <= Kind.HIGHLIGHTER ? strokePath(shape, scale) : path(shape));
  return true;
}

function drawText(context, { points, text, width }, colour) {
  context.fillStyle = colour;
  context.font = `${width}px ${FONT}`;
  context.textBaseline = "alphabetic";
  text.split("\n").forEach((words, row) => context.fillText(words, points[0], points[1] + width * (0.98 + row * LINE_HEIGHT)));
  return true;
}

/** Whether the outline of this shape can be seen, and has not been worked out yet. */
export function owesOutline({ kind, width, outline: known }, scale) {
  return kind === Kind.PEN && !known && width * scale >= THIN;
}

/** The outline of a pen stroke as an SVG path: thicker where it was pressed, or drawn slowly. */
export function outlinePath({ points, width, hasPressure }, isLast = true) {
  const input = [];
  for (let at = 0; at < points.length; at += 3) input.push([points[at], points[at + 1], points[at + 2]]);
  const corners = getStroke(input, {
    size: width * 1.35, thinning: hasPressure ? 0.62 : 0.5, smoothing: 0.5, streamline: 0.42, simulatePressure: !hasPressure, last: isLast,
  });
  if (!corners.length) return "";
  const round = (number) => Math.round(number * 100) / 100;
  const middle = (one, other) => `${round((one[0] + other[0]) / 2)} ${round((one[1] + other[1]) / 2)}`;
  const curves = corners.map((corner, at) => {
    const next = corners[(at + 1) % corners.length];
    return `${round(corner[0])} ${round(corner[1])} ${middle(corner, next)}`;
  });
  return `M${middle(corners.at(-1), corners[0])}Q${curves.join(" ")}Z`;
}

export function outline(shape) {
  return (shape.outline ??= new Path2D(outlinePath(shape)));
}

/** The line along which a shape is drawn. */
export function path(shape) {
  return (shape.path ??= new Path2D(linePath(shape)));
}

/** The line of a stroke. Seen from afar many of its points fall on one pixel: then every second one is left out, or more. */
function strokePath(shape, scale) {
  const { points, box } = shape;
  const spacing = box ? (Math.hypot(box[2] - box[0], box[3] - box[1]) / (points.length / 3)) * 2 : NEAR; // a live one has no box
  const step = spacing * scale >= NEAR ? 1 : 2 ** Math.min(4, Math.floor(Math.log2(NEAR / (spacing * scale))));
  if (!shape.path) shape.path = new Map();
  if (!shape.path.has(step)) shape.path.set(step, smooth(points, step * 3));
  return shape.path.get(step);
}

function smooth(points, step) {
  const drawn = new Path2D();
  const last = points.length - 3;
  drawn.moveTo(points[0], points[1]);
  for (let at = step; at < last; at += step) {
    const next = Math.min(at + step, last);
    drawn.quadraticCurveTo(points[at], points[at + 1], (points[at] + points[next]) / 2, (points[at + 1] + points[next + 1]) / 2);
  }
  drawn.lineTo(points[last] + (last ? 0 : 0.01), points[last + 1]); // a dot has no length, and would not be drawn
  return drawn;
}

/** The line of a shape, or of a highlighter, as an SVG path. */
export function linePath({ kind, points, width }) {
  if (kind <= Kind.HIGHLIGHTER) {
    const words = [];
    for (let at = 0; at < points.length; at += 3) words.push(`${points[at]} ${points[at + 1]}`);
    return words.length > 1 ? `M${words.join("L")}` : `M${words[0]}h0.01`;
  }
  const [x0, y0, , x1, y1] = points;
  switch (kind) {
    case Kind.RECT:
      return `M${x0} ${y0}H${x1}V${y1}H${x0}Z`;
    case Kind.ELLIPSE: {
      const [rx, ry] = [Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2];
      return `M${Math.min(x0, x1)} ${(y0 + y1) / 2}a${rx} ${ry} 0 1 0 ${rx * 2} 0a${rx} ${ry} 0 1 0 ${-rx * 2} 0Z`;
    }
    case Kind.ARROW:
      return `M${x0} ${y0}L${x1} ${y1}${arrowHead(x0, y0, x1, y1, width)}`;
    default:
      return `M${x0} ${y0}L${x1} ${y1}`;
  }
}

function arrowHead(x0, y0, x1, y1, width) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const size = Math.min(Math.hypot(x1 - x0, y1 - y0) / 2, width * 2 + 14);
  const tip = (side) => `${x1 - size * Math.cos(angle + side)} ${y1 - size * Math.sin(angle + side)}`;
  return `M${tip(-ARROW_ANGLE)}L${x1} ${y1}L${tip(ARROW_ANGLE)}`;
}

/** Whether a circle around a point touches the shape. */
export function isHit(shape, x, y, radius) {
  const [left, top, right, bottom] = shape.box;
  if (x < left - radius || x > right + radius || y < top - radius || y > bottom + radius) return false;
  const { kind, points, fill, width } = shape;
  const reach = radius + width / 2;
  if (kind === Kind.TEXT) return true;
  if (kind === Kind.RECT || kind === Kind.ELLIPSE) return hitsShape(shape, x, y, reach, fill);
  for (let at = 0; at < Math.max(points.length - 3, 1); at += 3) {
    const to = Math.min(at + 3, points.length - 3);
    if (distance(x, y, points[at], points[at + 1], points[to], points[to + 1]) <= reach) return true;
  }
  return false;
}

function hitsShape({ kind, points }, x, y, reach, fill) {
  const [x0, y0, , x1, y1] = points;
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const [rx, ry] = [Math.abs(x1 - x0) / 2, Math.abs(y1 - y0) / 2];
  const [dx, dy] = [Math.abs(x - cx), Math.abs(y - cy)];
  if (kind === Kind.RECT) {
    const isInside = dx <= rx + reach && dy <= ry + reach;
    return isInside && (Boolean(fill) || dx >= rx - reach || dy >= ry - reach);
  }
  const outer = (dx / (rx + reach)) ** 2 + (dy / (ry + reach)) ** 2;
  if (outer > 1) return false;
  return Boolean(fill) || rx <= reach || ry <= reach || (dx / (rx - reach)) ** 2 + (dy / (ry - reach)) ** 2 >= 1;
}

function distance(x, y, x0, y0, x1, y1) {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = dx * dx + dy * dy;
  const share = length ? Math.max(0, Math.min(1, ((x - x0) * dx + (y - y0) * dy) / length)) : 0;
  return Math.hypot(x - x0 - share * dx, y - y0 - share * dy);
}
