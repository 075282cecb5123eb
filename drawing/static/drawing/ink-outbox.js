/*
 * What this tab has drawn and the server has not acked: sent in order, sent again after each reconnect, kept on disk across
 * reloads. Everything in it may arrive twice: the server knows a PUT by its key, an EDIT by what it asks for.
 */
import { Ownership } from "../realtime/ownership.js";
import { uuid } from "../realtime/uuid.js";
import { concat } from "./bytes.js";
import { InkStore } from "./ink-store.js";
import { entryOperation } from "./wire.js";

const LATER = new Set(["retry_later", "rate_limited"]);
const HOPELESS = new Set(["conflict", "not_found", "bad_frame", "bad_value", "too_long"]);
const PAUSE = 1_000; // ms, at least, before what came too early is tried again
const FRAME_BYTES = 40_000; // the server takes 65,536

/** Dispatches "change" when the number of waiting entries may differ, and "refused" ({entry, refusal}). */
export class InkOutbox extends EventTarget {
  #sheet;
  #send;
  #place;
  #owner = uuid();
  #store = new InkStore();
  #ownership;
  #tags = 1;
  #isLive = false;
  #isHeld = false;
  #holding = 0;
  #byTag = new Map();
  failed = []; // what the server will not take as things are: a person decides

  /** `place` names the board and the person; `send(bytes)` returns whether the socket took them. */
  constructor({ sheet, place, send, locks = navigator.locks }) {
    super();
    this.#sheet = sheet;
    this.#place = place;
    this.#send = send;
    this.#ownership = new Ownership(`drawing.outbox.${place}.`, locks);
    this.#ownership.claim(this.#owner);
  }

  get waiting() {
    return this.#sheet.entries.filter((entry) => !entry.storedAt).length - this.failed.length;
  }

  /** Takes up what earlier documents of this person left behind. */
  async inherit() {
    const records = await this.#store.all(this.#place);
    for (const owner of new Set(records.map((record) => record.owner))) {
      if (owner === this.#owner) continue;
      this.#ownership.claim(owner, async () => {
        const left = (await this.#store.all(this.#place)).filter((record) => record.owner === owner);
        for (const record of left) this.#revive(record);
        this.pump();
      });
    }
  }

  #revive(record) {
    const find = ({ key, number }) => (number && this.#sheet.byNumber(number)) || (key && this.#sheet.byKey(key));
    const entry = { ...record, tag: this.#tags++, sentAt: 0 };
    if (entry.type !== "put") {
      entry.items = record.refs.map(find).filter(Boolean);
      entry.item = entry.items[0];
      if (!entry.items.length) return this.#store.remove(record.id);
    }
    this.#take(entry);
  }

  /** What a person did: `{type: "put", key, data}`, `{type: "edit", item, data}`, `{type: "erase" | "restore", items}`. */
  add(entry, { isLive = false } = {}) {
    this.#begin(entry, isLive);
    this.pump();
    return entry;
  }

  /** Several at once, which then travel together. */
  addAll(entries) {
    for (const entry of entries) this.#begin(entry, false);
    this.pump();
  }

  #begin(entry, isLive) {
    if (entry.data) entry.data = entry.data.slice(); // not a view of a whole board, which would be stored with it
    if (entry.type === "edit") {
      const isChained = this.#sheet.entries.some((other) => other.about.has(entry.item));
      entry.base = isChained ? 0 : entry.item.rev;
    }
    Object.assign(entry, { tag: this.#tags++, at: Date.now(), sentAt: isLive ? performance.now() : 0, wasLive: isLive });
    entry.id = `${this.#place} ${this.#owner} ${entry.tag}`;
    this.#take(entry);
    this.#save(entry);
  }

  #take(entry) {
    this.#sheet.add(entry);
    this.#byTag.set(entry.tag, entry);
    this.#report("change");
  }

  #save(entry) {
    const { id, tag, at, type, key, data, base } = entry;
    const refs = entry.items.map((item) => ({ key: item.key, number: item.number }));
    this.#store.put({ id, tag, at, type, key, data, base, refs, place: this.#place, owner: this.#owner });
  }

