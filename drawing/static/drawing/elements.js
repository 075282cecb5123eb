/*
 * An element as bytes and as a shape: drawing/elements.py tells the format. A shape has
 *   kind, rgb (0xrrggbb), width (px; of text its height), fill ("", "tint" or "fill"), precision, text,
 *   points: x, y, pressure (0 to 1) one after another; of a shape its two corners, of text where it begins
 *   box: [left, top, right, bottom], its line included; data: the bytes
 */
import { Reader, Writer } from "./bytes.js";

export const Kind = { PEN: 1, HIGHLIGHTER: 2, LINE: 3, ARROW: 4, RECT: 5, ELLIPSE: 6, TEXT: 7 };
export const LINE_HEIGHT = 1.25;
const PRESSURE = 0x10;
const FILLS = { "": 0, tint: 0x20, fill: 0x40 };
const EVEN = 0.5; // the pressure of what has none

export const isStroke = (kind) => kind <= Kind.HIGHLIGHTER;

/** How fine coordinates are kept: finer where the board is seen enlarged, so that bytes are spent on what can be seen. */
export const precisionAt = (zoom) => Math.max(0, Math.min(7, Math.round(Math.log2(zoom)) + 2));

export function decode(data) {
  const reader = new Reader(data);
  const first = reader.byte();
  const precision = reader.byte() & 7;
  const rgb = (reader.byte() << 16) | (reader.byte() << 8) | reader.byte();
  const kind = first & 0x0f;
  const hasPressure = Boolean(first & PRESSURE);
  const width = kind === Kind.TEXT ? reader.varint() : reader.varint() / 4;
  const fill = first & FILLS.tint ? "tint" : first & FILLS.fill ? "fill" : "";
  const unit = 2 ** -precision;
  const shape = { kind, rgb, width, fill, precision, hasPressure, text: "", data };
  if (kind === Kind.TEXT) {
    shape.points = Float32Array.of(reader.signed() * unit, reader.signed() * unit, EVEN);
    shape.text = new TextDecoder().decode(reader.rest());
  } else {
    shape.points = decodePoints(reader.rest(), hasPressure, unit, { x: 0, y: 0 });
  }
  shape.box = boxOf(shape);
  return shape;
}

/**
 * The points in these bytes; `last` is where they begin, and is moved to where they end. A board has hundreds of thousands of them, so
 * that numbers are read here and not by a Reader. What is cut off is not there.
 */
export function decodePoints(bytes, hasPressure, unit, last) {
  const numbers = [];
  let value = 0;
  let shift = 0;
  for (const byte of bytes) {
    value |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte >= 0x80) continue;
    numbers.push(value);
    value = shift = 0;
  }
  const step = hasPressure ? 3 : 2;
  const points = new Float32Array(Math.floor(numbers.length / step) * 3);
  let { x, y } = last;
  for (let at = 0, to = 0; to < points.length; at += step, to += 3) {
    x += unzigzag(numbers[at]);
    y += unzigzag(numbers[at + 1]);
    points[to] = x * unit;
    points[to + 1] = y * unit;
    points[to + 2] = hasPressure ? Math.min(numbers[at + 2], 127) / 127 : EVEN;
  }
  Object.assign(last, { x, y });
  return points;
}

const unzigzag = (number) => (number >>> 1) ^ -(number & 1);

/** The shape again, with its bytes and its box, from what a tool made of it: rounded as everybody will see it. */
export function encode({ kind, rgb, width, fill = "", precision = 2, hasPressure = false, text = "", points }) {
  const writer = head({ kind, rgb, width, fill, precision, hasPressure: hasPressure && isStroke(kind) });
  let lastX = 0;
  let lastY = 0;
  for (let at = 0; at < points.length; at += 3) {
    const x = Math.round(points[at] * 2 ** precision);
    const y = Math.round(points[at + 1] * 2 ** precision);
    writer.signed(x - lastX).signed(y - lastY);
    if (hasPressure && isStroke(kind)) writer.byte(pressureByte(points[at + 2]));
    lastX = x;
    lastY = y;
  }
  writer.bytes(new TextEncoder().encode(text));
  return decode(writer.done());
}

