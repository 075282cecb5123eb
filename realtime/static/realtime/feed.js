import { Subscription } from "./subscription.js";

/** One feed as this tab knows it: how far it is, and which parts of the page follow it. */
export class Feed {
  epoch;
  /** Whether the server has said, on this connection, that it tells us everything from now on. */
  isLive = false;
  #rev; // the highest revision seen
  #subscriptions = new Set();

  constructor({ rev = null, epoch = "" }) {
    this.#rev = rev;
    this.epoch = epoch;
  }

  /** @returns {Subscription} */
  add(name, place) {
    const subscription = new Subscription(name, place);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Whether others still follow. */
  remove(subscription) {
    this.#subscriptions.delete(subscription);
    return this.#subscriptions.size > 0;
  }

  /** What the server has to continue from, for the part of the page that is furthest behind. */
  get cursor() {
    const revs = [...this.#subscriptions].map((subscription) => subscription.rev).filter((rev) => rev !== null);
    return { rev: revs.length ? Math.min(...revs) : null, epoch: this.epoch };
  }

  /** An app's event. Returns whether this tab had not seen it yet; one without a revision (typing) is always new. */
  event(frame) {
    const isNew = !("rev" in frame) || this.#rev === null || frame.rev > this.#rev;
    if (isNew && "rev" in frame) this.#rev = frame.rev;
    this.#deliver("onEvent", frame);
    return isNew;
  }

  live(frame) {
    if (this.epoch && frame.epoch && frame.epoch !== this.epoch) return this.reset(frame);
    this.isLive = true;
    this.epoch ||= frame.epoch ?? "";
    this.#rev = Math.max(this.#rev ?? 0, frame.rev);
    this.#deliver("onLive", frame);
  }

  reset(frame) {
    this.isLive = true;
    this.epoch = frame.epoch ?? "";
    this.#rev = frame.rev;
    this.#deliver("onReset", frame);
  }

  head(frame) {
    this.#deliver("onHead", frame);
  }

  presence(frame) {
    this.#deliver("onPresence", frame);
  }

  refused(frame) {
    for (const subscription of this.#subscriptions) subscription.end(frame);
  }

  #deliver(handler, frame) {
    // A copy: a handler may join or leave.
    for (const subscription of [...this.#subscriptions]) subscription.deliver(handler, frame);
  }
}
