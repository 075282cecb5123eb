/*
 * What is on the board, as this tab knows it: what the server has said, and on top of it what is on its way there. An item is one
 * element; `shape` is what is to be seen of it now, null when it is erased.
 *
 * The server's words are rows: one that is older than what is known of its item is dropped, so that they may come twice, or in a
 * row read later. What a person does is an entry of the outbox until it is acked; undone or refused, it is simply not there any
 * more, and the item is again what the server said.
 */
import { crc32, isEqual } from "./bytes.js";
import { decode } from "./elements.js";
import { Change } from "./wire.js";

export class Item {
  number = 0; // until the server has given it one
  rev = 0;
  author = 0;
  key = "";
  kept = null; // the last shape the server had; it stays when it is erased
  isErased = false;
  shape = null;

  /** Its place in the pile: what is not stored yet lies on top, in the order in which it was made. */
  get height() {
    return this.number || this.order;
  }
}

const UNSTORED = 2 ** 52;

export class Sheet extends EventTarget {
  rev = 0;
  me = 0; // the number of this participant
  entries = []; // of the outbox, oldest first
  #items = new Map(); // by number
  #byKey = new Map();
  #piled = [];
  #isPiled = true;
  #orders = UNSTORED;
  #highest = 0; // number

  /** All items, the lowest first. */
  get items() {
    if (!this.#isPiled) {
      this.#piled = [...this.#items.values(), ...[...this.#byKey.values()].filter((item) => !item.number)];
      this.#piled.sort((one, other) => one.height - other.height);
      this.#isPiled = true;
    }
    return this.#piled;
  }

  get shown() {
    return this.items.filter((item) => item.shape);
  }

  byNumber(number) {
    return this.#items.get(number);
  }

  byKey(key) {
    return this.#byKey.get(key);
  }

  // What the server says

  /** One CHANGE of an element. Returns false for ink that was never seen here: the row has to be fetched. */
  apply(change, findInk = () => null) {
    let { data } = change;
    if (change.kind === Change.INK) {
      if (this.#items.get(change.number)?.rev >= change.rev) return true;
      data = this.#ownInk(change)?.data ?? findInk(change);
      if (!data) return false;
    }
    this.#take(change, data);
    return true;
  }

  /** The whole board: what is not in it is not there. */
  replace(changes) {
    const numbers = new Set(changes.map((change) => change.number));
    for (const [number, item] of this.#items) {
      if (numbers.has(number)) continue;
      item.isErased = true;
      item.kept = null;
      this.#refresh(item);
    }
    for (const item of this.#items.values()) item.rev = 0;
    for (const change of changes) this.#take(change, change.data, { isQuiet: true });
    this.dispatchEvent(new Event("reload"));
  }

  #take(change, data, { isQuiet = false } = {}) {
    const item = this.#items.get(change.number) ?? this.#unstoredFor(change, data) ?? this.#add(new Item());
    if (item.rev >= change.rev) return;
    if (!item.number) this.#giveNumber(item, change.number);
    item.rev = change.rev;
    item.isErased = change.kind === Change.ERASED;
    if (!item.isErased) {
      item.author = change.participant;
      if (!item.kept || !isEqual(item.kept.data, data)) item.kept = decode(data);
    }
    this.#refresh(item, { isQuiet });
  }

  /** Of one's own that is on its way: the change may come before the ack. */
  #unstoredFor(change, data) {
    if (change.participant !== this.me || change.kind === Change.ERASED) return null;
    const entry = this.entries.find(({ type, item, data: own }) => type === "put" && !item.number && isEqual(own, data));
    return entry?.item;
  }

  #ownInk({ participant, points, crc }) {
    if (participant !== this.me) return null;
    return this.entries.find(
      ({ type, item, data, shape }) =>
        type === "put" && !item.number && shape.points.length / 3 === points && crc32(data) === crc,
    );
  }

  #add(item) {
    item.order = this.#orders++;
    this.#isPiled = false;
    return item;
  }

  #giveNumber(item, number) {
    item.number = number;
    this.#items.set(number, item);
    this.#isPiled = false;
    // It lay on top until now, and turns out to belong below what others put meanwhile.
    if (number < this.#highest && item.shape) this.#report(item, item.shape);
    this.#highest = Math.max(this.#highest, number);
  }

  // What is on its way there

  /** Takes an entry of the outbox up. `put` brings a `key` and `data`, `edit` an item and `data`, the others `items`. */
  add(entry) {
    if (entry.type === "put") {
      entry.item = this.#byKey.get(entry.key) ?? this.#add(new Item());
      entry.item.key = entry.key;
      entry.item.author ||= this.me;
      this.#byKey.set(entry.key, entry.item);
    }
    if (entry.data) entry.shape ??= decode(entry.data);
    entry.items ??= [entry.item];
    entry.about = new Set(entry.items);
    this.entries.push(entry);
    for (const item of entry.items) this.#refresh(item);
    return entry;
  }

  /** It is stored, as the change that came with the ack, or comes after it, says; or it is given up. */
  remove(entry, { rev = 0, number = 0 } = {}) {
    this.entries = this.entries.filter((other) => other !== entry);
    if (number && entry.type !== "erase" && entry.type !== "restore") {
      const item = this.#items.get(number) ?? entry.item;
      if (item !== entry.item) this.#merge(entry.item, item);
      if (!item.number) this.#giveNumber(item, number);
      if (rev > item.rev && (entry.type === "edit" || rev === number)) { // else it was changed since: its row says how
        item.rev = rev;
        item.kept = entry.shape;
      }
    }
    for (const item of entry.items) this.#refresh(item);
  }

  /** Two items turn out to be one: the row had come before it was known whose it is. */
  #merge(from, into) {
    into.key = from.key;
    this.#byKey.set(from.key, into);
    for (const entry of this.entries) {
      entry.items = entry.items.map((item) => (item === from ? into : item));
      entry.about = new Set(entry.items);
      if (entry.item === from) entry.item = into;
    }
    this.#isPiled = false;
    const gone = from.shape;
    from.shape = null;
    if (gone) this.#report(from, gone);
  }

  #refresh(item, { isQuiet = false } = {}) {
    const before = item.shape;
    let shape = item.isErased ? null : item.kept;
    let last = item.kept;
    for (const entry of this.entries) {
      if (!entry.about.has(item)) continue;
      if (entry.type === "put" && !item.number) shape = last = entry.shape;
      else if (entry.type === "edit" && shape) shape = last = entry.shape;
      else if (entry.type === "erase") shape = null;
      else if (entry.type === "restore") shape = last;
    }
    item.shape = shape;
    item.last = last;
    if (before !== shape && !isQuiet) this.#report(item, before);
  }

  #report(item, before) {
    this.dispatchEvent(new CustomEvent("change", { detail: { item, before } }));
  }
}

