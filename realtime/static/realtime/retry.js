import { Backoff } from "./backoff.js";

const TIMES = {
  steady: 10_000, // ms; lost after living this long is a new failure, lost sooner is the same one again
  restart: 5_000, // ms over which clients spread themselves when a restarting server named no time
  calm: 5_000, // ms, at least, to keep quiet after being too fast
};
const RESTART = 4012;
const TOO_FAST = 4429;
const LONGEST_BYE = 60; // s; a server that asks for more is not believed

/** Close codes after which trying again cannot help. The page has to be loaded again. */
export const FINAL = {
  4400: "bad_frames",
  4401: "logged_out",
  4403: "not_allowed",
  4404: "not_found",
  4409: "client_too_old",
};

/** When to come back, by how it ended. */
export class Retry {
  #clock;
  #times;
  #backoff;
  #asked = null; // s

  constructor({ clock, times }) {
    this.#clock = clock;
    this.#times = { ...TIMES, ...times };
    this.#backoff = new Backoff({ clock, first: times?.firstRetry, longest: times?.longestRetry });
  }

  /** The server announced that it will close, and when to come back: it knows how many others it sends away. */
  heardBye(frame) {
    if (frame.reconnect_after >= 0) this.#asked = Math.min(frame.reconnect_after, LONGEST_BYE);
  }

  /** Milliseconds to wait after a close with `code` (none when we gave up) of a socket that was live for `lived` ms. */
  after(code, lived) {
    const asked = this.#asked;
    this.#asked = null;
    if (asked !== null) return asked * 1000;
    if (code === RESTART) return this.#clock.random() * this.#times.restart;
    if (code === TOO_FAST) return (1 + this.#clock.random()) * this.#times.calm;
    if (lived >= this.#times.steady) this.#backoff.reset();
    return this.#backoff.next();
  }
}
