/*
 * What others are doing at this moment: strokes that grow, shapes that are being drawn, cursors and views. All of it may be
 * missing; a stroke counts when its commit comes, and is then taken from here byte for byte.
 */
import { Reader, concat, crc32 } from "./bytes.js";
import { decode, decodePoints } from "./elements.js";
import { Op } from "./wire.js";

const AWAITED = 15_000; // ms; a stroke that is not committed by then was refused

export class LiveInk extends EventTarget {
  #hands = new Map(); // by participant

  /** Everything that is to be painted over the board. */
  *shapes() {
    for (const hand of this.#hands.values()) {
      for (const stroke of hand.ended) yield stroke.shape;
      if (hand.stroke) yield hand.stroke.shape;
      if (hand.shape) yield hand.shape;
    }
  }

  get isEmpty() {
    return this.shapes().next().done;
  }

  /** One word of a tick. */
  take({ participant, op, body }) {
    const hand = this.#hand(participant);
    try {
      this.#act(hand, op, body, participant);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error; // cut off: it was not written by us, and is not shown
    }
  }

  #act(hand, op, body, participant) {
    switch (op) {
      case Op.BEGIN:
        hand.stroke = begin(body);
        this.#report("cursor", { participant, ...hand.stroke.end });
        break;
      case Op.INK:
        if (!hand.stroke) return;
        hand.stroke.grow(body);
        this.#report("cursor", { participant, ...hand.stroke.end });
        break;
      case Op.END:
        if (hand.stroke) this.#await(hand, hand.stroke);
        hand.stroke = null;
        break;
      case Op.CANCEL:
        hand.stroke = null;
        break;
      case Op.SHAPE:
        hand.shape = body.length ? decode(body.slice()) : null;
        break;
      case Op.CURSOR:
      case Op.VIEW: {
        const reader = new Reader(body);
        const [x, y] = [reader.signed(), reader.signed()];
        if (op === Op.CURSOR) this.#report("cursor", { participant, x, y });
        else this.#report("view", { participant, box: [x, y, x + reader.varint(), y + reader.varint()] });
        return;
      }
      default:
        return;
    }
    this.#report("paint");
  }

  /** It stays until its commit comes, or until it is clear that none will. */
  #await(hand, stroke) {
    hand.ended.push(stroke);
    setTimeout(() => {
      hand.ended = hand.ended.filter((other) => other !== stroke);
      this.#report("paint");
    }, AWAITED);
  }

  /** The bytes of a stroke that is committed now, and is no longer live; null if it did not come here whole. */
  find({ participant, points, crc }) {
    const hand = this.#hand(participant);
    const found = hand.ended.find((stroke) => stroke.count === points && crc32(stroke.data) === crc);
    if (!found) return null;
    hand.ended = hand.ended.filter((stroke) => stroke !== found);
    this.#report("paint");
    return found.data;
  }

  /** An element of this participant came as a row: a live stroke that it holds need not be shown twice. */
  settle({ participant, data }) {
    const hand = this.#hands.get(participant);
    if (!hand) return;
    const isOpen = (stroke) => !(data.length >= stroke.length && stroke.data.every((byte, at) => byte === data[at]));
    if (hand.stroke && !isOpen(hand.stroke)) hand.stroke = null;
    hand.ended = hand.ended.filter(isOpen);
    hand.shape = null;
    this.#report("paint");
  }

  /** Who is gone leaves nothing behind. */
  keep(participants) {
    for (const [number, hand] of this.#hands) {
      if (!participants.has(number)) hand.stroke = hand.shape = null;
    }
    this.#report("paint");
  }

  clear() {
    this.#hands.clear();
    this.#report("paint");
  }

  #hand(participant) {
    if (!this.#hands.has(participant)) this.#hands.set(participant, { stroke: null, shape: null, ended: [] });
    return this.#hands.get(participant);
  }

  #report(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

function begin(body) {
  const shape = decode(body.slice());
  const unit = 2 ** -shape.precision;
  const last = { x: Math.round(shape.points.at(-3) / unit), y: Math.round(shape.points.at(-2) / unit) };
  const pieces = [shape.data];
  return {
    shape: { ...shape, points: [...shape.points] },
    count: shape.points.length / 3,
    length: shape.data.length,
    grow(ink) {
      const points = decodePoints(ink, shape.hasPressure, unit, last);
      pieces.push(ink.slice());
      this.shape.points.push(...points);
      this.shape.path = this.shape.outline = null;
      this.count += points.length / 3;
      this.length += ink.length;
    },
    get data() {
      return concat(...pieces);
    },
    /** Where the pen is. */
    get end() {
      return { x: last.x * unit, y: last.y * unit };
    },
  };
}