  /** Sends what may be sent, in order. */
  pump() {
    if (!this.#isLive || this.#isHeld) return;
    let frame = { entries: [], pieces: [], length: 0 };
    for (const entry of this.#sheet.entries) {
      if (entry.sentAt || entry.refusal || entry.storedAt) continue;
      if (!this.#address(entry)) {
        if (this.failed.some((other) => other.about.has(entry.item))) continue; // it waits for a person, the rest need not
        break;
      }
      const piece = entryOperation(entry);
      if (frame.length + piece.length > FRAME_BYTES) {
        if (!this.#sendFrame(frame)) return;
        frame = { entries: [], pieces: [], length: 0 };
      }
      frame.entries.push(entry);
      frame.pieces.push(piece);
      frame.length += piece.length;
    }
    this.#sendFrame(frame);
  }

  /** Many in one frame: moving three hundred things at once is three hundred operations, and frames are counted. */
  #sendFrame({ entries, pieces, length }) {
    if (!length) return true;
    if (!this.#send(concat(...pieces))) return false;
    for (const entry of entries) entry.sentAt = performance.now();
    return true;
  }

  /** Fills in what the wire needs; false while the server has not told us yet. */
  #address(entry) {
    if (entry.type === "edit") {
      const before = this.#sheet.entries.find((other) => other.about.has(entry.item));
      if (before !== entry || !entry.item.number) return false;
      if (!entry.base) {
        entry.base = entry.item.rev;
        this.#save(entry);
      }
      entry.number = entry.item.number;
    } else if (entry.type !== "put") {
      entry.refs = entry.items.map((item) => ({ number: item.number, key: item.key }));
    }
    return true;
  }

  acked({ tag, rev, number }) {
    const entry = this.#byTag.get(tag);
    if (!entry) return null;
    const took = performance.now() - entry.sentAt;
    // Erased, or restored: the change that says so may still be on its way. Until then what was meant is shown.
    if (number || rev <= this.#sheet.rev) this.#drop(entry, { rev, number });
    else this.#await(entry, rev);
    if (entry.type === "put" && !number) this.#forgetEdits(entry.item);
    this.pump();
    return took;
  }

  /** It was stored once, and is erased by now: there is nothing that could be changed. */
  #forgetEdits(item) {
    for (const entry of this.#sheet.entries) if (entry.type === "edit" && entry.item === item) this.#drop(entry);
  }

  #await(entry, rev) {
    entry.storedAt = rev;
    this.#store.remove(entry.id);
    this.#report("change");
  }

  /** The sheet has come further. */
  settle() {
    for (const entry of this.#sheet.entries) if (entry.storedAt && entry.storedAt <= this.#sheet.rev) this.#drop(entry);
  }

  refused(refusal) {
    const entry = this.#byTag.get(refusal.tag);
    if (!entry) return;
    entry.sentAt = 0;
    if (LATER.has(refusal.code)) this.#hold((refusal.retry_after ?? 2) * 1000);
    else if (entry.wasLive) Object.assign(entry, { wasLive: false }); // it did not come through live: whole, then
    else if (HOPELESS.has(refusal.code) && entry.type !== "put") this.#giveUp(entry, refusal);
    else this.#fail(entry, refusal);
    this.pump();
  }

  /** Not now, and nothing after it either: the order is what a person did. */
  #hold(wait) {
    for (const entry of this.#sheet.entries) entry.sentAt = 0;
    this.#isHeld = true;
    clearTimeout(this.#holding);
    this.#holding = setTimeout(() => {
      this.#isHeld = false;
      this.pump();
    }, Math.max(wait, PAUSE));
  }

  #giveUp(entry, refusal) {
    this.#drop(entry);
    this.#report("refused", { entry, refusal });
  }

  #fail(entry, refusal) {
    entry.refusal = refusal;
    this.failed.push(entry);
    this.#report("refused", { entry, refusal });
    this.#report("change");
  }

  retry() {
    for (const entry of this.failed) entry.refusal = null;
    this.failed = [];
    this.#report("change");
    this.pump();
  }

  discard() {
    for (const entry of this.failed) this.#drop(entry);
    this.failed = [];
    // What was done to elements that now never were goes with them.
    const isBorn = (item) => item.number || this.#sheet.entries.some((entry) => entry.type === "put" && entry.item === item);
    for (const entry of this.#sheet.entries) if (!entry.items.some(isBorn)) this.#drop(entry);
    this.#report("change");
    this.pump();
  }

  #drop(entry, stored) {
    this.#byTag.delete(entry.tag);
    this.#sheet.remove(entry, stored);
    // What else waits for this element knows its number from now on, also after a reload.
    for (const other of this.#sheet.entries) if (stored?.number && other.about.has(entry.item)) this.#save(other);
    this.#store.remove(entry.id);
    this.#report("change");
  }

  /** The socket is open and joined: everything that is not acked is sent again. */
  resume() {
    this.#isLive = true;
    for (const entry of this.#sheet.entries) Object.assign(entry, { sentAt: 0, wasLive: false });
    this.pump();
  }

  pause() {
    this.#isLive = false;
  }

  #report(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