function head({ kind, rgb, width, fill, precision, hasPressure }) {
  const writer = new Writer();
  writer.byte(kind | FILLS[fill] | (hasPressure ? PRESSURE : 0)).byte(precision);
  writer.byte(rgb >> 16).byte(rgb >> 8).byte(rgb);
  return writer.varint(Math.max(1, Math.min(800, Math.round(kind === Kind.TEXT ? width : width * 4))));
}

const pressureByte = (pressure) => Math.max(0, Math.min(127, Math.round(pressure * 127)));

/** A stroke that grows: `take()` gives the bytes of what was added since the last time, `shape()` all of it. */
export class GrowingStroke {
  count = 0;
  #style;
  #bytes = [];
  #fresh = new Writer();
  #last = { x: 0, y: 0 };
  #points = [];

  constructor(style) {
    this.#style = style;
    this.#fresh = head({ ...style, fill: "" });
  }

  /** Whether it was far enough from the last point to count. */
  add(x, y, pressure) {
    const { precision, hasPressure } = this.#style;
    const at = { x: Math.round(x * 2 ** precision), y: Math.round(y * 2 ** precision) };
    if (this.count && at.x === this.#last.x && at.y === this.#last.y) return false;
    this.#fresh.signed(at.x - this.#last.x).signed(at.y - this.#last.y);
    if (hasPressure) this.#fresh.byte(pressureByte(pressure));
    this.#last = at;
    this.#points.push(at.x * 2 ** -precision, at.y * 2 ** -precision, hasPressure ? pressureByte(pressure) / 127 : EVEN);
    this.count++;
    return true;
  }

  get hasFresh() {
    return this.#fresh.length > 0;
  }

  take() {
    const fresh = this.#fresh.done();
    this.#fresh = new Writer();
    this.#bytes.push(...fresh);
    return fresh;
  }

  /** What is to be seen of it while it grows. */
  get sketch() {
    return { ...this.#style, fill: "", text: "", points: this.#points };
  }

  shape() {
    this.take();
    return decode(Uint8Array.from(this.#bytes));
  }
}

export function boxOf({ kind, points, width, text }) {
  if (kind === Kind.TEXT) {
    const size = textSize(text, width);
    return [points[0], points[1], points[0] + size.width, points[1] + size.height];
  }
  const box = [Infinity, Infinity, -Infinity, -Infinity];
  for (let at = 0; at < points.length; at += 3) {
    box[0] = Math.min(box[0], points[at]);
    box[1] = Math.min(box[1], points[at + 1]);
    box[2] = Math.max(box[2], points[at]);
    box[3] = Math.max(box[3], points[at + 1]);
  }
  const more = kind === Kind.ARROW ? width * 2 + 16 : width;
  return [box[0] - more, box[1] - more, box[2] + more, box[3] + more];
}

export const FONT = 'Inter, -apple-system, BlinkMacSystemFont, "Segoe UI", Roboto, Cantarell, Ubuntu, "Noto Sans", Arial, sans-serif';
let measure;

export function textSize(text, height) {
  measure ??= document.createElement("canvas").getContext("2d");
  measure.font = `${height}px ${FONT}`;
  const lines = text.split("\n");
  return { width: Math.max(...lines.map((line) => measure.measureText(line).width), height / 4), height: lines.length * height * LINE_HEIGHT };
}

export const joined = (one, other) =>
  one ? [Math.min(one[0], other[0]), Math.min(one[1], other[1]), Math.max(one[2], other[2]), Math.max(one[3], other[3])] : [...other];

export const touches = (one, other) => one[0] <= other[2] && one[2] >= other[0] && one[1] <= other[3] && one[3] >= other[1];
