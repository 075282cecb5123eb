import { safely } from "./safely.js";

/**
 * One part of a page that follows a feed, with its own place in it. A page may hold several of one feed, rendered at
 * different revisions.
 */
export class Subscription {
  /** The last revision handed to the page; null until the first one is known. */
  rev;
  #handlers;
  #onLeave;
  #isOver = false;
  #held = null;

  constructor(feed, { rev = null, onLeave, ...handlers }) {
    /** @readonly */
    this.feed = feed;
    this.rev = rev;
    this.#handlers = handlers;
    this.#onLeave = onLeave;
  }

  /** Nothing is handed over after this. */
  leave() {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onLeave(this);
  }

  /** Hands `frame` to the page's `handler`, or keeps it while the page is fetching itself afresh. */
  deliver(handler, frame) {
    if (this.#isOver) return;
    if (this.#held) this.#held.push([handler, frame]);
    else if (handler === "onReset") this.#reset(frame);
    else if (this.#isNews(handler, frame)) safely(this.#handlers[handler], frame);
  }

  /** The server let go of us: now, or later when access is taken away. */
  end(frame) {
    this.#held = null;
    this.deliver("onRefused", frame);
    this.#isOver = true;
  }

  #isNews(handler, frame) {
    const isSeen = this.rev !== null && frame.rev <= this.rev;
    if (handler === "onEvent" && isSeen) return false;
    const moves = handler === "onEvent" || handler === "onLive";
    if (moves && Number.isInteger(frame.rev) && !isSeen) this.rev = frame.rev;
    return true;
  }

  /**
   * The page's onReset may return a promise while it fetches: what arrives meanwhile waits, or it would be drawn on
   * the old page and lost with it. It may resolve to the `{rev}` that the fresh page was rendered at.
   */
  #reset(frame) {
    this.rev = frame.rev;
    const fetching = safely(this.#handlers.onReset, frame);
    if (typeof fetching?.then !== "function") return;
    this.#held = [];
    fetching
      .then((fresh) => {
        if (Number.isInteger(fresh?.rev)) this.rev = fresh.rev;
      })
      .catch(reportError)
      .then(() => this.#release());
  }

  #release() {
    const held = this.#held ?? [];
    this.#held = null;
    for (const [handler, frame] of held) this.deliver(handler, frame);
  }
}
