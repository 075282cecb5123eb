const PATIENCE = 2_000; // ms, when the server does not say how long
const RETRIED = new Set(["retry_later", "rate_limited"]);

/** Tells the server where we are: first thing on every connection, and again when it could not listen just then. */
export class Resume {
  #clock;
  #feeds;
  #send;
  #cancel = () => {};

  constructor({ clock, feeds, send }) {
    this.#clock = clock;
    this.#feeds = feeds;
    this.#send = send;
  }

  start() {
    this.#cancel();
    this.#send(this.#feeds.resumeFrame());
  }

  /** The connection is gone; the next one starts anew. */
  stop() {
    this.#cancel();
  }

  /**
   * An error may have been about feeds: a database that was away for a moment must not leave this tab deaf. It was
   * not if it names a command, or a feed that is live.
   */
  refused({ code, client_id, feed, retry_after }) {
    if (!RETRIED.has(code) || client_id || this.#feeds.isLive(feed)) return;
    this.#cancel();
    const wait = retry_after >= 0 ? retry_after * 1000 : PATIENCE;
    this.#cancel = this.#clock.after(wait * (1 + this.#clock.random() / 5), () => this.start());
  }
}
