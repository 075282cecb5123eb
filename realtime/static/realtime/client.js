import { clock as realClock } from "./clock.js";
import { Connection } from "./connection.js";
import { Feeds } from "./feeds.js";
import { Outbox } from "./outbox.js";
import { Resume } from "./resume.js";
import { safely } from "./safely.js";
import { openStorage } from "./store.js";

/** @import { Frame, Handlers, Waiting } from "./types.js" */

/**
 * The browser's end of `/ws/`: one socket per tab for any number of feeds. `socket.js` has the one that pages use, and
 * `types.js` says which events it dispatches.
 */
export class Client extends EventTarget {
  #connection;
  #feeds;
  #outbox;
  #resume;
  #user;
  #handlers = new Map();

  /** `url` of the socket; `user` is the id of who reads the page, "" for nobody. The rest is for tests. */
  constructor({ url, user, clock = realClock, times = {}, storage = openStorage(), locks = navigator.locks }) {
    super();
    this.#user = String(user);
    this.#connection = new Connection(url, { clock, times, listener: this.#listener() });
    const send = (frame) => this.#connection.send(frame);
    const report = (name, detail) => this.#dispatch(name, detail);
    const link = { send, report, connect: () => this.connect(), check: () => this.check() };
    this.#feeds = new Feeds(send);
    this.#resume = new Resume({ clock, send, feeds: this.#feeds });
    this.#outbox = new Outbox({ clock, times, user, storage, locks, link });
  }

  get status() {
    return this.#connection.status;
  }

  /** Why it stopped: "logged_out", "other_user", "bad_frames", "not_allowed", "not_found" or "client_too_old". */
  get reason() {
    return this.#connection.reason;
  }

  /** When the next attempt to connect is due, in milliseconds since 1970, or null. */
  get retryAt() {
    return this.#connection.retryAt;
  }

  /** Connects now. Joining, watching and posting do it by themselves. */
  connect() {
    this.#connection.connect();
  }

  /**
   * Follows a feed from the revision that the page was rendered at. Without `rev` only what happens from now on.
   * @param {string} feed e.g. "chat.room.42"
   * @param {{rev?: number | null, epoch?: string} & Handlers} place
   * @returns {import("./subscription.js").Subscription} with `feed`, `rev` and leave()
   */
  join(feed, place = {}) {
    const subscription = this.#feeds.join(feed, place);
    this.connect();
    return subscription;
  }

  /**
   * Hears of the heads of feeds without following them: that is what keeps unread counts live.
   * @param {Iterable<string>} feeds
   * @param {(frame: Frame) => void} onHead
   * @returns {() => void} stops watching
   */
  watchHeads(feeds, onHead) {
    const unwatch = this.#feeds.watchHeads(feeds, onHead);
    this.connect();
    return unwatch;
  }

  /**
   * Sends something that is worth nothing later, e.g. typing. It is dropped unless the socket is live.
   * @param {Frame} frame
   * @returns {boolean} whether it went out
   */
  send(frame) {
    return this.status === "live" && this.#connection.send(frame);
  }

  /**
   * Sends a durable command: it is kept, also across page loads, until the server has acked it.
   * @param {Frame} command names its `feed`; gets a `client_id` unless it has one
   * @param {{fallback?: {url: string}}} [options] where to POST it when the socket fails; "/commands/" by default
   * @returns {string} the client_id
   */
  post(command, options) {
    return this.#outbox.post(command, options);
  }

  /** Sends a failed command again. @returns {boolean} whether there was one */
  retry(clientId) {
    return this.#outbox.retry(clientId);
  }

  /** Forgets a command that is not acked. @returns {boolean} whether there was one */
  discard(clientId) {
    return this.#outbox.discard(clientId);
  }

  /**
   * What is not acked yet, oldest first; of all feeds unless one is named. Entries of an earlier page come a moment
   * after loading, as "queued" events.
   * @returns {Waiting[]}
   */
  outbox(feed) {
    return this.#outbox.list(feed);
  }

  /**
   * Hears every frame of one type, whatever its feed. Changes come once, and only of joined feeds.
   * @param {string} type e.g. "chat.message.posted"
   * @param {(frame: Frame) => void} handler
   * @returns {() => void} unsubscribes
   */
  on(type, handler) {
    if (!this.#handlers.has(type)) this.#handlers.set(type, new Set());
    this.#handlers.get(type).add(handler);
    return () => this.#handlers.get(type).delete(handler);
  }

  /** The network or the page changed: looks whether the socket is alive. */
  check() {
    this.#connection.check();
  }

  /** The page goes away, for ever or into the back-forward cache. */
  suspend() {
    this.#outbox.suspend();
    this.#connection.suspend();
  }

  /** The page is back from the back-forward cache. */
  wake() {
    this.#outbox.wake();
    this.#connection.resume();
  }

  #listener() {
    return {
      onOpen: () => this.#resume.start(),
      onHello: (hello) => this.#greet(hello),
      onFrame: (frame) => this.#receive(frame),
      onStatus: (status) => this.#follow(status),
    };
  }

  #follow(status) {
    if (status !== "live") this.#resume.stop();
    this.#dispatch("status", status);
    this.#outbox.follow(status);
  }

  /** In another tab somebody else may have logged in. What this page holds must not be sent in that person's name. */
  #greet(hello) {
    this.#outbox.frameBytes = hello.limits?.frame ?? this.#outbox.frameBytes;
    return "user" in hello && String(hello.user ?? "") !== this.#user ? "other_user" : "";
  }

  #receive(frame) {
    if (frame.type === "realtime.ack") this.#outbox.acked(frame);
    if (frame.type === "realtime.error") {
      this.#outbox.refused(frame);
      this.#resume.refused(frame);
    }
    if (!this.#feeds.receive(frame)) return;
    for (const handler of [...(this.#handlers.get(frame.type) ?? [])]) safely(handler, frame);
  }

  #dispatch(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
