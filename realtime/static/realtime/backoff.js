const FIRST = 500; // ms
const LONGEST = 30_000; // ms

/**
 * How long to wait before trying again: doubling, with full jitter. Thousands of browsers that lost the same server at
 * the same moment come back spread out, not as one wave that fells the next server.
 */
export class Backoff {
  #clock;
  #first;
  #longest;
  #failures = 0;

  constructor({ clock, first = FIRST, longest = LONGEST }) {
    this.#clock = clock;
    this.#first = first;
    this.#longest = longest;
  }

  /** Milliseconds to wait after one more failure. */
  next() {
    const ceiling = Math.min(this.#longest, this.#first * 2 ** this.#failures++);
    return this.#clock.random() * ceiling;
  }

  reset() {
    this.#failures = 0;
  }
}
