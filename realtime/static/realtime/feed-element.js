import { socket } from "./socket.js";

/**
 * An element that shows a feed: data-feed says which, data-rev and data-epoch as of when the server rendered it.
 *
 *     connectedCallback() {
 *       this.follow({ onEvent: (frame) => this.#receive(frame), onReset: () => location.reload() });
 *       this.addEventListener("click", (event) => this.#clicked(event), { signal: this.signal });
 *     }
 *
 * Both end when the element leaves the page.
 */
export class FeedElement extends HTMLElement {
  /** Aborted when the element leaves the page. @type {AbortSignal} */
  signal;
  #controller;
  #subscription;

  /** @param {import("./types.js").Handlers} handlers */
  follow(handlers) {
    const { feed, rev, epoch } = this.dataset;
    this.#controller = new AbortController();
    this.signal = this.#controller.signal;
    this.#subscription = socket.join(feed, { rev: Number(rev), epoch, ...handlers });
  }

  /** Hears nothing more of the feed, though the element stays. */
  unfollow() {
    this.#subscription.leave();
  }

  disconnectedCallback() {
    this.#controller.abort();
    this.unfollow();
  }
}
