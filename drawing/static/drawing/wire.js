/* The frames of a board's socket: drawing/wire.py tells the format. */
import { Reader, Writer, concat } from "./bytes.js";

export const Op = {
  BEGIN: 2, INK: 3, END: 4, CANCEL: 5, PUT: 6, EDIT: 7, ERASE: 8, RESTORE: 9, CURSOR: 10, VIEW: 11, SHAPE: 12,
};
export const Change = { INK: 0, ELEMENT: 1, ERASED: 2, BOARD: 3 };
const TICK = 0x82;
const CHANGE = 0x83;
const ACK = 0x85;
const MAGIC = "BCI1";

function operation(op, body = new Uint8Array()) {
  return concat(new Writer().byte(op).varint(body.length).done(), body);
}

/** `key` is 16 hex digits: eight random bytes. */
const keyBytes = (key) => Uint8Array.from(key.match(/../gu), (digits) => parseInt(digits, 16));

export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  bytes[0] &= 0xfe; // the database has 63 bits for it
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What is told of this moment: by `tell.ink(points)` and the like. */
export const tell = {
  begin: (key, data) => operation(Op.BEGIN, concat(keyBytes(key), data)),
  ink: (data) => operation(Op.INK, data),
  end: (tag, points) => operation(Op.END, new Writer().varint(tag).varint(points).done()),
  cancel: () => operation(Op.CANCEL),
  cursor: (x, y) => operation(Op.CURSOR, new Writer().signed(x).signed(y).done()),
  view: (x, y, width, height) => operation(Op.VIEW, new Writer().signed(x).signed(y).varint(width).varint(height).done()),
  shape: (data) => operation(Op.SHAPE, data),
};

/** What one entry of the outbox is on the wire. */
export function entryOperation(entry) {
  const writer = new Writer().varint(entry.tag);
  switch (entry.type) {
    case "put":
      return operation(Op.PUT, concat(writer.done(), keyBytes(entry.key), entry.data));
    case "edit":
      return operation(Op.EDIT, concat(writer.varint(entry.number).varint(entry.base).done(), entry.data));
    default:
      for (const { number, key } of entry.refs) {
        if (number) writer.varint(number);
        else writer.byte(0).bytes(keyBytes(key));
      }
      return operation(entry.type === "erase" ? Op.ERASE : Op.RESTORE, writer.done());
  }
}

/** One frame of the server: `{type: "tick", said}`, `{type: "change", ...}` or `{type: "ack", tag, rev, number}`. */
export function readFrame(buffer) {
  const data = new Uint8Array(buffer);
  const reader = new Reader(data, 1);
  if (data[0] === TICK) return { type: "tick", said: readTick(reader) };
  if (data[0] === CHANGE) return readChange(reader);
  if (data[0] === ACK) return { type: "ack", tag: reader.varint(), rev: reader.varint(), number: reader.varint() };
  return { type: "unknown" }; // of a newer server
}

function readTick(reader) {
  const said = [];
  while (!reader.isDone) {
    const participant = reader.varint();
    const op = reader.byte();
    said.push({ participant, op, body: reader.bytes(reader.varint()) });
  }
  return said;
}

function readChange(reader) {
  const rev = reader.varint();
  const kind = reader.byte();
  const change = { type: "change", kind, rev };
  if (kind === Change.INK) {
    const [participant, points] = [reader.varint(), reader.varint()];
    const crc = reader.bytes(4).reduceRight((value, byte) => value * 256 + byte, 0);
    return { ...change, number: rev, participant, points, crc };
  }
  if (kind === Change.BOARD) return { ...change, facts: JSON.parse(new TextDecoder().decode(reader.rest())) };
  return { ...change, number: reader.varint(), participant: reader.varint(), data: reader.rest() };
}

/** A whole board, or what is new on it: see board_ink in drawing/views/ink.py. */
export function readInk(buffer) {
  const { reader, ...about } = readHead(buffer);
  const changes = [];
  while (!reader.isDone) {
    const entry = new Reader(reader.bytes(reader.varint()));
    entry.byte();
    changes.push(readChange(entry));
  }
  return { ...about, changes };
}

export function readHistory(buffer) {
  const { reader, ...about } = readHead(buffer);
  const drawn = [];
  while (!reader.isDone) {
    const entry = new Reader(reader.bytes(reader.varint()));
    drawn.push({ number: entry.varint(), author: entry.varint(), erasedAt: entry.varint(), data: entry.rest() });
  }
  return { ...about, drawn };
}

function readHead(buffer) {
  const reader = new Reader(new Uint8Array(buffer));
  const text = (length) => new TextDecoder().decode(reader.bytes(length));
  if (text(4) !== MAGIC) throw new TypeError("not ink");
  return { rev: reader.varint(), since: reader.varint(), epoch: text(reader.varint()), reader };
}
