import { Backoff } from "./backoff.js";
import { submit } from "./fallback.js";

const TIMES = {
  ack: 5_000, // ms for the socket to answer, then HTTP is tried
  http: 15_000, // ms for HTTP to answer
};

/** The commands to one feed, one in flight at a time: that is what keeps them in order. */
export class Lane {
  #next;
  #outbox;
  #clock;
  #times;
  #backoff;
  #delivery = null; // {entry, route, cancel}
  #pause = null; // {isAsked, cancel}

  /** `next()` is the entry to send; `outbox` has route(entry), send(entry), doubt() and answered(entry, frame). */
  constructor({ clock, times, next, outbox }) {
    this.#next = next;
    this.#clock = clock;
    this.#times = { ...TIMES, ...times };
    this.#backoff = new Backoff({ clock, first: times?.firstRetry, longest: times?.longestRetry });
    this.#outbox = outbox;
  }

  /** "failed", "sending" or "queued". */
  stateOf(entry) {
    if (entry.error) return "failed";
    return this.#isSending(entry) ? "sending" : "queued";
  }

  pump() {
    if (this.#delivery || this.#pause) return;
    const entry = this.#next();
    const route = entry && this.#outbox.route(entry);
    if (route === "socket") this.#sendBySocket(entry);
    else if (route === "http") this.#sendByHttp(entry);
  }

  /** The entry is settled, one way or the other. */
  finish(entry) {
    if (this.#isSending(entry)) this.#endDelivery();
    this.#backoff.reset();
    this.pump();
  }

  /** The server asked for patience: everything behind this entry waits too. Returns the milliseconds. */
  hold(seconds) {
    const wait = seconds >= 0 ? seconds * 1000 : this.#backoff.next();
    this.#endDelivery();
    this.#pauseFor(wait, true);
    return wait;
  }

  socketOpened() {
    if (this.#pause && !this.#pause.isAsked) this.#endPause();
    this.pump();
  }

  socketLost() {
    if (this.#delivery?.route === "socket") this.#endDelivery();
    this.pump();
  }

  stop() {
    this.#endDelivery();
    this.#endPause();
  }

  #isSending(entry) {
    return this.#delivery?.entry === entry;
  }

  #sendBySocket(entry) {
    const cancel = this.#clock.after(this.#times.ack, () => {
      this.#outbox.doubt();
      if (this.#isSending(entry)) this.#sendByHttp(entry);
    });
    this.#delivery = { entry, route: "socket", cancel };
    this.#outbox.send(entry);
  }

  #sendByHttp(entry) {
    const controller = new AbortController();
    const cancelTimer = this.#clock.after(this.#times.http, () => controller.abort());
    const cancel = () => {
      cancelTimer();
      controller.abort();
    };
    const delivery = { entry, route: "http", cancel };
    this.#delivery = delivery;
    submit(entry, controller.signal).then(
      (frame) => delivery === this.#delivery && this.#outbox.answered(entry, frame),
      () => delivery === this.#delivery && this.#tryAgainLater(),
    );
  }

  #tryAgainLater() {
    this.#delivery.entry.sends = 0; // the socket may have its chance again
    this.#endDelivery();
    this.#pauseFor(this.#backoff.next(), false);
  }

  #pauseFor(wait, isAsked) {
    this.#endPause();
    const cancel = this.#clock.after(wait, () => {
      this.#pause = null;
      this.pump();
    });
    this.#pause = { isAsked, cancel };
  }

  #endDelivery() {
    this.#delivery?.cancel();
    this.#delivery = null;
  }

  #endPause() {
    this.#pause?.cancel();
    this.#pause = null;
  }
}
