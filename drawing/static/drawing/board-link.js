/*
 * The socket of a board: joins at the revision this tab is at, hands frames to the sheet, and sends what a hand does, at most
 * thirty times a second. Reconnecting, pings and silence are `realtime/connection.js`.
 */
import { Connection } from "../realtime/connection.js";
import { clock } from "../realtime/clock.js";
import { concat } from "./bytes.js";
import { Meter } from "./meter.js";
import { Change, readFrame, readInk } from "./wire.js";

const BATCH = 32; // ms between two frames of live ink: two frames of a 60 Hz screen
const AGAIN = 2_000; // ms until what failed is tried again
const SOON = 500; // ms; a server that had enough is left alone for that long

/**
 * Dispatches "status", "opened" (BoardOpened), "role", "people", "facts" (of the board), "refused" (a live stroke was not taken),
 * "stopped" (reason) and "ready" (the first time the whole board is here).
 */
export class BoardLink extends EventTarget {
  meter = new Meter();
  #feed;
  #user;
  #inkUrl;
  #sheet;
  #inks;
  #outbox;
  #connection;
  #epoch = "";
  #isSyncing = true; // rows are on their way; until they are here, the cursor stays where it is
  #isFetched = false;
  #waiting = [];
  #sentAt = 0;
  #timer = 0;
  #rejoining = 0;

  /** `user` is the id of who reads the page, "" for nobody: in another tab somebody else may have logged in. */
  constructor({ feed, user, socketUrl, inkUrl, sheet, inks, times }) {
    super();
    this.#user = user;
    this.#feed = feed;
    this.#inkUrl = inkUrl;
    this.#sheet = sheet;
    this.#inks = inks;
    this.#connection = new Connection(socketUrl, { clock, times, listener: this.#listener() });
  }

  /** The outbox needs `send`, and we need the outbox. */
  use(outbox) {
    this.#outbox = outbox;
  }

  get status() {
    return this.#connection.status;
  }

  get reason() {
    return this.#connection.reason;
  }

  get isLive() {
    return this.status === "live" && !this.#isSyncing;
  }

  /** Fetches the board, then opens the socket at its revision. */
  async start() {
    this.#followPage();
    await this.#fetch();
    this.#connection.connect();
  }

  /** Ink of this moment: goes out with what else there is, or not at all. */
  sketch(bytes) {
    if (this.status !== "live") return false;
    this.#waiting.push(bytes);
    const wait = this.#sentAt + BATCH - performance.now();
    if (wait <= 0) this.#flush();
    else this.#timer ||= setTimeout(() => this.#flush(), wait);
    return true;
  }

  /** Something that is kept: at once, behind the ink that waits. */
  send(bytes) {
    if (!this.isLive) return false;
    this.#waiting.push(bytes);
    return this.#flush();
  }

  #flush() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    if (!this.#waiting.length) return true;
    const frame = concat(...this.#waiting);
    this.#waiting = [];
    this.#sentAt = performance.now();
    this.meter.sent(frame.length);
    return this.#connection.send(frame);
  }

  #listener() {
    return {
      onOpen: () => this.#join(),
      onHello: ({ user }) => (String(user || "") === this.#user ? "" : "other_user"),
      onFrame: (frame) => this.#hear(frame),
      onBytes: (buffer) => this.#read(buffer),
      onStatus: (status) => this.#follow(status),
    };
  }

  #join() {
    clearTimeout(this.#rejoining);
    this.#isSyncing = true;
    this.#connection.send({ type: "realtime.feed.join", feed: this.#feed, rev: this.#sheet.rev, epoch: this.#epoch });
  }

  #follow(status) {
    if (status !== "live") {
      this.#waiting = [];
      this.#outbox.pause();
      this.#inks.clear();
    }
    this.#report("status", status);
    if (status === "stopped") this.#report("stopped", this.reason);
  }

  #hear(frame) {
    switch (frame.type) {
      case "drawing.board.opened":
        this.#sheet.me = frame.number;
        return this.#report("opened", frame);
      case "drawing.rights.changed":
        return this.#report("role", frame.role);
      case "drawing.people.changed":
        return this.#report("people", frame);
      case "drawing.operation.refused":
        return "tag" in frame ? this.#outbox.refused(frame) : this.#report("refused", frame);
      case "realtime.feed.live":
        this.#epoch = frame.epoch;
        return this.#settled(frame.rev);
      case "realtime.feed.reset":
        return this.#reset();
      case "realtime.error":
        return this.#joinLater(frame);
      case "realtime.feed.refused":
        return this.#connection.stop("not_allowed");
      default:
    }
  }

  #read(buffer) {
    this.meter.received(buffer.byteLength);
    const frame = readFrame(buffer);
    if (frame.type === "tick") {
      for (const word of frame.said) this.#inks.take(word);
    } else if (frame.type === "ack") {
      this.meter.answered(this.#outbox.acked(frame));
    } else if (frame.type === "change") {
      this.#change(frame);
    }
  }

  #change(change) {
    if (change.kind === Change.BOARD) this.#report("facts", change.facts);
    else if (!this.#sheet.apply(change, (ink) => this.#inks.find(ink))) return this.#isSyncing || this.#join();
    else if (change.kind === Change.ELEMENT) this.#inks.settle(change);
    if (this.#isSyncing) return;
    this.#sheet.rev = Math.max(this.#sheet.rev, change.rev);
    this.#outbox.settle();
  }

  #settled(rev) {
    this.#sheet.rev = Math.max(this.#sheet.rev, rev);
    this.#isSyncing = false;
    this.#outbox.settle();
    this.#outbox.resume();
    this.#report("status", this.status);
  }

  /**
   * Too much was missed to be told one by one: all of it in one request. What comes meanwhile may be about ink that never came
   * here, or be replaced by older rows; so we join again, from the revision of the rows.
   */
  async #reset() {
    this.#isSyncing = true;
    await this.#fetch();
    this.#join();
  }

  /**
   * A frame was not taken, and nothing says which. It was the join, and this tab is deaf; or operations, and nobody else will ask
   * for them again. Joining again makes up for both: then everything that is not acked is sent again.
   */
  #joinLater({ retry_after: seconds }) {
    this.#isSyncing = true;
    clearTimeout(this.#rejoining);
    this.#rejoining = setTimeout(() => this.#join(), Math.max(seconds * 1000 || AGAIN, SOON));
    this.#report("status", this.status);
  }

  async #fetch() {
    while (this.status !== "stopped") {
      try {
        const { rev, since, epoch, changes } = readInk(await this.#load());
        if (since) for (const change of changes) this.#sheet.apply(change);
        else this.#sheet.replace(changes);
        this.#sheet.rev = since ? Math.max(rev, this.#sheet.rev) : rev;
        this.#epoch = epoch;
        performance.mark("drawing:decoded");
        if (!this.#isFetched) this.#report("ready");
        this.#isFetched = true;
        return;
      } catch (error) {
        if (this.status === "stopped") return;
        console.warn("The board could not be fetched; trying again.", error);
        await new Promise((resolve) => setTimeout(resolve, error.wait || AGAIN));
      }
    }
  }

  async #load() {
    performance.mark("drawing:fetch"); // how long a board takes to open: `manage.py bench drawing` reads these
    const url = this.#isFetched ? `${this.#inkUrl}?since=${this.#sheet.rev}&epoch=${this.#epoch}` : this.#inkUrl;
    const response = await fetch(url);
    if (response.status === 404 || response.redirected) this.#connection.stop("not_found");
    if (!response.ok) throw Object.assign(new Error(`${response.status}`), { wait: response.headers.get("Retry-After") * 1000 });
    return response.arrayBuffer();
  }

  /** The page goes away, for ever or into the back-forward cache; and comes back. */
  suspend() {
    this.#connection.suspend();
  }

  wake() {
    this.#connection.resume();
  }

  #followPage() {
    addEventListener("online", () => this.#connection.check());
    addEventListener("offline", () => this.#connection.check());
    document.addEventListener("visibilitychange", () => document.hidden || this.#connection.check());
    addEventListener("pagehide", () => this.suspend());
    addEventListener("pageshow", (event) => event.persisted && this.wake());
  }

  #report(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
